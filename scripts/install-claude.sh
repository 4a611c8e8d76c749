#!/bin/sh
# Print the path of the real Claude Code that `make test-real` runs, installing it first when it is missing.
# The version is pinned: an unpinned install gives an older client on an older Node. DECK_TEST_CLAUDE names another binary.
set -eu
version=2.1.330
root=$(cd "$(dirname "$0")/.." && pwd)
place=$root/.clients/claude-$version
binary=$place/node_modules/.bin/claude

if [ -n "${DECK_TEST_CLAUDE:-}" ]; then
    [ -x "$DECK_TEST_CLAUDE" ] || { echo "DECK_TEST_CLAUDE: $DECK_TEST_CLAUDE is not a program" >&2; exit 2; }
    echo "$DECK_TEST_CLAUDE"
    exit 0
fi
if [ ! -x "$binary" ]; then
    command -v npm >/dev/null || { echo "npm is missing: install Node.js to run the real clients" >&2; exit 69; }
    mkdir -p "$root/.clients"
    draft=$(mktemp -d "$root/.clients/.new.XXXXXX")
    trap 'rm -rf "$draft"' EXIT
    # npm knows only its own certificates; the system's hold good for whoever set them up (a proxy, a mirror)
    if [ -z "${NODE_EXTRA_CA_CERTS:-}" ]; then
        for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
            [ -r "$bundle" ] && export NODE_EXTRA_CA_CERTS="$bundle" && break
        done
    fi
    echo "Installing @anthropic-ai/claude-code@$version into $place" >&2
    npm install --no-audit --no-fund --loglevel=error --prefix "$draft" "@anthropic-ai/claude-code@$version" >&2
    # One move: an install that was interrupted is never taken for a whole one.
    [ -d "$place" ] && rm -rf "$place"
    mv "$draft" "$place"
fi
echo "$binary"
