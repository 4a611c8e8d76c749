"""What an agent calls done, and what the gate makes of it: real git, real commands, no engine."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agentdeck import paths
from agentdeck.adapters import processes, verify_run
from agentdeck.adapters.database.store import Writer
from agentdeck.errors import AgentDeckError
from agentdeck.models.agent import Agent
from agentdeck.models.gate import GateStep
from agentdeck.models.task import Attempt
from agentdeck.services import rows
from agentdeck.services.gate import gate_rows, landing
from agentdeck.services.gate.gatekeeper import Gatekeeper
from agentdeck.services.gate.ruling import ruling
from agentdeck.services.queue import foundation, queue, specs
from agentdeck.services.trees import worktrees
from tests import repos
from tests.waiting import wait_until

CHECK = "sh check.sh"
FILES = {
    "check.sh": "set -e\nsh tests/test_sum.sh\n",
    "calc.sh": "echo $(($1 - $2))\n",
    "tests/lib.sh": "",
    "tests/test_sum.sh": '[ "$(sh calc.sh 2 2)" = 4 ]\n',
}
GOOD = {"calc.sh": "echo $(($1 + $2))\n"}


@dataclass
class Place:
    """One agent in its worktree with a running attempt, and the gate beside it."""

    repo: Path
    agent: Agent
    tree: Path
    writer: Writer
    keeper: Gatekeeper

    async def judged(self, front: str = f"verify: {CHECK}") -> tuple[str, str, dict[str, GateStep]]:
        """Outcome, reason and steps of an attempt on what stands in the tree now."""
        spec = specs.parse(f"---\n{front}\n---\nDo it.\n")
        key = await self.writer.run(lambda conn: queue.add(conn, spec, str(self.repo)))
        attempt = await self.writer.run(lambda conn: queue.lease(conn, key, self.agent))
        task = await self.writer.run(lambda conn: queue.task(conn, key))
        steps, tip = await self.keeper.judge(attempt, self.agent, task, spec)
        stored = await self.writer.run(lambda conn: gate_rows.steps(conn, key))
        assert stored[1] == tuple(steps), "every step is a row"
        outcome, reason = ruling(steps, bool(spec.verify))
        await self.writer.run(lambda conn: queue.finish(conn, key, 1, outcome, reason, tip))
        return outcome, reason, {step.step: step for step in steps}


@pytest.fixture
def place(git_repo: Path) -> Iterator[Place]:
    repos.commit(git_repo, "A sum that is wrong", FILES)
    made = worktrees.create(git_repo, "al")
    agent = Agent("id-al", "al", "builtin", made.repo, made.worktree, made.branch, "main", made.base_oid, "live")
    writer = Writer(paths.database_file())
    writer.run_sync(lambda conn: rows.insert(conn, "agents", rows.agent_columns(agent)))
    yield Place(git_repo, agent, Path(made.worktree), writer, Gatekeeper(writer, paths.state_dir() / "verify"))
    writer.close()


def nothing(place: Place) -> None:
    """No commit, no change: only words."""


def dirty(place: Place) -> None:
    repos.write(place.tree, {**GOOD, "notes.txt": "left about\n"})


def red(place: Place) -> None:
    repos.commit(place.tree, "Not yet", {"calc.sh": "echo $(($1 * $2 + 1))\n"})


def edited_test(place: Place) -> None:
    repos.commit(place.tree, "It passes", {"tests/test_sum.sh": FILES["tests/test_sum.sh"].replace("= 4", "= 0")})


def deleted_test(place: Place) -> None:
    repos.git(place.tree, "rm", "-q", "tests/test_sum.sh")
    repos.commit(place.tree, "It passes", {"check.sh": "true\n"})


def edited_script(place: Place) -> None:
    repos.commit(place.tree, "It passes", {"check.sh": "exit 0\n"})


def moved_and_edited_test(place: Place) -> None:
    repos.git(place.tree, "mv", "tests/test_sum.sh", "tests/test_add.sh")
    repos.write(place.tree, {"tests/test_sum.sh": "true\n"})
    repos.commit(place.tree, "It passes", {"tests/test_add.sh": FILES["tests/test_sum.sh"].replace("= 4", "= 0")})


def other_branch(place: Place) -> None:
    repos.git(place.tree, "switch", "-q", "-c", "mine")
    repos.commit(place.tree, "Mend it", GOOD)


def detached(place: Place) -> None:
    repos.git(place.tree, "checkout", "-q", "--detach")
    repos.commit(place.tree, "Mend it", GOOD)
    repos.write(place.tree, {"more.txt": "and this\n"})


def empty_commit(place: Place) -> None:
    repos.commit(place.tree, "Mended, as it were")


def there_and_back(place: Place) -> None:
    repos.commit(place.tree, "Mend it", GOOD)
    repos.commit(place.tree, "Or not", {"calc.sh": FILES["calc.sh"]})


def conflicting(place: Place) -> None:
    repos.commit(place.tree, "Mend it", GOOD)
    repos.commit(place.repo, "Another way", {"calc.sh": "echo $(expr $1 + $2)\n"})


def history_lost(place: Place) -> None:
    repos.git(place.tree, "reset", "-q", "--hard", "HEAD^")
    repos.commit(place.tree, "Mend it", {**FILES, **GOOD})


def merging(place: Place) -> None:
    repos.git(place.tree, "switch", "-q", "-c", "side")
    repos.commit(place.tree, "Side", {"calc.sh": "side\n"})
    repos.git(place.tree, "switch", "-q", place.agent.branch)
    repos.commit(place.tree, "Mend it", GOOD)
    repos.git(place.tree, "merge", "side", check=False)


FALSE = [
    (nothing, "failed", "nothing changed: its branch has no commit of its own"),
    (dirty, "flagged", "uncommitted when it said it was done, committed by the deck: calc.sh, notes.txt"),
    (red, "failed", "verify failed with exit code 1"),
    (edited_test, "flagged", "protected: tests/test_sum.sh was changed"),
    (deleted_test, "flagged", "protected: check.sh was changed, tests/test_sum.sh was deleted"),
    (edited_script, "flagged", "protected: check.sh was changed"),
    (moved_and_edited_test, "flagged", "protected: tests/test_sum.sh was changed"),
    (other_branch, "failed", "its work is on mine, not on deck/al/1; kept as refs/deck/kept/al/1"),
    (detached, "failed", "its work is on no branch (at "),
    (empty_commit, "failed", "nothing changed: its 1 commit leave every file as it was"),
    (there_and_back, "failed", "nothing changed: its 2 commits leave every file as it was"),
    (conflicting, "failed", "it conflicts with main ("),
    (history_lost, "failed", "its branch no longer contains "),
    (merging, "failed", "a merge is in progress in its worktree"),
]


@pytest.mark.parametrize(("work", "outcome", "reason"), FALSE, ids=lambda value: getattr(value, "__name__", ""))
async def test_what_is_falsely_called_done_does_not_pass(
    place: Place, work: Callable[[Place], None], outcome: str, reason: str
) -> None:
    before = repos.held(place.repo)
    work(place)
    made = {path: path.read_bytes() for path in place.tree.rglob("*") if path.is_file() and path.name != ".git"}
    found, why, _ = await place.judged()
    assert (found, why[: len(reason)]) == (outcome, reason)
    after = {path: path.read_bytes() for path in place.tree.rglob("*") if path.is_file() and "cache" not in str(path)}
    assert {path: after.get(path) for path in made if "cache" not in str(path)} == {
        path: data for path, data in made.items() if "cache" not in str(path)
    }
    assert before <= repos.held(place.repo)
    if work is not merging:
        kept = repos.held(place.repo)
        assert all(data in kept for path, data in made.items() if "cache" not in str(path)), "nothing is dropped"


async def test_what_the_deck_committed_before_it_was_cut_off_is_still_flagged(place: Place) -> None:
    dirty(place)
    spec = specs.parse("Do it.\n")
    key = await place.writer.run(lambda conn: queue.add(conn, spec, str(place.repo)))
    attempt = await place.writer.run(lambda conn: queue.lease(conn, key, place.agent))
    task = await place.writer.run(lambda conn: queue.task(conn, key))
    looks = [await place.keeper.judge(attempt, place.agent, task, spec) for _ in range(2)]
    assert [(steps[0].state, steps[0].reason, tip) for steps, tip in looks][0] == (
        "flagged", looks[1][0][0].reason, looks[1][1]
    )  # fmt: skip


async def test_what_is_left_uncommitted_is_committed_with_a_trailer(place: Place) -> None:
    dirty(place)
    repos.git(place.tree, "config", "core.hooksPath", str(place.repo / "hooks"))
    hook = place.repo / "hooks" / "pre-commit"
    repos.write(place.repo, {"hooks/pre-commit": f"#!/bin/sh\ntouch {place.repo}/ran\nexit 1\n"})
    hook.chmod(0o755)
    await place.judged()
    message = repos.git(place.tree, "log", "-1", "--format=%B", place.agent.branch)
    assert "Deck-Task: 1" in message
    assert "Deck-Agent: al" in message
    assert repos.status(place.tree) == ""
    assert repos.show(place.repo, place.agent.branch, "notes.txt") == b"left about\n"
    assert not (place.repo / "ran").exists()
    assert len(repos.git(place.tree, "log", "--format=%h", f"main..{place.agent.branch}").splitlines()) == 1


def new_test(place: Place) -> None:
    more = "true\n"
    repos.commit(place.tree, "Mend it, with a test", {**GOOD, "tests/test_more.sh": more, "tests/conftest.py": ""})


def renamed(place: Place) -> None:
    repos.git(place.tree, "mv", "README.md", "README")
    repos.commit(place.tree, "Mend it, and a name", GOOD)


def renamed_test(place: Place) -> None:
    repos.write(place.tree, {"tests/test_old.sh": "x=1\n" * 40})
    repos.commit(place.tree, "Another test")
    repos.git(place.tree, "mv", "tests/test_old.sh", "tests/test_new.sh")
    repos.commit(place.tree, "Mend it", GOOD)


def human_on_base(place: Place) -> None:
    repos.commit(place.repo, "A human's", {"README.md": "# other words\n", "tests/test_sum.sh": "# changed there\n"})
    repos.commit(place.tree, "Mend it", GOOD)


def human_on_branch(place: Place) -> None:
    repos.commit(place.tree, "A human's", {"README.md": "# other words\n"})
    repos.commit(place.tree, "Mend it", GOOD)


def merged_base(place: Place) -> None:
    more = FILES["tests/test_sum.sh"] + '[ "$(sh calc.sh 1 2)" = 3 ]\n'
    repos.commit(place.repo, "A human's stricter test", {"tests/test_sum.sh": more})
    repos.commit(place.tree, "Mend it", GOOD)
    repos.git(place.tree, "merge", "-q", "--no-edit", "main")


def amended(place: Place) -> None:
    repos.commit(place.tree, "Mend", {"calc.sh": "echo $(($2 + $1))\n"})
    repos.write(place.tree, GOOD)
    repos.git(place.tree, "commit", "-q", "-a", "--amend", "-m", "Mend it")


def rebased(place: Place) -> None:
    repos.commit(place.repo, "A human's", {"README.md": "# other words\n"})
    repos.commit(place.tree, "Mend it", GOOD)
    repos.git(place.tree, "rebase", "-q", "main")


def ignored_files(place: Place) -> None:
    repos.commit(place.tree, "Mend it", {**GOOD, ".gitignore": "build/\n__pycache__/\n"})
    repos.write(place.tree, {"build/out.bin": "made"})


HONEST = [
    new_test, renamed, renamed_test, human_on_base, human_on_branch, merged_base, amended, rebased, ignored_files
]  # fmt: skip


@pytest.mark.parametrize("work", HONEST, ids=lambda work: work.__name__)
async def test_honest_work_passes(place: Place, work: Callable[[Place], None]) -> None:
    work(place)
    outcome, reason, steps = await place.judged()
    assert (outcome, reason) == ("passed", ""), steps
    assert list(steps) == ["branch", "changed", "base", "protected", "merge", "verify"]
    assert steps["verify"].exit_code == 0
    assert steps["verify"].ended >= steps["verify"].started > 0


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("echo begun; sleep 60", "verify did not end within 0.3 s and was ended"),
        ("trap '' TERM; (setsid sleep 60 &); while :; do sleep 1; done", "verify did not end within 0.3 s"),
        ("yes", "verify printed more than 0.5 MB and was ended"),
        ("setsid sleep 60 >/dev/null 2>&1 & exit 0", "verify left processes running, which were ended: sleep"),
        ("env -i setsid sh -c 'sleep 60' & exit 0", "verify left processes running, which were ended: sh, sleep"),
        ("kill -9 $$", "verify was ended by signal 9"),
        ("nonesuch", "verify failed with exit code 127"),
    ],
)
async def test_a_verify_command_that_misbehaves(place: Place, command: str, said: str) -> None:
    paths.config_file().parent.mkdir(parents=True)
    paths.config_file().write_text("[gate]\noutput_mb = 0.5\n")
    repos.commit(place.tree, "Mend it", GOOD)
    outcome, reason, steps = await place.judged(f"verify: |\n  {command}\nverify_timeout: 0.3")
    assert (outcome, reason[: len(said)]) == ("failed", said)
    assert len(steps["verify"].output) <= verify_run.TAIL
    assert not processes.marked(verify_run.MARK)


async def test_a_verify_command_sees_no_secrets_and_is_shown_live(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    monkeypatch.setenv("MY_TOKEN", "wanted")
    paths.config_file().parent.mkdir(parents=True)
    paths.config_file().write_text('[gate]\nenv = ["MY_TOKEN"]\n')
    repos.commit(place.tree, "Mend it", GOOD)
    _, _, steps = await place.judged("verify: env; pwd")
    seen = steps["verify"].output
    assert "secret" not in seen
    assert "MY_TOKEN=wanted" in seen
    assert f"HOME={os.environ['HOME']}" in seen
    assert str(place.tree) in seen


async def test_without_a_verify_command_the_findings_are_told_and_a_human_judges(place: Place) -> None:
    outcome, reason, steps = await place.judged("title: x")
    assert (outcome, reason) == ("ended", "nothing changed: its branch has no commit of its own")
    repos.commit(place.tree, "Mend it", GOOD)
    outcome, reason, steps = await place.judged("title: x")
    assert (outcome, reason) == ("ended", "")
    assert "verify" not in steps


async def test_a_spec_may_say_itself_what_is_protected(place: Place) -> None:
    edited_test(place)
    assert (await place.judged(f"verify: {CHECK}\nprotect: []"))[0] == "passed"
    outcome, reason, _ = await place.judged(f"verify: {CHECK}\nprotect: ['tests/**']")
    assert (outcome, reason) == ("flagged", "protected: tests/test_sum.sh was changed")


async def test_a_verify_run_survives_whoever_asked_for_it(place: Place, tmp_path: Path) -> None:
    """A second gate, as after a crash, finds the run of the first at work, and does not run it twice."""
    ran, go = tmp_path / "ran", tmp_path / "go"
    repos.commit(place.tree, "Mend it", GOOD)
    spec = specs.parse(f"---\nverify: echo x >>{ran}; while [ ! -e {go} ]; do sleep 0.05; done\n---\nDo it.\n")
    key = await place.writer.run(lambda conn: queue.add(conn, spec, str(place.repo)))
    attempt: Attempt = await place.writer.run(lambda conn: queue.lease(conn, key, place.agent))
    task = await place.writer.run(lambda conn: queue.task(conn, key))
    first = asyncio.create_task(place.keeper.judge(attempt, place.agent, task, spec))
    await wait_until(ran.exists)
    first.cancel()
    orphan = verify_run._begun.pop(place.keeper.place / "1.1")  # another process knows nothing of it
    second = asyncio.create_task(Gatekeeper(place.writer, place.keeper.place).judge(attempt, place.agent, task, spec))
    go.touch()
    steps, _ = await second
    assert ruling(steps, True) == ("passed", "")
    assert ran.read_text() == "x\n"
    orphan.wait()


async def test_a_verify_run_whose_supervisor_is_killed_is_begun_again(place: Place, tmp_path: Path) -> None:
    ran, go = tmp_path / "ran", tmp_path / "go"
    repos.commit(place.tree, "Mend it", GOOD)
    command = f"verify: echo x >>{ran}; while [ ! -e {go} ]; do sleep 0.05; done"
    judged = asyncio.create_task(place.judged(command))
    await wait_until(ran.exists)
    for held in (place.keeper.place / "1.1" / "lock",):
        os.kill(int(held.read_text()), signal.SIGKILL)
    await wait_until(lambda: ran.read_text() == "x\nx\n")
    go.touch()
    assert (await judged)[0] == "passed"
    assert not processes.marked(verify_run.MARK)


def test_a_task_begins_with_the_work_it_depends_on(git_repo: Path) -> None:
    repos.git(git_repo, "switch", "-q", "-c", "one")
    one = repos.commit(git_repo, "One", {"one": "1\n"})
    repos.git(git_repo, "switch", "-q", "-c", "two", "main")
    two = repos.commit(git_repo, "Two", {"two": "2\n"})
    repos.git(git_repo, "switch", "-q", "-c", "clash", "main")
    clash = repos.commit(git_repo, "Clash", {"one": "other\n"})
    repos.git(git_repo, "switch", "-q", "main")
    assert foundation.lay(git_repo, "main", []) == repos.git(git_repo, "rev-parse", "main")
    assert foundation.lay(git_repo, "main", [one]) == one
    both = foundation.lay(git_repo, "main", [one, two])
    assert (repos.show(git_repo, both, "one"), repos.show(git_repo, both, "two")) == (b"1\n", b"2\n")
    with pytest.raises(AgentDeckError, match="conflicts in one"):
        foundation.lay(git_repo, "main", [one, clash])


async def test_a_base_that_moves_while_verify_runs_is_looked_at_again(place: Place) -> None:
    repos.commit(place.tree, "Mend it", GOOD)
    who = "-c user.name=x -c user.email=x@example.invalid"
    moves = f"cd {place.repo} && echo other >calc.sh && git {who} commit -qam Moved"
    outcome, reason, steps = await place.judged(f'verify: "{moves}"')
    assert (outcome, steps["verify"].state, steps["merge"].state) == ("failed", "passed", "failed")
    assert "it conflicts with main" in reason
    assert "in calc.sh" in reason


async def test_what_a_human_has_not_committed_is_named_when_it_is_in_the_way_of_landing(place: Place) -> None:
    repos.commit(place.tree, "Mend it", {**GOOD, "new.txt": "x\n"})
    assert (await place.judged())[0] == "passed"
    place.writer.run_sync(lambda conn: queue.accept(conn, 1))
    task = place.writer.run_sync(lambda conn: queue.task(conn, 1))
    for name in ("calc.sh", "new.txt"):
        repos.write(place.repo, {name: "mine\n"})
        with pytest.raises(AgentDeckError, match=f"your own changes in .* are in the way: {name}$"):
            landing.land(task, "main")
        assert (place.repo / name).read_text() == "mine\n"
        repos.git(place.repo, "clean", "-qfd")
        repos.git(place.repo, "checkout", "-q", "--", ".")
    assert landing.land(task, "main").commit == task.attempts[-1].head_oid
