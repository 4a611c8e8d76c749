"""Start to first paint of `agentdeck`, in a real terminal, beside a Textual app that shows one word.

    make bench            (or: .venv/bin/python benchmarks/startup.py --runs 15)

Each run types nothing and waits: the clock starts when tmux is told to start the program in a fresh
120x40 window and stops when the program's first line is on the screen, which is asked every 5 ms.
Both programs take turns, so that other load on the machine meets both. One run of each goes first and
is not counted: it compiles bytecode, makes the database and starts the engine.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from agentdeck import paths

PATIENCE = 20.0  # seconds until a run counts as failed

EMPTY_APP = """\
from textual.app import App
from textual.widgets import Static

class Empty(App):
    def compose(self):
        yield Static("ready-to-go")

Empty().run()
"""


class Terminal:
    """A tmux server of our own with one window of 120x40 at a time."""

    def __init__(self, root: Path, env: Mapping[str, str]) -> None:
        self._base = ["tmux", "-S", str(root / "terminal"), "-f", "/dev/null"]
        self._env = dict(env)
        self._tmux("new-session", "-d", "-s", "keep", "-x", "120", "-y", "40", "sleep 3600")

    def _tmux(self, *argv: str) -> str:
        done = subprocess.run([*self._base, *argv], env=self._env, capture_output=True, text=True, check=True)
        return done.stdout

    def run(self, command: str, sign: str, key: str, directory: Path) -> float:
        """Seconds from the start of `command` until `sign` shows; then it is ended by `key`."""
        start = time.perf_counter()
        self._tmux("new-session", "-d", "-s", "run", "-x", "120", "-y", "40", "-c", str(directory), command)
        screen = ""
        while sign not in screen:
            if time.perf_counter() - start > PATIENCE:
                raise SystemExit(f"'{sign}' did not show within {PATIENCE:g} s:\n{screen}")
            time.sleep(0.005)
            screen = self._tmux("capture-pane", "-p", "-t", "=run:")
        taken = time.perf_counter() - start
        self._tmux("send-keys", "-t", "=run:", key)
        while "run\n" in self._tmux("list-sessions", "-F", "#{session_name}"):
            if time.perf_counter() - start > 2 * PATIENCE:
                raise SystemExit(f"the program did not leave on '{key}'")
            time.sleep(0.05)
        return taken

    def close(self) -> None:
        subprocess.run([*self._base, "kill-server"], env=self._env, capture_output=True, check=False)


@contextlib.contextmanager
def place() -> Iterator[tuple[Path, dict[str, str]]]:
    """A repository, a home and a deck home of our own; nothing of them is left."""
    root = Path(tempfile.mkdtemp(prefix="deckb-", dir="/tmp"))
    kept = {name: os.environ[name] for name in ("PATH", "SSL_CERT_FILE") if name in os.environ}
    env = kept | {"HOME": str(root), "DECK_HOME": str(root / "deck"), "LC_ALL": "C.UTF-8", "TERM": "tmux-256color"}
    repo = root / "sample"
    repo.mkdir()
    for argv in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.invalid"]
        subprocess.run(["git", *identity, *argv], cwd=repo, env=env, check=True)
    os.environ["DECK_HOME"] = env["DECK_HOME"]
    try:
        yield root, env
    finally:
        subprocess.run(["tmux", "-S", str(paths.tmux_socket()), "kill-server"], capture_output=True, check=False)
        shutil.rmtree(paths.runtime_dir(), ignore_errors=True)
        shutil.rmtree(root, ignore_errors=True)


def measure(runs: int) -> dict[str, list[float]]:
    """Seconds per run of each program."""
    python = shlex.quote(sys.executable)
    taken: dict[str, list[float]] = {"agentdeck": [], "empty Textual app": []}
    with place() as (root, env):
        (root / "empty.py").write_text(EMPTY_APP)
        programs = {
            "agentdeck": (f"{python} -m agentdeck", " sample ", "q"),
            "empty Textual app": (f"{python} {root / 'empty.py'}", "ready-to-go", "C-q"),
        }
        terminal = Terminal(root, env)
        try:
            for count in range(runs + 1):
                for name, (command, sign, key) in programs.items():
                    seconds = terminal.run(command, sign, key, root / "sample")
                    if count:
                        taken[name].append(seconds)
        finally:
            terminal.close()
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    taken = measure(parser.parse_args().runs)
    print(f"start to first paint, seconds ({os.cpu_count()} cores, load {os.getloadavg()[0]:.1f})")
    for name, seconds in taken.items():
        print(
            f"  {name:20} median {statistics.median(seconds):.2f}   best {min(seconds):.2f}"
            f"   worst {max(seconds):.2f}   runs {len(seconds)}"
        )
    ours, theirs = (statistics.median(seconds) for seconds in taken.values())
    print(f"  agentdeck takes {ours / theirs:.2f} times as long as the empty app")


if __name__ == "__main__":
    main()
