"""A deck of its own with load in it, and the processor time and memory of its processes."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentdeck import paths
from tests.deck import Deck, running
from tests.ui.terminal import Terminal
from tests.waiting import wait_for

LOAD = Path(__file__).with_name("load.py")
COLUMNS, ROWS = 200, 60
_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def place() -> Iterator[Path]:
    """A home, a deck home and a repository of ten files; the path of the last. Nothing is left of them."""
    root = Path(tempfile.mkdtemp(prefix="deckb-", dir="/tmp"))
    kept = {name: os.environ[name] for name in ("PATH", "SSL_CERT_FILE") if name in os.environ}
    os.environ.clear()
    os.environ.update(kept, HOME=str(root), DECK_HOME=str(root / "deck"), LC_ALL="C.UTF-8", TERM="xterm-256color")
    repo = root / "sample"
    repo.mkdir()
    for number in range(10):
        (repo / f"file_{number}.py").write_text("".join(f"value_{line} = {line}\n" for line in range(50)))
    for argv in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.invalid"]
        subprocess.run(["git", *identity, *argv], cwd=repo, check=True)
    try:
        yield repo
    finally:
        shutil.rmtree(paths.runtime_dir(), ignore_errors=True)
        shutil.rmtree(root, ignore_errors=True)


class Rig:
    """The deck of `repo`: agents by name, each with a counter file; a dashboard in a terminal, when opened."""

    def __init__(self, repo: Path) -> None:
        self.deck = Deck(repo)
        self.folder = repo.parent
        self.agents: list[str] = []
        self._terminal: Terminal | None = None
        self._engine: subprocess.Popen[bytes] | None = None

    # -- agents

    def add(self, mode: str, program: Sequence[str] = ()) -> str:
        """Start one more agent, of our load program or of `program MODE NUMBER`."""
        number = len(self.agents)
        name = f"{mode}-{number}"
        argv = [*program] or [sys.executable, str(LOAD), str(self.counter(name))]
        self._new(name, [*argv, mode, str(number)])
        self.agents.append(name)
        return name

    def _new(self, name: str, command: list[str]) -> None:
        """What `agentdeck new` does, without a process for each of sixty."""
        from agentdeck.commands import output
        from agentdeck.services.lives.environment import save_environment

        env_file = save_environment()
        try:
            output.ask(
                "new", name=name, harness="shell", repo=str(self.deck.repo), args=command, env_file=str(env_file)
            )
        finally:
            env_file.unlink(missing_ok=True)

    def panes(self) -> dict[str, str]:
        """Pane ids by agent name."""
        found = self.deck.sql("SELECT name, pane FROM agents WHERE life = 'live'")
        return {row["name"]: row["pane"] for row in found}

    def counter(self, name: str) -> Path:
        return self.folder / f"{name}.count"

    def counts(self) -> dict[str, int]:
        """Bytes that each agent's terminal has taken."""
        return {name: int(self.counter(name).read_text().split()[0]) for name in self.agents}

    def rates(self, seconds: float) -> dict[str, float]:
        """Bytes per second over the next `seconds`, by the agents' own counters."""
        before, started = self.counts(), time.monotonic()
        time.sleep(seconds)
        after, span = self.counts(), time.monotonic() - started
        return {name: (after[name] - before[name]) / span for name in self.agents}

    # -- watchers

    def open(self, columns: int = COLUMNS, rows: int = ROWS) -> Terminal:
        """The dashboard, once every agent's name stands on its screen and an engine lives."""
        # a child of the pane's program: tmux sends SIGCONT to a pane's own program whenever that is stopped
        argv = ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-P", "-m", "agentdeck"]
        os.chdir(self.deck.repo)
        terminal = Terminal(self.folder / "outer", argv, columns, rows, {"COLORTERM": "truecolor"})
        self._terminal = terminal.__enter__()
        wait_for(lambda: all(name in terminal.text() for name in self.agents), 30, "all agents on the screen")
        wait_for(lambda: running(self.engine), 30, "an engine")
        return terminal

    def run_engine(self) -> None:
        """An engine in the foreground, which can be stopped: tmux would send SIGCONT to that of its hidden window."""
        argv = self.deck.argv("run")
        null = subprocess.DEVNULL
        self._engine = subprocess.Popen(argv, cwd=self.deck.repo, env=self.deck.environ, stdout=null, stderr=null)
        pid = self._engine.pid
        wait_for(lambda: self.engine == pid, 20, "our own engine")

    def unwatch(self) -> None:
        """No dashboard and no engine: the agents alone with their tmux server."""
        if self._terminal is not None:
            pid = self.dashboard
            self._terminal.__exit__()
            self._terminal = None
            wait_for(lambda: not running(pid), 10, "the dashboard's end")
        if self._engine is not None:
            self._engine.kill()
            self._engine.wait()
            self._engine = None
        if running(self.engine):
            self.deck.kill_engine()
        self._end_clients()

    @property
    def outer(self) -> Terminal:
        """The terminal of the open dashboard."""
        assert self._terminal is not None
        return self._terminal

    @property
    def dashboard(self) -> int:
        """The process id of the open dashboard."""
        shell = self.outer.pid
        return int(Path(f"/proc/{shell}/task/{shell}/children").read_text().split()[0])

    def _end_clients(self) -> None:
        """tmux 3.3 keeps the control client of a killed program as long as an answer to it is unread."""
        for pid in self.deck.tmux("list-clients", "-F", "#{client_pid}").split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGTERM)
        wait_for(lambda: not self.deck.tmux("list-clients"), 10, "the end of the control clients")

    @property
    def engine(self) -> int:
        return int(self.deck.engine()["pid"])

    @property
    def server(self) -> int:
        return int(self.deck.tmux("display-message", "-p", "#{pid}"))

    def close(self) -> None:
        """End everything; waits for the server, which may be busy swallowing a flood."""
        if not self.agents:
            return
        server = self.server
        self.unwatch()
        self.deck.end()
        if server:
            wait_for(lambda: not running(server), 20, "the end of tmux")


@contextlib.contextmanager
def rig(repo: Path) -> Iterator[Rig]:
    made, before = Rig(repo), Path.cwd()
    try:
        yield made
    finally:
        os.chdir(before)
        made.close()


@dataclass(frozen=True, slots=True)
class Load:
    """What a process took: percent of one processor, and resident megabytes at the end."""

    cpu: float
    rss: float


def measure(pids: Mapping[str, int], seconds: float) -> dict[str, Load]:
    """The load of processes over the next `seconds`, by their processor time, not by the clock."""
    before, started = {name: cpu_seconds(pid) for name, pid in pids.items()}, time.monotonic()
    time.sleep(seconds)
    span = time.monotonic() - started
    return {name: Load((cpu_seconds(pid) - before[name]) / span * 100, rss(pid)) for name, pid in pids.items()}


def cpu_seconds(pid: int) -> float:
    """Seconds of processor time so far: of tmux's server alone, of any other process with its children."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    times = list(map(int, fields.rpartition(")")[2].split()[11:15]))
    if "tmux: server" in fields:
        return sum(times[:2]) / _TICK
    return sum(times) / _TICK + sum(cpu_seconds(int(child)) for child in children)


def rss(pid: int) -> float:
    """Resident megabytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE / 1e6


def state(pid: int) -> str:
    """One letter, as ps has it: T for stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
