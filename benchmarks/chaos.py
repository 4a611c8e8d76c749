"""Random `kill -9` in a working deck: `python -m benchmarks.chaos [--kills 100] [--seed N]`.

Before each kill an agent's tree gets something new (a commit, a change, an untracked or an ignored file), and one
command begins: create, stop, remove, undo or resume. At a random moment of it the dashboard, the engine, the tmux
server or a git process is killed. Afterwards everything that was ever made or written must be found, and what
the deck says must be true. Prints what was killed in what, and every fault; exit 1 when there is one.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import IO

from agentdeck.services.lives import summon
from benchmarks.chaos_world import Sight, World, check, see
from benchmarks.rig import place
from tests import repos
from tests.deck import Deck, running
from tests.ui.terminal import Terminal
from tests.waiting import wait_for

VICTIMS = {"engine": 25, "both": 15, "git": 25, "server": 20, "dashboard": 15}  # both: the engine amid a git, and that
# One ends with its screen, as clients do; the other does not care, as some servers that they start.
PROGRAMS = (["cat"], ["cat"], ["sh", "-c", 'trap "" HUP; exec tail -f /dev/null'])
SPANS = {"create": 1.6, "resume": 1.5, "remove": 0.8, "undo": 0.8, "stop": 0.6}  # seconds in which a command is at work
MOST = 6  # agents in the deck
SETTLE_SECONDS = 20.0
COMMAND_SECONDS = 90.0


class Chaos:
    """One deck, one random sequence. `faults` collects what was wrong after each kill."""

    def __init__(self, deck: Deck, seed: int, *, dashboard: bool = True) -> None:
        self.deck = deck
        self.random = Random(seed)
        self.world = World(deck, self.random)
        self.killed: Counter[tuple[str, str]] = Counter()
        self.faults: list[str] = []
        self._names = 0
        self._opened = 0
        self._sight: Sight | None = None
        self._shown = dashboard
        self._terminal: Terminal | None = None

    # -- one round

    def round(self) -> str:
        """One command, one kill, one look at everything; what happened, in a line."""
        sight = self._prepare()
        action, words = self._choose(sight)
        victim = self._victim()
        command = Command(self.deck, words)
        wait = 0.0 if victim in ("git", "both") else self.random.uniform(0, SPANS[action])
        time.sleep(wait)
        victim = victim if self._kill(victim) else "nobody"
        code, said, told = command.end()
        self.killed[(victim, action)] += 1
        self._recover()
        found, self._sight = self._settled()
        made = json.loads(said)["id"] if action == "create" and code == 0 else ""
        if made and made not in self._sight.listed:
            found.append(f"{made} was reported made, and is not listed")
        self.world.meet(self._sight, made)
        self.faults += found
        line = f"{victim:9} killed {wait:4.2f} s into {' '.join(words)[:40]:40} exit {code} {told if code else ''}"
        story = f"\n{self.deck.story()}" if found else ""
        return line.rstrip() + "".join(f"\n    FAULT {fault}" for fault in found) + story

    def _prepare(self) -> Sight:
        """Somebody works; now and then somebody is stopped, so that there is something to remove."""
        sight = self._sight or see(self.deck)
        for key in self.random.sample(sorted(sight.listed), min(2, len(sight.listed))):
            self.world.work(key, Path(sight.listed[key]["worktree"]))
        live = [row["name"] for row in sight.listed.values() if row["status"]["state"] != "exited"]
        if len(live) < 2 or len(live) < len(sight.listed):
            return sight
        self.deck.ok("stop", self.random.choice(live))
        return see(self.deck)

    def _choose(self, sight: Sight) -> tuple[str, list[str]]:
        rows = sight.listed.values()
        live = [row["name"] for row in rows if row["status"]["state"] != "exited"]
        ended = [row["name"] for row in rows if row["status"]["state"] == "exited"]
        trashed = [row["id"] for row in sight.trashed.values()]
        offers = {
            "create": 3 if len(rows) < MOST else 0, "stop": 1 if live else 0, "remove": 4 if ended else 0,
            "resume": 3 if ended else 0, "undo": 4 if trashed and len(rows) < MOST else 0,
        }  # fmt: skip
        if len(rows) < 2:
            offers = {"create": 1}
        action = self.random.choices(list(offers), list(offers.values()))[0]
        self._names += 1
        program = self.random.choice(PROGRAMS)
        return action, {
            "create": lambda: ["new", f"a{self._names}", "--harness", "shell", "--json", "--", *program],
            "stop": lambda: ["stop", self.random.choice(live)],
            "remove": lambda: ["rm", self.random.choice(ended), "--yes"],
            "resume": lambda: ["resume", self.random.choice(ended)],
            "undo": lambda: ["undo", self.random.choice(trashed)],
        }[action]()

    def _victim(self) -> str:
        victims = {name: n for name, n in VICTIMS.items() if name != "dashboard" or self._terminal}
        return self.random.choices(list(victims), list(victims.values()))[0]

    def _kill(self, victim: str) -> bool:
        """Whether there was such a process to be killed."""
        if victim in ("git", "both"):
            return _kill_git(self._engine(), self.random, also=victim == "both")
        pid = {"engine": self._engine, "server": self._server, "dashboard": self._dashboard}[victim]()
        if not pid:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return True

    def _engine(self) -> int:
        rows = self.deck.sql("SELECT pid FROM engine")
        return int(rows[0][0]) if rows else 0

    def _server(self) -> int:
        return int(self.deck.tmux("display-message", "-p", "#{pid}") or 0)

    def _dashboard(self) -> int:
        return self._terminal.pid if self._terminal else 0

    # -- afterwards

    def _recover(self) -> None:
        """What a human does next: start what is gone, and look."""
        asyncio.run(summon.ensure_engine())
        if self._shown and (self._terminal is None or not running(self._dashboard())):
            self.close_dashboard()
            self.open_dashboard()

    def _settled(self) -> tuple[list[str], Sight]:
        """The faults that are still there after SETTLE_SECONDS; what survived without a row has been adopted."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            sight = see(self.deck)
            found = self.world.faults(sight)
            stray = next((row for row in sight.listed.values() if "lives on" in row["status"]["why"]), None)
            if stray is not None and stray["status"]["state"] == "exited":
                self.deck.ok("stop", stray["name"])
                self.killed[("stopped", "stray")] += 1
            if not found and sight.adoptable:
                self.deck.ok("adopt", "--yes")
                self.killed[("adopted", next(iter(sight.adoptable.values()))["what"])] += len(sight.adoptable)
            elif not found or time.monotonic() > deadline:
                return found, sight
            time.sleep(0.1)

    def open_dashboard(self) -> None:
        self._opened += 1
        socket = self.deck.repo.parent / f"outer-{self._opened}"  # the last one may be just going away
        argv = ["sh", "-c", 'cd "$0" && exec "$@"', str(self.deck.repo), *self.deck.argv()]
        self._terminal = Terminal(socket, argv, 120, 40, {"COLORTERM": "truecolor"}).__enter__()

    def close_dashboard(self) -> None:
        if self._terminal is not None:
            self._terminal.__exit__()
            self._terminal = None

    def shown(self) -> str:
        """What the dashboard shows now."""
        return self._terminal.text() if self._terminal else ""


