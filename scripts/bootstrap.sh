#!/bin/sh
# Puts everything in place that `make` needs, or names the one command that would, and stops.
# Nothing outside this directory is touched, but for system packages where that is allowed
# (root, or sudo without a password). When all is in place it says nothing and takes some 50 ms.
set -eu
cd "$(dirname "$0")/.."

UV_VERSION=0.13.9
PYTHON_NEEDED=3.11
TMUX_NEEDED=3.2

say() { printf '%s\n' "agentdeck: $*" >&2; }

stop() { # stop WHAT NEXT-STEP
    say "$1"
    printf '    %s\n' "$2" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# The command that installs a package here. Its name is the same with every manager we know.
install_command() {
    if have apt-get; then echo "apt-get install -y $1"
    elif have dnf; then echo "dnf install -y $1"
    elif have apk; then echo "apk add $1"
    elif have pacman; then echo "pacman -S --noconfirm $1"
    elif have zypper; then echo "zypper --non-interactive install $1"
    elif have brew; then echo "brew install $1"
    fi
}

# Installs a package where we may; fails without a word where we may not.
install_package() {
    command=$(install_command "$1")
    [ -n "$command" ] || return 1
    case $command in
        brew*) as_root="" ;;
        *)  if [ "$(id -u)" = 0 ]; then as_root=""
            elif have sudo && sudo -n true 2>/dev/null; then as_root="sudo -n"
            else return 1
            fi ;;
    esac
    say "installing $1 ($command)"
    # dpkg needs the system directories, which a bare PATH may lack
    case $command in apt-get*) $as_root env PATH="$PATH:/usr/sbin:/sbin" apt-get update -qq >&2 || true ;; esac
    $as_root env DEBIAN_FRONTEND=noninteractive PATH="$PATH:/usr/sbin:/sbin" $command >&2 </dev/null
}

needs() { # needs PACKAGE WHY
    next=$(install_command "$1")
    if [ -z "$next" ]; then next="Install $1 with the package manager of your system"
    elif [ "$(id -u)" = 0 ] || [ "${next#brew}" != "$next" ]; then next="Run: $next"
    else next="Run: sudo $next"
    fi
    stop "$2" "$next   (then run make again)"
}

# tmux -V prints "tmux 3.3a", "tmux next-3.6" or "tmux openbsd-7.8" (which is newer than any number we need).
tmux_is_new_enough() {
    found=$(tmux -V 2>/dev/null) || return 1
    case $found in *openbsd*|*master*) return 0 ;; esac
    number=$(printf '%s' "$found" | sed -n 's/^[^0-9]*\([0-9][0-9]*\)\.\([0-9][0-9]*\).*/\1 \2/p')
    [ -n "$number" ] || return 1
    set -- $number
    [ "$1" -gt "${TMUX_NEEDED%.*}" ] || { [ "$1" -eq "${TMUX_NEEDED%.*}" ] && [ "$2" -ge "${TMUX_NEEDED#*.}" ]; }
}

ensure_tmux() {
    tmux_is_new_enough && return 0
    install_package tmux || true
    tmux_is_new_enough && return 0
    if have tmux; then needs tmux "$(tmux -V) is too old: tmux $TMUX_NEEDED or newer is needed."
    else needs tmux "tmux $TMUX_NEEDED or newer is needed and was not found."
    fi
}

ensure_git() {
    have git && return 0
    install_package git || true
    have git || needs git "git is needed and was not found."
}

python_fits() { # a pyenv shim exists and fails when its version is not chosen, so it is run
    "$1" -c "import sys; sys.exit(sys.version_info < (${PYTHON_NEEDED%.*}, ${PYTHON_NEEDED#*.}))" 2>/dev/null
}

find_python() {
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if have "$candidate" && python_fits "$candidate"; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return 0
        fi
    done
    return 1
}

# uv comes from pip, by name, into a small environment of its own.
ensure_uv() {
    [ "$(.uv/bin/uv --version 2>/dev/null | cut -d' ' -f2)" = "$UV_VERSION" ] && return 0
    say "installing uv $UV_VERSION into .uv"
    rm -rf .uv/bin .uv/lib .uv/lib64 .uv/include .uv/pyvenv.cfg
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null || ! "$python" -m venv .uv >/dev/null 2>&1; then
        package=python3-venv
        have apt-get && package=python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv
        install_package "$package" || needs "$package" "$python cannot make virtual environments."
        "$python" -m venv .uv || stop "$python -m venv fails." "See the message above."
    fi
    quiet_pip uv=="$UV_VERSION" || stop "uv $UV_VERSION could not be installed by pip." "See the message above; is the package index within reach?"
}

# pip may know no certificates but its own; the system's hold good for whoever set it up (a proxy, a mirror).
quiet_pip() {
    if [ -z "${PIP_CERT:-}" ] && ! .uv/bin/python -m pip config list 2>/dev/null | grep -q cert; then
        for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
            [ -r "$bundle" ] && export PIP_CERT="$bundle" && break
        done
    fi
    .uv/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: "$@" >&2 </dev/null
}

# The system's certificates, no interpreter but the system's, and a cache that `make clean` removes.
run_uv() {
    UV_CACHE_DIR="${UV_CACHE_DIR:-$PWD/.uv/cache}" UV_SYSTEM_CERTS=1 UV_PYTHON_DOWNLOADS=never .uv/bin/uv --quiet "$@"
}

fingerprint() { cat pyproject.toml requirements.lock scripts/bootstrap.sh | cksum; pwd; }

ensure_environment() {
    if [ -f .venv/.complete ] && [ "$(cat .venv/.complete)" = "$(fingerprint)" ] && .venv/bin/python -c '' 2>/dev/null; then
        return 0
    fi
    python=$(find_python) || needs python3 "Python $PYTHON_NEEDED or newer is needed and was not found (a path can be given: make PYTHON=/path/to/python3)."
    ensure_uv
    rm -f .venv/.complete
    say "installing the locked packages into .venv"
    # uv does not read pip's configuration; an index that a human set there is meant for this too
    index=${UV_DEFAULT_INDEX:-${PIP_INDEX_URL:-$(.uv/bin/python -m pip config get global.index-url 2>/dev/null || true)}}
    if [ -n "$index" ]; then export UV_DEFAULT_INDEX="$index"; fi
    python_fits .venv/bin/python || run_uv venv --clear --python "$python" .venv
    run_uv pip sync --python .venv/bin/python --require-hashes --compile-bytecode requirements.lock ||
        stop "The locked packages could not be installed." "See the message above; is the package index within reach?"
    run_uv pip install --python .venv/bin/python --no-deps --no-build-isolation --editable .
    .venv/bin/python -m compileall -q agentdeck
    fingerprint >.venv/.complete
}

unset PYTHONHOME PYTHONPATH VIRTUAL_ENV CONDA_PREFIX
ensure_git
ensure_environment
ensure_tmux
