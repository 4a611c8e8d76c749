"""From written specs to judged work, nobody at the keys: `python -m benchmarks.fleet [--specs N --agents N --kills N]`.

Built-in agents with a scripted model take specs that depend on each other. Most are honest; some fail at first, call
done what they never did, leave it uncommitted, bend the check, stand still, run into an error, or die. Each task must
end in the state that its kind calls for. With kills, engine, agents, tmux server, a real dashboard or a verify run are
killed (-9) at random moments meanwhile, and somebody opens the dashboard again and resumes agents that are down, as a
human would; the same specs are handed out anew until as many were killed as asked for, all in one run. Then nothing
may be lost, nothing be done twice by one attempt, and all ends as before. Prints what came of it; exit 1 for a fault.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from agentdeck import paths
from agentdeck.demo.rules import Rule, Scenario
from agentdeck.demo.script import Call, Step
from agentdeck.demo.server import ScriptedModel
from benchmarks.rig import place
from tests import repos
from tests.deck import Deck, running
from tests.ui.terminal import Terminal

# kind -> the states its task may end in, and in which order kinds come: half of them are honest
ENDS = {
    "honest": {"review"}, "wrong first": {"review"}, "only words": {"review"}, "uncommitted": {"review"},
    "bends the check": {"review"}, "stands still": {"failed"}, "error": {"review"}, "dies": {"review"},
    "new test": {"review"}, "renames": {"review"},
}  # fmt: skip
ORDER = (
    "honest", "wrong first", "new test", "only words", "renames", "uncommitted", "honest", "error", "bends the check",
    "honest", "dies", "honest", "stands still", "new test", "renames", "honest", "wrong first", "honest", "honest",
    "honest",
)  # fmt: skip
OUTCOMES = {"uncommitted": "flagged", "bends the check": "flagged", "stands still": "failed"}
FOUNDATIONS = ("honest", "wrong first", "new test", "renames")  # what others may depend on
TRIES = 50  # deaths count, and there may be many
MINUTES = 0.15  # the time of what stands still
BATCHES = 50  # so often the same specs may be handed out anew


@dataclass(frozen=True)
class Job:
    """One spec of the run."""

    n: int
    kind: str
    needs: tuple[int, ...] = ()

    @property
    def title(self) -> str:
        return f"Job {self.n:02}"

    def good(self, log: Path) -> str:
        """The shell command that does it, and says that it was done."""
        return (
            f"echo {self.n} $DECK_AGENT_ID >>{log}; mkdir -p out && echo right >out/{self.n} && git add -A && "
            f"git commit -qm 'Do job {self.n}'"
        )

    def script(self, log: Path) -> str:
        """What the model does at first."""
        more = {
            "wrong first": f"mkdir -p out && echo wrong >out/{self.n} && git add -A && git commit -qm 'Do it'",
            "only words": "true",
            "uncommitted": f"mkdir -p out && echo right >out/{self.n}",
            "bends the check": f"echo 'exit 0' >check.sh && {self.good(log)}",
            "dies": f"[ -e {log}.{self.n} ] && {{ {self.good(log)}; }} || {{ touch {log}.{self.n}; kill -9 $PPID; }}",
            "new test": f"mkdir -p tests && echo 'assert True' >tests/test_{self.n}.py && {self.good(log)}",
            "renames": f"git mv text.txt text-{self.n}.txt && {self.good(log)}",
        }.get(self.kind, self.good(log))
        begin = {"stands still": "::wait 900 ", "error": "::fail 400 x1 the server has had enough "}.get(self.kind, "")
        return f"{begin}::bash {more}\n\n::say Job {self.n} is done."

    def spec(self, log: Path) -> str:
        needs = f"depends_on: [{', '.join(f'job-{n:02}.md' for n in self.needs)}]\n" if self.needs else ""
        budget = f"budget: {{minutes: {MINUTES}}}\n" if self.kind == "stands still" else ""
        return (
            f"---\ntitle: {self.title}\nverify: sh check.sh {self.n}\nmax_attempts: {TRIES}\n{needs}{budget}---\n"
            f"{self.script(log)}\n"
        )


def jobs(count: int, seed: int = 1) -> list[Job]:
    """`count` jobs of all kinds, some of which need earlier ones."""
    random, made = Random(seed), list[Job]()
    for n in range(1, count + 1):
        kind = ORDER[(n - 1) % len(ORDER)]
        firm = [job.n for job in made if job.kind in FOUNDATIONS and not (kind == "renames" and job.kind == "renames")]
        free = [n for n in firm if not any(made[n - 1].kind == "renames" for n in (n, *made[n - 1].needs))]
        needs = random.sample(free, min(len(free), random.choice((0, 1, 1, 2)))) if n > 2 else []
        made.append(Job(n, kind, tuple(sorted(needs))))
    return made


def again(made: list[Job], after: int) -> list[Job]:
    """The same jobs, numbered from `after` on."""
    return [replace(job, n=job.n + after, needs=tuple(n + after for n in job.needs)) for job in made]


def scenario(made: list[Job], log: Path) -> Scenario:
    """What the model does when it hears that a job is not done, or that it should go on."""
    rules = [
        Rule(rf"“{job.title}” is not done yet|Go on with the task: {job.title}\b", (
            Step(calls=(Call("bash", (job.good(log),)),)) if job.kind != "stands still" else Step(wait=900.0),
        ))
        for job in made
    ]  # fmt: skip
    return Scenario(tuple(rules))


class Run:
    """One deck, one set of jobs, and what is wrong at its end."""

    def __init__(self, deck: Deck, made: list[Job], log: Path, seed: int = 1) -> None:
        self.deck, self.jobs, self.log = deck, made, log
        self.random = Random(seed)
        self.batch = len(made)
        self.killed: Counter[str] = Counter()
        self._engine: subprocess.Popen[bytes] | None = None
        self._terminal: Terminal | None = None
        self._opened = 0
        self.agents: list[str] = []

    def start(self, agents: int) -> None:
        """Agents that wait, then all the specs at once."""
        for key, value in (("user.name", "fleet"), ("user.email", "fleet@example.invalid")):
            repos.git(self.deck.repo, "config", key, value)
        repos.commit(self.deck.repo, "A check", {"check.sh": "grep -qx right out/$1\n", "text.txt": "some text\n" * 9})
        for n in range(agents):
            self.agents.append(f"w{n}")
            self.deck.new(f"w{n}", "builtin", "--", "--yes")
        self.add(self.jobs)

    def add(self, made: list[Job]) -> None:
        """Queue these, all at once."""
        for job in made:
            (self.deck.repo.parent / f"job-{job.n:02}.md").write_text(job.spec(self.log))
        self.deck.ok("task", "add", *(str(self.deck.repo.parent / f"job-{job.n:02}.md") for job in made))

    def feed(self) -> None:
        """As many more again, when there is little left to do."""
        if self.open_tasks() >= len(self.agents) / 2:
            return
        more = again(self.jobs[: self.batch], len(self.jobs))
        self.jobs += more
        self.add(more)

    def open_dashboard(self) -> None:
        """A real one, in a terminal of its own, once it shows somebody."""
        self.close_dashboard()
        self._opened += 1
        argv = ["sh", "-c", 'cd "$0" && exec "$@"', str(self.deck.repo), *self.deck.argv()]
        socket = self.deck.repo.parent / f"outer-{self._opened}"
        self._terminal = Terminal(socket, argv, 160, 50, {"COLORTERM": "truecolor"}).__enter__()
        self._terminal.wait("w0 ", 60)

    def close_dashboard(self) -> None:
        if self._terminal is not None:
            self._terminal.__exit__()
            self._terminal = None

    def open_tasks(self) -> int:
        return self.deck.sql("SELECT COUNT(*) FROM tasks WHERE state IN ('queued', 'running', 'verifying')")[0][0]

    def tend(self) -> None:
        """Have an engine run, and agents that are down resumed, as a human would."""
        if self._engine is None or self._engine.poll() is not None:
            argv = self.deck.argv("run", "--until-empty")
            self._engine = subprocess.Popen(
                argv, cwd=self.deck.repo, env=self.deck.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            time.sleep(0.5)
        if not self.killed:
            return  # nobody is at the keys
        if self._terminal is not None and not running(self._terminal.pid):
            self.open_dashboard()
        down = [row["name"] for row in self.deck.sql("SELECT name FROM agents WHERE life = 'stopped'")]
        if down:
            self.deck.run("resume", *down)
        if any("pauses" in row[0] for row in self.deck.sql("SELECT data FROM events WHERE kind = 'queue'")):
            self.deck.run("task", "resume")

    def kill(self) -> str:
        """One random victim of those that live now."""
        victims = self._victims()
        name = self.random.choice(sorted(victims))
        with contextlib.suppress(ProcessLookupError):
            os.kill(victims[name], signal.SIGKILL)
        self.killed[name.split()[0]] += 1
        return name

    def _victims(self) -> dict[str, int]:
        found = {}
        for row in self.deck.sql("SELECT pid FROM engine WHERE pid > 0"):
            found["engine"] = row["pid"]
        for row in self.deck.sql("SELECT name, pid FROM agents WHERE life = 'live' AND pid > 0"):
            found["agent"] = row["pid"]
        if self._terminal is not None:
            found["dashboard"] = self._terminal.pid
        server = self.deck.tmux("display-message", "-p", "#{pid}").strip()
        if server.isdigit() and self.random.random() < 0.3:
            found["server"] = int(server)
        for lock in (paths.state_dir() / "verify").glob("*/lock"):
            with contextlib.suppress(OSError, ValueError):
                found["verify"] = int(lock.read_text())
        return {name: pid for name, pid in found.items() if running(pid)}

    def finish(self, seconds: float) -> None:
        """Let it come to its end."""
        deadline = time.monotonic() + seconds
        while self.open_tasks():
            self.tend()
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.open_tasks()} tasks are still open\n{self.states()}\n{self.deck.story()}")
            time.sleep(0.5)
        if self._engine is not None:
            self._engine.wait(20)

    def states(self) -> str:
        return "\n".join(
            f"#{row['id']:<3} {self.jobs[row['id'] - 1].kind:16} {row['state']:9} {row['tries']} tries  {row['reason']}"
            for row in self.deck.sql(
                "SELECT t.*, (SELECT COUNT(*) FROM attempts a WHERE a.task = t.id) tries FROM tasks t ORDER BY id"
            )
        )

    def faults(self, *, killed: bool = False) -> list[str]:
        """What is not as it must be."""
        found = []
        last = "SELECT outcome, reason FROM attempts WHERE task = ? ORDER BY n DESC LIMIT 1"
        for row in self.deck.sql("SELECT id, state, reason FROM tasks ORDER BY id"):
            job = self.jobs[row["id"] - 1]
            [(outcome, why)] = [tuple(one) for one in self.deck.sql(last, row["id"])] or [("", "")]
            wanted = OUTCOMES.get(job.kind, "passed")
            if row["state"] not in ENDS[job.kind] or (outcome != wanted and not killed):
                found.append(f"job {job.n} ({job.kind}) is {row['state']}, {outcome}: {row['reason'] or why}")
            if outcome in ("flagged", "failed") and not why:
                found.append(f"job {job.n}: no reason is given")
        twice = (
            "SELECT task, delivery, COUNT(*) FROM attempts WHERE delivery != '' GROUP BY delivery HAVING COUNT(*) > 1"
        )
        found += [f"task {row[0]}: one delivery for two attempts" for row in self.deck.sql(twice)]
        done = Counter(line.split()[0] for line in self.log.read_text().splitlines())
        for job in self.jobs:
            tries = self.deck.sql("SELECT COUNT(*) FROM attempts WHERE task = ?", job.n)[0][0]
            if done[str(job.n)] > tries:
                found.append(f"job {job.n} was done {done[str(job.n)]} times in {tries} attempts")
        return found + self._lost()

    def _lost(self) -> list[str]:
        """Work in review must be there, on its branch, with that of what it needs."""
        found = []
        query = """SELECT t.id, a.head_oid, a.branch FROM tasks t JOIN attempts a ON a.task = t.id
            WHERE t.state = 'review' AND a.n = (SELECT MAX(n) FROM attempts b WHERE b.task = t.id)"""
        for row in self.deck.sql(query):
            for n in (row["id"], *self.jobs[row["id"] - 1].needs):
                names = repos.git(self.deck.repo, "ls-tree", "-r", "--name-only", row["head_oid"]).splitlines()
                if f"out/{n}" not in names:
                    found.append(f"job {row['id']}: out/{n} is not in {row['branch']}")
        return found


@contextlib.contextmanager
def fleet(repo: Path, count: int, agents: int, seed: int = 1) -> Iterator[Run]:
    """A deck at work on `count` jobs."""
    log = repo.parent / "done.log"
    log.touch()
    made = jobs(count, seed)
    known = [job for n in range(BATCHES) for job in again(made, n * count)]
    with ScriptedModel(scenario(known, log)) as model:
        run = Run(Deck(repo, model), made, log, seed)
        try:
            run.start(agents)
            yield run
        finally:
            run.close_dashboard()
            run.deck.end()
            if run._engine is not None and run._engine.poll() is None:
                run._engine.kill()
                run._engine.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--specs", type=int, default=40)
    parser.add_argument("--agents", type=int, default=8)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--pause", type=float, default=3.0, help="seconds between two kills, at most")
    parser.add_argument("--seed", type=int, default=1)
    words = parser.parse_args()
    with place() as repo, fleet(repo, words.specs, words.agents, words.seed) as run:
        began = time.monotonic()
        if words.kills:
            run.open_dashboard()
        run.tend()
        while sum(run.killed.values()) < words.kills:
            time.sleep(run.random.uniform(0.1, words.pause))
            with contextlib.suppress(IndexError):
                print(f"{time.monotonic() - began:5.0f} s  killed {run.kill()}", flush=True)
            run.tend()
            run.feed()
        run.finish(300 + 10 * words.specs)
        faults = run.faults(killed=bool(words.kills))
        print(run.states())
        ended = run.deck.sql("SELECT outcome, COUNT(*) FROM attempts GROUP BY outcome")
        told = ", ".join(f"{row[1]} {row[0]}" for row in ended)
        kills = ", ".join(f"{n} {name}" for name, n in run.killed.items()) or "nobody"
        load = " ".join(f"{one:.1f}" for one in os.getloadavg())
        took = f"{len(run.jobs)} specs, {words.agents} agents, {time.monotonic() - began:.0f} s"
        print(f"{took}; attempts: {told}; killed: {kills}; load {load}")
        print("\n".join(f"FAULT {one}" for one in faults) or "no fault", flush=True)
        return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
