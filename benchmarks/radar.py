"""What looking for collisions costs: `python -m benchmarks.radar [SECONDS] [--agents N] [--files N]`.

N agents (16) in work trees of one repository of FILES (2000) files: first none of them changes anything, then each
edits a file that all share and one of its own every 2 s, on lines that conflict with half of the others. Prints the
processor time of the radar with its gits in both, how soon a new conflict is told, and beside it what a plain sweep
costs that tries all pairs and bases at that pace by `git merge-tree` (committed work alone, into the repository).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import subprocess
import time
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from agentdeck import paths
from agentdeck.adapters.database.store import Writer
from agentdeck.models.agent import Agent
from agentdeck.services.radar.radar import Radar
from agentdeck.services.status.monitor import Monitor
from agentdeck.services.trees import worktrees
from benchmarks.rig import place
from tests.waiting import wait_until

EDIT_SECONDS = 2.0
LINES = 60


@dataclass(frozen=True, slots=True)
class Team:
    agents: dict[str, Agent]

    def edit(self, name: str, n: int) -> tuple[str, ...]:
        """One agent's edit number `n`: the paths it has changed by now."""
        place = list(self.agents).index(name)
        tree = Path(self.agents[name].worktree)
        lines = [f"line {i}" for i in range(LINES)]
        lines[10 + 20 * (place % 2)] = f"{name} {n}"
        (tree / "src" / "shared.txt").write_text("\n".join(lines) + "\n")
        (tree / "src" / f"{name}.txt").write_text(f"{n}\n")
        return f"src/{name}.txt", "src/shared.txt"


def fill(repo: Path, agents: int, files: int) -> Team:
    for n in range(files):
        file = repo / "src" / f"d{n % 50}" / f"f{n}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{n}\n" * 40)
    (repo / "src" / "shared.txt").write_text("\n".join(f"line {i}" for i in range(LINES)) + "\n")
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "files")
    made = {f"a{n:02}": worktrees.create(repo, f"a{n:02}") for n in range(agents)}
    return Team({
        name: Agent(name, name, "shell", str(repo), one.worktree, one.branch, "", one.base_oid, "live", created=1)
        for name, one in made.items()
    })  # fmt: skip


def git(where: Path, *words: str) -> None:
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.invalid"]
    subprocess.run(["git", *identity, *words], cwd=where, check=True, capture_output=True)


def spent() -> float:
    """Processor seconds of this process and of all its children that have ended."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


async def radar(team: Team, seconds: float) -> None:
    monitor, writer = Monitor(), Writer(paths.database_file())
    monitor.agents = dict(team.agents)
    looks = Radar(writer, monitor, paths.state_dir() / "radar")
    for name in team.agents:
        looks.hear(name, ())
    task = asyncio.create_task(looks.run())
    await asyncio.sleep(2)
    quiet = await _share(asyncio.sleep(seconds))
    print(f"radar, nothing changes: {quiet:.2%} of a processor")
    soon = await _told(team, looks)
    print(f"a new conflict is told after {soon:.2f} s")
    busy = await _share(_edits(team, looks, seconds))
    count = len(looks._stored or ())
    print(f"radar, all edit every {EDIT_SECONDS:g} s: {busy:.2%} of a processor; {count} collisions stand")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    writer.close()


async def _share(work: object) -> float:
    before, started = spent(), time.monotonic()
    await work  # type: ignore[misc]
    return (spent() - before) / (time.monotonic() - started)


async def _told(team: Team, looks: Radar) -> float:
    first, _, third = list(team.agents)[:3]
    started = time.monotonic()
    for name in (first, third):
        looks.hear(name, team.edit(name, 0))
    await wait_until(lambda: any(one.kind == "merge" for one in looks._stored or ()), 20, "the conflict", 0.01)
    return time.monotonic() - started


async def _edits(team: Team, looks: Radar, seconds: float) -> None:
    started, n = time.monotonic(), 0
    while time.monotonic() - started < seconds:
        n += 1
        for name in team.agents:
            looks.hear(name, team.edit(name, n))
            await asyncio.sleep(EDIT_SECONDS / len(team.agents))


def sweep(repo: Path, team: Team) -> float:
    """Processor seconds of one sweep over all pairs and bases, as a script would do it."""
    for name in team.agents:
        tree = Path(team.agents[name].worktree)
        git(tree, "add", ".")
        git(tree, "commit", "-qm", "work")
    before = spent()
    tips = [agent.branch for agent in team.agents.values()]
    for one, other in [*combinations(tips, 2), *((tip, "HEAD") for tip in tips)]:
        subprocess.run(
            ["git", "merge-tree", "--write-tree", "--name-only", one, other], cwd=repo, check=False, capture_output=True
        )
    return spent() - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seconds", nargs="?", type=float, default=20)
    parser.add_argument("--agents", type=int, default=16)
    parser.add_argument("--files", type=int, default=2000)
    asked = parser.parse_args()
    with place() as repo:
        team = fill(repo, asked.agents, asked.files)
        print(f"{asked.agents} agents, {asked.files} files, load average {os.getloadavg()[0]:.1f}")
        asyncio.run(radar(team, asked.seconds))
        each = sweep(repo, team)
        print(f"a sweep over all pairs by git merge-tree: {each:.2f} s, so {each / EDIT_SECONDS:.0%} at the same pace")


if __name__ == "__main__":
    main()