class Command:
    """An agentdeck command that runs beside us; its output goes to files, so that nothing of it can block."""

    def __init__(self, deck: Deck, words: Sequence[str]) -> None:
        self.words = words
        self._out: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - for as long as the command runs
        self._err: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            deck.argv(*words),
            cwd=deck.repo,
            env=deck.environ,
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._err,
        )

    def end(self) -> tuple[int, str, str]:
        """Its exit code, output and last word, once it has ended."""
        try:
            code = self._process.wait(COMMAND_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        with self._out as out, self._err as err:
            out.seek(0)
            err.seek(0)
            title = err.read().decode().splitlines()[:1]
            return code, out.read().decode(), "".join(title).removeprefix("agentdeck: ")[:110]


def _kill_git(engine: int, random: Random, also: bool) -> bool:
    """Kill one of the git processes that the engine starts soon; False when too few came by.

    `also`: the engine first, and in half of the cases only that: the git goes on without it.
    """
    deadline, skip = time.monotonic() + 2.5, random.randrange(14)
    seen: set[int] = set()
    while time.monotonic() < deadline:
        for pid in _gits(engine):
            if pid in seen:
                continue
            seen.add(pid)
            if len(seen) > skip:
                with contextlib.suppress(ProcessLookupError):
                    time.sleep(random.uniform(0, 0.003))
                    if also:
                        os.kill(engine, signal.SIGKILL)
                    if not also or random.random() < 0.5:
                        os.kill(pid, signal.SIGKILL)
                    return True
    return False


def _gits(parent: int) -> Iterator[int]:
    try:
        tasks = os.listdir(f"/proc/{parent}/task")
    except FileNotFoundError:
        return
    for task in tasks:
        with contextlib.suppress(OSError):
            for pid in Path(f"/proc/{parent}/task/{task}/children").read_text().split():
                if Path(f"/proc/{pid}/comm").read_text().strip() == "git":
                    yield int(pid)


@contextlib.contextmanager
def chaos(deck: Deck, seed: int, *, dashboard: bool = True, files: int = 0) -> Iterator[Chaos]:
    """A deck to be killed, with an engine and a dashboard; ended afterwards. More `files` make git take longer."""
    many = {f"src/{n % 40}/{n}.txt": f"{n}\n" * 20 for n in range(files)}
    repos.commit(deck.repo, "Base", {"tracked.txt": "base\n", ".gitignore": "*.log\n", **many})
    made = Chaos(deck, seed, dashboard=dashboard)
    try:
        asyncio.run(summon.ensure_engine())
        if dashboard:
            made.open_dashboard()
        yield made
    finally:
        made.close_dashboard()
        deck.run("halt", "--yes")  # by the ladder: not all of them end with their screen
        deck.end()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--files", type=int, default=2000, help="files in the repository")
    options = parser.parse_args()
    started = time.monotonic()
    with place() as repo:
        os.environ["GIT_CONFIG_GLOBAL"] = str(repo.parent / "gitconfig")
        (repo.parent / "gitconfig").write_text(
            "[user]\n\tname = chaos\n\temail = chaos@example.invalid\n[gc]\n\tauto = 0\n"
        )
        deck = Deck(repo)
        with chaos(deck, options.seed, files=options.files) as run:
            while sum(n for (victim, _), n in run.killed.items() if victim in VICTIMS) < options.kills:
                print(run.round(), flush=True)
            wait_for(lambda: all(name in run.shown() for name in see(deck).names), 20, "all agents on the screen")
            broken = check(repo)
            world, seconds = run.world, time.monotonic() - started
            print(f"seed {options.seed}: {options.kills} kills in {seconds:.0f} s", end="; ")
            print(f"{len(world.kept)} agents, {world.size} files and commits")
            for (victim, action), n in sorted(run.killed.items()):
                print(f"  {victim:9} {action:9} {n}")
            print(f"  git fsck: {broken or 'whole'}")
            print(f"  faults: {len(run.faults)}")
            if run.faults:
                print(deck.log())
            return 1 if run.faults or broken else 0


if __name__ == "__main__":
    sys.exit(main())
