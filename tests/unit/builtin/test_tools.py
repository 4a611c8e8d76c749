"""The tools on real files and real processes."""

from __future__ import annotations

import asyncio
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from agentdeck.builtin import shell, tools
from agentdeck.builtin.tools import ALL, ToolError, Workplace, choose
from agentdeck.errors import UsageError
from tests.waiting import wait_until


@pytest.fixture
def shown() -> list[str]:
    return []


@pytest.fixture
def place(tmp_path: Path, shown: list[str]) -> Workplace:
    root = tmp_path / "work"
    root.mkdir()
    return Workplace(root, shown.append)


async def use(place: Workplace, name: str, **given: Any) -> str:
    ALL[name].check(given)
    return await ALL[name].run(place, given)


async def refusal(place: Workplace, name: str, **given: Any) -> str:
    with pytest.raises(ToolError) as caught:
        await use(place, name, **given)
    return str(caught.value)


async def test_write_then_read_gives_the_same_text(place: Workplace) -> None:
    text = "first\r\n漢字\n\nlast without an end"
    await use(place, "write", filePath="new/dir/a.txt", content=text)
    assert (place.root / "new/dir/a.txt").read_bytes() == text.encode()
    assert await use(place, "read", filePath="new/dir/a.txt") == text


async def test_read_a_part_a_directory_and_what_is_too_long(place: Workplace) -> None:
    (place.root / "n.txt").write_text("".join(f"{i}\n" for i in range(1, 10)))
    (place.root / "sub").mkdir()
    (place.root / "long.txt").write_text("x" * 99 + "\n" + "y\n" * tools.READ_LIMIT)
    assert await use(place, "read", filePath="n.txt", offset=3, limit=2) == "3\n4\n"
    assert await use(place, "read", filePath=".") == "long.txt\nn.txt\nsub/"
    text = await use(place, "read", filePath="long.txt")
    assert len(text) < tools.READ_LIMIT + 200
    assert "offset and limit" in text


async def test_read_says_what_it_cannot_read(place: Workplace) -> None:
    (place.root / "binary").write_bytes(b"\xff\xfe\x00")
    os.mkfifo(place.root / "pipe")
    assert "does not exist" in await refusal(place, "read", filePath="none.txt")
    assert "not UTF-8" in await refusal(place, "read", filePath="binary")
    assert "not a file" in await refusal(place, "read", filePath="pipe")


async def test_edit_replaces_exactly_once(place: Workplace) -> None:
    file = place.root / "a.py"
    file.write_text("x = 1\ny = 1\n")
    await use(place, "edit", filePath="a.py", oldString="x = 1", newString="x = 2")
    assert file.read_text() == "x = 2\ny = 1\n"


async def test_edit_keeps_mode_and_line_ends(place: Workplace) -> None:
    file = place.root / "run.bat"
    file.write_bytes(b"one\r\ntwo\r\nthree\r\n")
    file.chmod(0o755)
    await use(place, "edit", filePath="run.bat", oldString="one\ntwo", newString="1\n2")
    assert file.read_bytes() == b"1\r\n2\r\nthree\r\n"
    assert file.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"oldString": "zzz", "newString": "a"}, "is not in a.py"),
        ({"oldString": "1", "newString": "2"}, "2 times"),
        ({"oldString": "", "newString": "a"}, "use write"),
        ({"oldString": "x", "newString": "x"}, "the same"),
        ({"oldString": "x"}, "needs newString"),
        ({"oldString": "x", "newString": 3}, "needs newString"),
    ],
)
async def test_edit_that_cannot_be_done_changes_nothing(place: Workplace, given: dict[str, Any], message: str) -> None:
    file = place.root / "a.py"
    file.write_text("x = 1\ny = 1\n")
    assert message in await refusal(place, "edit", filePath="a.py", **given)
    assert file.read_text() == "x = 1\ny = 1\n"


