"""`kill -9` at every named step between a spec and its verified work: nothing lost, nothing run twice, all completes.

Real processes throughout: each of many tasks stands still at a step of its own, in a real engine, with a client of its
own in real tmux and a real dashboard before them. Then one of these is killed, and a human starts again what is gone.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck import paths
from agentdeck.services import failpoints, requests
from agentdeck.services.failpoints import DELIVERY_STEPS, HERE, ROUND_STEPS, TASK_STEPS
from agentdeck.services.lives import summon
from agentdeck.services.lives.environment import save_environment
from tests import repos, workclient
from tests.deck import Deck, running
from tests.ui.terminal import Terminal

AWAY = "While you were away"
WORKING = "working"  # no step of ours: its agent is at it
STEPS = (*TASK_STEPS, *DELIVERY_STEPS, WORKING)
CHECK = """\
echo "$DECK_VERIFY $1" >>LOG.verified
grep -qx right out/$1 && exit
echo "run: echo right >out/$1; git commit -qam mended"
exit 1
"""


class World:
    """A deck in which every step has a task and an agent of its own, called by the number of the task."""

    def __init__(self, repo: Path, folder: Path) -> None:
        self.deck = Deck(repo)
        self.folder = folder
        self.log = repo.parent / "log"
        self.steps: dict[int, str] = {}
        self.terminal: Terminal | None = None
        self.opened = 0
        check = CHECK.replace("LOG", str(self.log))
        repos.commit(repo, "A check", {"check.sh": check})

    # -- building

    async def build(self, steps: tuple[str, ...]) -> None:
        """An agent for each step."""
        paths.user_harnesses_dir().mkdir(parents=True)
        (paths.user_harnesses_dir() / "worker.toml").write_text(workclient.worker_harness("worker"))
        # so many that die at once would have a human asked first, which is not what is looked at here
        (paths.config_dir() / "config.toml").write_text("[queue]\nbreaker = 100\n")
        self.steps = dict(enumerate(steps, 1))
        await summon.ensure_engine()
        await asyncio.gather(*(self.new(n) for n in self.steps))

    def add(self, steps: tuple[str, ...]) -> None:
        """Queue the tasks of these steps, and return once all of them stand still there."""
        mine = [n for n, step in self.steps.items() if step in steps]
        for n in mine:
            (self.folder / f"{self.steps[n]}.{n}").touch()
            (self.folder.parent / f"{n}.md").write_text(self.spec(n))
        self.deck.ok("task", "add", *(str(self.folder.parent / f"{n}.md") for n in mine))
        self.deck.until(lambda: all(self.here(n).exists() for n in mine), f"a task at each of {steps}", 120)

    async def new(self, n: int) -> None:
        words = workclient.command(self.log.with_suffix(f".{n}"))
        env = str(save_environment())
        await requests.ask(
            "new", name=f"w{n}", harness="worker", repo=str(self.deck.repo), args=words, env_file=env, timeout=60
        )

    def spec(self, n: int) -> str:
        """Done wrong at first where the way back is what is looked at; held up where its agent is to be at it."""
        result = "wrong" if self.steps[n] in ("judged", "ruled") else "right"
        wait = f"mv {self.folder}/{WORKING}.{n} {self.here(n)}; while [ -e {self.here(n)} ]; do sleep 0.05; done"
        work = f"mkdir -p out; echo {result} >out/{n}; git add -A; git commit -qm 'Do {n}'"
        return (
            f"---\ntitle: Job {n}\nagent: w{n}\nverify: sh check.sh {n}\nmax_attempts: 9\n---\n"
            f"run: {wait if self.steps[n] == WORKING else 'true'}\nrun: {work}\n"
        )

    # -- standing still

    def here(self, n: int) -> Path:
        return self.folder / f"{self.steps[n]}.{n}{HERE}"

    def go_on(self) -> None:
        for file in self.folder.iterdir():
            if file.name.endswith(HERE):
                file.unlink()

    # -- victims

    def kill(self, victim: str) -> None:
        pids = {"engine": self.engine, "dashboard": self.dashboard, "agent": self.agents, "server": self.server}[victim]
        found = pids()
        assert found, f"no {victim} to kill"
        for pid in found:
            os.kill(pid, signal.SIGKILL)
        self.deck.until(lambda: not any(running(pid) for pid in found), f"the end of the {victim}")

    def engine(self) -> list[int]:
        return [int(self.deck.engine()["pid"])]

    def server(self) -> list[int]:
        return [int(self.deck.tmux("display-message", "-p", "#{pid}"))]

    def dashboard(self) -> list[int]:
        assert self.terminal is not None
        return [self.terminal.pid]

    def agents(self) -> list[int]:
        """Those whose tasks stand still now."""
        standing = [f"w{n}" for n in self.steps if self.here(n).exists()]
        rows = self.deck.sql("SELECT name, pid FROM agents WHERE life = 'live'")
        return [row["pid"] for row in rows if row["name"] in standing]

    # -- a human

    def open_dashboard(self) -> None:
        self.opened += 1
        argv = ["sh", "-c", 'cd "$0" && exec "$@"', str(self.deck.repo), *self.deck.argv()]
        socket = self.folder.parent / f"outer-{self.opened}"
        self.terminal = Terminal(socket, argv, 160, 50, {"COLORTERM": "truecolor"}).__enter__()
        self.terminal.wait("w1 ", 60)

    def close_dashboard(self) -> None:
        if self.terminal is not None:
            self.terminal.__exit__()
            self.terminal = None

    async def mend(self) -> None:
        """Start again what is gone, as often as need be, until all is judged."""
        if self.terminal is not None and not running(self.terminal.pid):
            self.close_dashboard()
            self.open_dashboard()
        await summon.ensure_engine()

        def down() -> list[str]:
            return [row["id"] for row in self.deck.sql("SELECT id FROM agents WHERE life = 'stopped'")]

        if any(not running(row["pid"]) for row in self.deck.sql("SELECT pid FROM agents WHERE life = 'live'")):
            self.deck.until(
                lambda: not any(
                    not running(row["pid"]) for row in self.deck.sql("SELECT pid FROM agents WHERE life = 'live'")
                ), "the ends of agents being noticed", 30,
            )  # fmt: skip
        await asyncio.gather(
            *(requests.ask("resume", key, env_file=str(save_environment()), timeout=60) for key in down())
        )

    def press(self, *keys: str, sees: str) -> None:
        """One key after the other, and wait for what the dashboard shows then."""
        assert self.terminal is not None
        terminal = self.terminal
        terminal.keys(*keys)

        def seen() -> bool:
            shown = terminal.text()
            if AWAY in shown:  # it took long to come back: that is told first, and the keys went there
                terminal.keys("Escape")
                self.deck.until(lambda: AWAY not in terminal.text(), "the end of what was told")
                terminal.keys(*keys)
            return sees in shown

        self.deck.until(seen, f"{sees!r} on the screen", 60)

    def stand(self, step: str, *keys: str) -> Path:
        """Press keys, and return once somebody stands at this step."""
        assert self.terminal is not None
        (self.folder / step).touch()
        self.terminal.keys(*keys)
        here = self.folder / f"{step}{HERE}"
        self.deck.until(here.exists, f"somebody at {step}", 60)
        return here

    def killed_at(self, step: str, *keys: str) -> None:
        """The dashboard dies at a step of its own, and is opened again."""
        here = self.stand(step, *keys)
        self.kill("dashboard")
        here.unlink()
        self.close_dashboard()
        self.open_dashboard()

    # -- afterwards

    def complete(self) -> None:
        query = "SELECT id, state, reason FROM tasks WHERE state != 'review'"
        self.deck.until(lambda: not self.deck.sql(query), "all tasks in review", 120)

    def faults(self) -> list[str]:
        found = []
        for n, step in self.steps.items():
            tries = self.deck.sql("SELECT * FROM attempts WHERE task = ? ORDER BY n", n)
            head = tries[-1]["head_oid"]
            if tries[-1]["outcome"] != "passed" or repos.show(self.deck.repo, head, f"out/{n}") != b"right\n":
                found.append(f"{step}: {[tuple(row) for row in tries]}")
            told = [json.loads(line) for line in self.log.with_suffix(f".{n}").read_text().splitlines()]
            prompts = [row["text"] for row in told if row["what"] == "prompt"]
            sent = [row for row in tries if row["delivery"]]
            if len(prompts) > len(sent):
                found.append(f"{step}: told {len(prompts)} times in {len(tries)} attempts: {prompts}")
            held = repos.git(self.deck.repo, "log", "--all", "--format=%s").splitlines()
            if held.count(f"Do {n}") < sum(f"Do {n}'" in text for text in prompts[-1:]):
                found.append(f"{step}: its commit is lost")
        runs = Path(f"{self.log}.verified").read_text().splitlines()
        found += [f"verified twice: {run}" for run in set(runs) if runs.count(run) > 1]
        twice = "SELECT delivery FROM attempts WHERE delivery != '' GROUP BY delivery HAVING COUNT(*) > 1"
        found += [f"one delivery for two attempts: {row[0]}" for row in self.deck.sql(twice)]
        fsck = subprocess.run(["git", "-C", str(self.deck.repo), "fsck"], capture_output=True, text=True, check=False)
        return found + ([fsck.stderr] if fsck.returncode else [])


@pytest.fixture
def world(git_repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    folder = tmp_path / "steps"
    folder.mkdir()
    monkeypatch.setenv(failpoints.FOLDER, str(folder))
    found = World(git_repo, folder)
    yield found
    found.go_on()
    found.close_dashboard()
    found.deck.end()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("victim", ["engine", "dashboard", "agent", "server"])
async def test_killed_at_every_step_and_all_completes(world: World, victim: str) -> None:
    await world.build((*STEPS, *ROUND_STEPS))
    world.open_dashboard()
    for steps in (STEPS, *((step,) for step in ROUND_STEPS)):
        world.add(steps)
        world.kill(victim)
        world.go_on()
        await world.mend()
        world.complete()
    assert world.faults() == [], world.deck.story()


def states(world: World) -> list[str]:
    return [row["state"] for row in world.deck.sql("SELECT state FROM tasks ORDER BY id")]


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_dashboard_killed_at_each_of_its_own_steps_has_done_all_or_nothing(world: World) -> None:
    """A task is handed over, one is queued, accepted and landed: by keys, with a death in the midst of each."""
    await world.build(("",))
    world.open_dashboard()
    assert world.terminal is not None
    for n, victim in enumerate(("engine", "dashboard"), 1):
        world.press("S", sees="A task for w1")
        world.terminal.type(f"run: echo {n} >{n}; git add -A; git commit -qm 'By line {n}'")
        here = world.stand("asked", "Enter")
        assert states(world) == ["review"] * (n - 1)
        world.kill(victim)
        here.unlink()
        await world.mend()
        world.deck.until(lambda n=n: states(world) == ["review"] * n, f"task {n} added once, and done", 60)
    world.press("b", sees="For you to judge (2)")
    world.press("n", sees="A new task")
    world.terminal.type("run: echo 3 >3; git add -A; git commit -qm 'From the board'")
    world.killed_at("queued", "Enter")
    world.deck.until(lambda: states(world) == ["review"] * 3, "the task that was queued, once", 60)

    world.press("b", sees="For you to judge (3)")
    world.killed_at("accepted", "y")
    assert sorted(states(world)) == ["accepted", "review", "review"]
    for n, state in enumerate(states(world), 1):
        if state == "review":
            world.deck.ok("task", "reject", str(n))
    before = repos.git(world.deck.repo, "rev-parse", "main")
    at = states(world).index("accepted")
    world.press("b", sees="Accepted (1)")
    world.press("End", sees="y land")
    world.killed_at("landing", "y")
    assert (states(world)[at], repos.git(world.deck.repo, "rev-parse", "main")) == ("accepted", before)
    world.press("b", sees="Accepted (1)")
    world.press("End", sees="y land")
    world.killed_at("moved", "y")
    moved = repos.git(world.deck.repo, "rev-parse", "main")
    assert (states(world)[at], moved != before) == ("accepted", True)
    world.press("b", sees="Accepted (1)")
    world.press("End", sees="y land")
    world.press("y", sees="Landed (1)")
    assert (states(world)[at], repos.git(world.deck.repo, "rev-parse", "main")) == ("landed", moved)
    assert repos.git(world.deck.repo, "status", "--porcelain") == ""
