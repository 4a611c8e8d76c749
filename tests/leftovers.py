"""What a test may leave behind: nothing. Finds, ends and names what belongs to one base directory.

Everything a test starts knows its base: by DECK_HOME, HOME or the spool in its environment, or by a
socket or a file on its command line. Sockets in the short runtime directories are found by the hash
that agentdeck.paths gives to each deck home below the base.
"""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path

from agentdeck import paths


def runtime_dirs(base: Path) -> set[Path]:
    """The socket directories of every deck home below `base`, existing or not."""
    homes = {base, *(found.parent for found in _walk(base) if found.name in ("config", "data", "state"))}
    return {_runtime_dir(home) for home in homes}


def _runtime_dir(home: Path) -> Path:
    before = os.environ.get("DECK_HOME")
    os.environ["DECK_HOME"] = str(home)
    try:
        return paths.runtime_dir()
    finally:
        if before is None:
            del os.environ["DECK_HOME"]
        else:
            os.environ["DECK_HOME"] = before


def _walk(base: Path) -> list[Path]:
    """Directories and sockets below `base`; not inside git's own folders or work trees, which hold neither."""
    found = []
    for folder, names, files in os.walk(base):
        names[:] = [name for name in names if name not in (".git", "worktrees", "node_modules")]
        found += [Path(folder, name) for name in names]
        found += [Path(folder, name) for name in files if _is_socket(Path(folder, name))]
    return found


def _is_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.lstat().st_mode)
    except OSError:
        return False


def kill_servers(base: Path, runtimes: set[Path]) -> None:
    """End the tmux servers whose sockets are the base's own; a socket that is not tmux's is passed over."""
    sockets = [path for path in _walk(base) if _is_socket(path)]
    for runtime in runtimes:
        if runtime.is_dir():
            sockets += [path for path in runtime.iterdir() if _is_socket(path) and path.name != "wake"]
    for socket in sockets:
        subprocess.run(["tmux", "-S", str(socket), "kill-server"], capture_output=True, timeout=10, check=False)


def processes(marks: set[str]) -> dict[int, str]:
    """Living processes, this one apart, whose environment, command line or directory holds one of `marks`."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes()
            known = command + b"\0" + (entry / "environ").read_bytes() + b"\0" + os.fsencode(os.readlink(entry / "cwd"))
        except OSError:
            continue
        if any(mark.encode() in known for mark in marks):
            found[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace").strip()
    return found


def sweep(base: Path, patience: float = 15.0) -> list[str]:
    """End the servers of `base`, wait for its processes to end, remove its socket directories.

    Returns a line for each process that outlived `patience` seconds; those are killed, so that one
    careless test does not spoil the next.
    """
    runtimes = runtime_dirs(base)
    kill_servers(base, runtimes)
    marks = {str(base), *(str(runtime) for runtime in runtimes if runtime.exists())}
    deadline = time.monotonic() + patience
    alive = processes(marks)
    while alive and time.monotonic() < deadline:
        time.sleep(0.02)
        alive = processes(marks)
    for pid in alive:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    for runtime in runtimes:
        shutil.rmtree(runtime, ignore_errors=True)
    return [f"process {pid}: {command}" for pid, command in sorted(alive.items())]


def worktrees_outside(base: Path) -> list[str]:
    """Work trees that a repository below `base` has elsewhere."""
    outside = []
    for link in base.glob("**/.git/worktrees/*/gitdir"):
        tree = Path(link.read_text().strip()).parent
        if tree.exists() and not tree.is_relative_to(base):
            outside.append(f"work tree: {tree}")
    return outside
