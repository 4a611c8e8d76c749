"""What stops for a while must not make the deck lie: `python -m benchmarks.faults [SECONDS] [--dashboards 0|1|2]`.

Five agents: one works, one asks, one is idle, a plain command prints, and one tells of itself by a status file only.
In turn the tmux server, the disk with that file and a transcript, and the model server are stopped for SECONDS (30).
Prints how late keys in the dashboard were meanwhile, and every status that each agent had, with when. A status other
than the true one or `unknown` is wrong, and so is a dashboard that says another than the deck knows when all is over;
the exit code is 1 when there was one, or when something did not recover.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agentdeck import paths
from benchmarks.dashboards import compare, dashboards
from benchmarks.latency import focus_times
from benchmarks.rig import Rig, place, rig
from tests.waiting import wait_for

HARNESS = """
name = "filer"
title = "Tells of itself by a file"
own_command = true
ready_seconds = 5.0

[start]
argv = []

[status_file]
path = "{home}/sessions/{pid}.json"
states.busy = ["working"]
"""
FILER = 'mkdir -p ~/sessions && echo \'{"status": "busy"}\' >~/sessions/$$.json && while :; do sleep 600; done'
TRUTH = {"works": "working", "asks": "needs_input", "rests": "idle", "prints": "working", "files": "working"}
RECOVERY = 15.0  # seconds that everything may take to be as before


@dataclass(frozen=True, slots=True)
class Fault:
    """What was seen while something was stopped: milliseconds a key took, and (seconds, status) by agent."""

    name: str
    keys: list[float]
    seen: dict[str, list[tuple[float, str]]] = field(default_factory=dict)
    recovered: float = -1.0  # seconds after its end until every status was the true one; negative: it was not

    @property
    def wrong(self) -> list[str]:
        """Agents that were said to be in a state they were not in."""
        return [
            f"{agent}: {state} at {at:.1f} s"
            for agent, states in self.seen.items()
            for at, state in states
            if state not in (TRUTH[agent], "unknown")
        ]


@contextlib.contextmanager
def model_server(folder: Path) -> Iterator[tuple[str, int]]:
    """The scripted model as a process of its own, which can be stopped: its address and process id."""
    ready = folder / "model.json"
    argv = [sys.executable, "-m", "agentdeck.demo.server", "--port", "0", "--ready-file", str(ready)]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(ready.exists, 20, "the model server")
        yield json.loads(ready.read_text())["url"], process.pid
    finally:
        process.kill()
        process.wait()


def fill(deck: Rig, seconds: float, names: Sequence[str] = tuple(TRUTH)) -> None:
    """The agents, each in its state; the one that works does so until all is over."""
    paths.user_harnesses_dir().mkdir(parents=True)
    (paths.user_harnesses_dir() / "filer.toml").write_text(HARNESS)
    long = 6 * seconds + 120
    prompts = {"works": f"Think ::slow {long:g} ::say {'so and so ' * 400}", "asks": "Ask ::bash touch x ::say Done.",
               "rests": "Rest ::say Well."}  # fmt: skip
    commands = {"prints": ("shell", "while date; do sleep 1; done"), "files": ("filer", FILER)}
    for name in names:
        if name in prompts:
            deck.deck.ok("new", name, "--harness", "builtin", "--prompt", prompts[name])
        else:
            harness, command = commands[name]
            deck.deck.ok("new", name, "--harness", harness, "--", "sh", "-c", command)
        deck.agents.append(name)
    for name in names:
        deck.deck.is_(name, TRUTH[name], timeout=40)


# -- the faults: each is a context in which something has stopped


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def stalled(files: list[Path]) -> Iterator[None]:
    """Each file is a pipe to which nobody writes: who opens it waits, as on a disk that does not answer."""
    kept = {}
    for file in files:
        kept[file] = file.with_suffix(".kept")
        shutil.copy2(file, kept[file])
        pipe = file.with_suffix(".pipe")
        os.mkfifo(pipe)
        os.replace(pipe, file)
    try:
        yield
    finally:
        for file, copy in kept.items():
            text = copy.read_bytes()
            with contextlib.suppress(OSError):  # nobody waits there
                end = os.open(file, os.O_WRONLY | os.O_NONBLOCK)
                os.write(end, text)
                os.close(end)
            os.replace(copy, file)


def endure(
    name: str, deck: Rig, seconds: float, fault: contextlib.AbstractContextManager[None],
    watching: Sequence[Path | None] = (None,),
) -> Fault:  # fmt: skip
    """Look at the statuses and press keys for as long as the fault lasts, and until all is well again.

    `watching`: the terminals (sockets) of the dashboards whose keys are pressed, None for that of the rig.
    """
    found = Fault(name, [], {agent: [] for agent in deck.agents})
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(deck, found, over))
    with fault:
        watch.start()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for terminal in watching:
                found.keys.extend(asyncio.run(focus_times(deck, 4, terminal)))
            time.sleep(0.2)
    since = time.monotonic()
    with contextlib.suppress(AssertionError):
        wait_for(lambda: all(deck.deck.state(agent) == TRUTH[agent] for agent in deck.agents), RECOVERY)
        found = Fault(name, found.keys, found.seen, time.monotonic() - since)
    time.sleep(min(seconds / 2, 3.0))  # a flip after the recovery is one too
    over.set()
    watch.join()
    return found


def _watch(deck: Rig, found: Fault, over: threading.Event) -> None:
    begun = time.monotonic()
    while not over.wait(0.05):
        rows = deck.deck.sql("SELECT a.name, s.state, s.last_known FROM status s JOIN agents a ON a.id = s.agent")
        for row in rows:
            states = found.seen[row["name"]]
            if not states or states[-1][1] != row["state"]:
                states.append((time.monotonic() - begun, row["state"]))


def files_of(deck: Rig) -> list[Path]:
    """The status file of one agent and the transcript of another."""
    own = sorted((Path.home() / "sessions").glob("*.json"))
    rows = deck.deck.sql("SELECT transcript FROM agent_sessions WHERE transcript != '' LIMIT 1")
    return [*own, *(Path(row["transcript"]) for row in rows)]


def kinds(deck: Rig, model: int) -> dict[str, Callable[[], contextlib.AbstractContextManager[None]]]:
    """What can stop, by its name; `model` is the process id of the model server."""
    return {
        "the disk of a status file and a transcript": lambda: stalled(files_of(deck)),
        "the tmux server": lambda: stopped(deck.server),
        "the model server": lambda: stopped(model),
    }


def endure_all(deck: Rig, seconds: float, model: int, watching: Sequence[Path | None]) -> Iterator[Fault]:
    """One fault after the other, the deck going on from each."""
    for name, fault in kinds(deck, model).items():
        yield endure(name, deck, seconds, fault(), watching)


def report(fault: Fault, seconds: float) -> str:
    """What a human reads."""
    keys = sorted(fault.keys)
    late = f", median {keys[len(keys) // 2]:.0f} ms, worst {keys[-1]:.0f} ms" if keys else ""
    lines = [f"{fault.name} stopped for {seconds:g} s: {len(keys)} keys{late}"]
    for agent, states in fault.seen.items():
        lines.append(
            f"  {agent:7} " + " -> ".join(f"{state} ({at:.1f} s)" if at > 0.2 else state for at, state in states)
        )
    lines.append(f"  wrong statuses: {', '.join(fault.wrong) or 'none'}")
    well = f"all as before {fault.recovered:.1f} s after its end" if fault.recovered >= 0 else "NOT all as before"
    return "\n".join([*lines, f"  {well}"])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("seconds", type=float, nargs="?", default=30.0)
    parser.add_argument("--dashboards", type=int, default=1, choices=(0, 1, 2))
    args = parser.parse_args()
    seconds: float = args.seconds
    bad = False
    with place() as repo, model_server(repo.parent) as (url, pid), rig(repo) as deck:
        os.environ.update(ANTHROPIC_BASE_URL=url, ANTHROPIC_API_KEY="none")
        deck.deck.environ |= {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "none"}
        fill(deck, seconds)
        with dashboards(repo, args.dashboards, deck.agents) as opened:
            for fault in endure_all(deck, seconds, pid, [one.socket for one in opened]):
                differing = compare(opened, deck.agents)
                print("\n  ".join([report(fault, seconds), *differing]), flush=True)
                bad = bad or bool(fault.wrong or differing) or fault.recovered < 0
    print(f"{args.dashboards} dashboards, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
