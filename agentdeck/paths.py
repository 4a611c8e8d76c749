"""Where everything lives. With DECK_HOME set, all of it is below that directory.

The tmux socket is the one exception: its path may hold about 100 bytes, so it
lives in a short private directory whose name is a hash of the state directory.
"""

from __future__ import annotations

import hashlib
import os
import stat
from functools import cache
from pathlib import Path

from agentdeck.errors import AgentDeckError

_NAMES = ("DECK_HOME", "HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")


def _base(kind: str) -> Path:
    return _found(kind, *map(os.environ.get, _NAMES))


@cache  # the engine asks some hundred times a second
def _found(kind: str, home: str | None, *_others: str | None) -> Path:
    if home:
        return Path(home).expanduser().absolute() / kind
    from platformdirs.unix import Unix  # 18 ms; the XDG layout on macOS too, as terminal users expect

    dirs = Unix("agentdeck")
    return Path({"config": dirs.user_config_dir, "data": dirs.user_data_dir, "state": dirs.user_state_dir}[kind])


def config_dir() -> Path:
    """The human's own files: config.toml, harnesses/, themes/."""
    return _base("config")


def data_dir() -> Path:
    """What must never be lost: the database and the worktrees."""
    return _base("data")


def state_dir() -> Path:
    """What can be made again: locks, logs, the spool, launch files."""
    return _base("state")


def config_file() -> Path:
    return config_dir() / "config.toml"


def policy_file() -> Path:
    """The human's rules for permission requests."""
    return config_dir() / "policy.toml"


def database_file() -> Path:
    return data_dir() / "deck.db"


def worktrees_dir() -> Path:
    return data_dir() / "worktrees"


def trash_dir() -> Path:
    """Where the trees of removed agents lie: below the worktrees, so that moving one there is a rename."""
    return worktrees_dir() / ".trash"


def user_harnesses_dir() -> Path:
    return config_dir() / "harnesses"


def user_themes_dir() -> Path:
    return config_dir() / "themes"


def spool_dir(agent: str) -> Path:
    """Where the hooks of one agent leave one file per event."""
    return state_dir() / "spool" / agent


def agent_dir(agent: str) -> Path:
    """Scratch of one agent: launch file, settings file, decoy tmux directory, transcript of `builtin`."""
    return state_dir() / "agents" / agent


def transcripts_dir() -> Path:
    """Transcripts of our own `builtin` agent; other clients keep theirs where they always do."""
    return data_dir() / "transcripts"


def research_dir() -> Path:
    """A directory for each AutoResearch loop, with its ledger."""
    return data_dir() / "research"


def engine_lock() -> Path:
    return state_dir() / "engine.lock"


def log_file(name: str) -> Path:
    return state_dir() / "log" / f"{name}.log"


def tmux_conf() -> Path:
    return state_dir() / "tmux.conf"


def runtime_dir() -> Path:
    """The short private directory of our sockets: /tmp/deck-<uid>-<hash of the state directory>."""
    mark = hashlib.sha256(str(state_dir()).encode()).hexdigest()[:12]
    return Path("/tmp") / f"deck-{os.getuid()}-{mark}"


def tmux_socket() -> Path:
    return runtime_dir() / "tmux"


def wake_socket() -> Path:
    """A datagram socket: one byte to it tells the engine that a row waits."""
    return runtime_dir() / "wake"


def make_private(directory: Path) -> Path:
    """Create `directory` for this user only, and refuse one that somebody else could have planted."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise AgentDeckError(
            f"{directory} is not a directory of yours", "Remove it, or set DECK_HOME to another place."
        )
    if found.st_mode & 0o077:
        directory.chmod(0o700)
    return directory


def package_dir() -> Path:
    return Path(__file__).parent