def test_what_needs_permission(place: Workplace) -> None:
    (place.root / "link").symlink_to("/etc")
    inside, outside = {"filePath": "a/b.txt"}, {"filePath": "../b.txt"}
    absolute = {"filePath": str(place.root / "a.txt")}
    linked, hook = {"filePath": "link/passwd"}, {"filePath": ".git/hooks/pre-commit"}
    asks = {
        (name, str(given["filePath"])): bool(ALL[name].asks(place, given))
        for name in ("read", "write", "edit")
        for given in (inside, absolute, outside, linked, hook)
    }
    assert [asked for (_, path), asked in asks.items() if path in ("a/b.txt", absolute["filePath"])] == [False] * 6
    assert [asked for (_, path), asked in asks.items() if path in ("../b.txt", "link/passwd")] == [True] * 6
    assert [asks[name, hook["filePath"]] for name in ("read", "write", "edit")] == [False, True, True]
    assert ALL["bash"].asks(place, {"command": "true"})
    assert not ALL["submit"].asks(place, {"summary": "done"})


async def test_submit_keeps_the_summary(place: Workplace) -> None:
    await use(place, "submit", summary="made it faster")
    assert place.summary == "made it faster"


def test_choose_tools() -> None:
    assert list(choose()) == ["bash", "read", "write", "edit"]
    assert list(choose("read, submit")) == ["read", "submit"]
    with pytest.raises(UsageError, match="'browse'"):
        choose("read,browse")


async def test_bash_gives_output_as_it_comes_and_all_of_it_at_the_end(place: Workplace, shown: list[str]) -> None:
    running = asyncio.create_task(
        use(place, "bash", command="echo one; echo two >&2; until [ -e go ]; do sleep 0.01; done; pwd")
    )
    await wait_until(lambda: "two" in "".join(shown))
    (place.root / "go").touch()
    assert await running == f"one\ntwo\n{place.root}\n"
    assert "".join(shown) == await running


async def test_bash_fails_with_output_and_exit_code(place: Workplace) -> None:
    assert await refusal(place, "bash", command="echo bad; exit 3") == "bad\n\n[exit code 3]"


async def test_bash_has_no_input_no_terminal_and_no_voice_in_our_spool(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DECK_SPOOL", "/somewhere")
    out = await use(place, "bash", command='cat; echo "[$DECK_SPOOL]"; (: </dev/tty) 2>/dev/null || echo none')
    assert out == "[]\nnone\n"


def living(mark: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark in path.read_bytes().decode(errors="replace") and str(os.getpid()) not in path.parts:
                found.append(path.parts[2])
        except OSError:
            continue
    return found


def sleeper() -> str:
    """A number of seconds that no other process sleeps for."""
    return f"9{time.time_ns() % 10**9}"


@pytest.mark.parametrize("command", ["sleep {n} & sleep {n}", "trap '' TERM; (trap '' TERM; sleep {n}); sleep {n}"])
async def test_a_cancelled_command_leaves_no_process(place: Workplace, command: str) -> None:
    mark = sleeper()
    running = asyncio.create_task(use(place, "bash", command=command.format(n=mark)))
    await wait_until(lambda: living(mark))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert living(mark) == []


async def test_what_a_command_left_in_the_background_ends_with_it(place: Workplace) -> None:
    mark = sleeper()
    assert await use(place, "bash", command=f"sleep {mark} & echo started") == "started\n"
    assert living(mark) == []


async def test_a_command_that_takes_too_long_is_ended_and_said_so(tmp_path: Path) -> None:
    mark = sleeper()
    done = await shell.run(f"echo begun; sleep {mark}", tmp_path, lambda text: None, timeout=0.3)
    assert (done.output, done.exit_code) == ("begun\n", None)
    assert living(mark) == []


async def test_a_flood_is_capped_with_both_ends_kept(tmp_path: Path) -> None:
    done = await shell.run("seq 200000", tmp_path, lambda text: None)
    assert done.output.startswith("1\n2\n")
    assert done.output.endswith("\n199999\n200000\n")
    left_out = int(re.findall(r"\[\.\.\. (\d+) characters left out", done.output)[0])
    assert left_out == len("".join(f"{i}\n" for i in range(1, 200001))) - shell.KEEP
