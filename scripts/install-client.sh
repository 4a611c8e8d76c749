#!/bin/sh
# install-client.sh NAME: print the path of that real client as the tests run it, installing it first when it is missing.
# Versions are pinned: an unpinned install gives an older Claude Code on an older Node. DECK_TEST_CLAUDE, DECK_TEST_CODEX
# and so on name another binary.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
case ${1:-} in
    claude) package=@anthropic-ai/claude-code version=2.1.330 own=${DECK_TEST_CLAUDE:-} ;;
    codex) package=@openai/codex version=0.169.0 own=${DECK_TEST_CODEX:-} ;;
    gemini) package=@google/gemini-cli version=0.61.0 own=${DECK_TEST_GEMINI:-} ;;
    opencode) package=opencode-ai version=1.18.33 own=${DECK_TEST_OPENCODE:-} ;;
    ccusage) package=ccusage version=20.0.24 own=${DECK_TEST_CCUSAGE:-} ;;  # the counter that benchmarks compare with
    aider) package=aider-chat version=0.86.2 own=${DECK_TEST_AIDER:-} ;;  # from PyPI, about 700 MB
    *) echo "usage: install-client.sh claude|codex|gemini|opencode|aider|ccusage" >&2; exit 2 ;;
esac
place=$root/.clients/$1-$version
binary=$place/node_modules/.bin/$1

if [ -n "$own" ]; then
    [ -x "$own" ] || { echo "the client named for the tests is not a program: $own" >&2; exit 2; }
    echo "$own"
    exit 0
fi
if [ "$1" = aider ]; then  # its scripts name the place they stand in, so it is made there and marked when it is whole
    binary=$place/bin/aider
    if [ ! -e "$place/.whole" ]; then
        echo "Installing $package==$version into $place" >&2
        rm -rf "$place"
        python3 -m venv "$place" >&2
        "$place/bin/pip" install -q "$package==$version" >&2
        : >"$place/.whole"
    fi
elif [ ! -x "$binary" ]; then
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
    echo "Installing $package@$version into $place" >&2
    npm install --no-audit --no-fund --loglevel=error --prefix "$draft" "$package@$version" >&2
    # One move: an install that was interrupted is never taken for a whole one.
    [ -d "$place" ] && rm -rf "$place"
    mv "$draft" "$place"
fi
echo "$binary"
