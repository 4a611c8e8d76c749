"""Run one command: a process group of its own, output as it comes, nothing left behind."""

from __future__ import annotations

import asyncio
import codecs
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

TIMEOUT = 600.0  # seconds a command may take
KEEP = 30_000  # characters of output the model gets: the first and the last half of it
GRACE = 0.7  # seconds between asking a group to end and ending it


@dataclass(frozen=True)
class Finished:
    output: str
    exit_code: int | None  # None: it was ended because it took too long; negative: by that signal


class Output:
    """Collects output as text, shows it as it comes, and keeps the beginning and the end."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._head = ""
        self._tail = ""
        self._dropped = 0

    def feed(self, data: bytes, final: bool = False) -> None:
        text = self._decode(data, final)
        if text:
            self._show(text)
        room = KEEP // 2 - len(self._head)
        self._head += text[:room] if room > 0 else ""
        rest = self._tail + (text[room:] if room > 0 else text)
        self._dropped += max(0, len(rest) - KEEP // 2)
        self._tail = rest[-(KEEP // 2) :]

    def text(self) -> str:
        gap = f"\n[... {self._dropped} characters left out ...]\n" if self._dropped else ""
        return self._head + gap + self._tail


async def run(command: str, cwd: Path, show: Callable[[str], None], timeout: float = TIMEOUT) -> Finished:
    """Run `command` in a shell. Cancelled or not, its whole process group has ended when this returns."""
    loop = asyncio.get_running_loop()
    output = Output(show)
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    try:
        # A session of its own: no terminal to take keys from, and one group to end.
        process = await asyncio.create_subprocess_exec(
            shutil.which("bash") or "/bin/sh",
            "-c",
            command,
            cwd=cwd,
            env=_environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=write_end,
            stderr=write_end,
            start_new_session=True,
        )
    except BaseException:
        os.close(read_end)
        raise
    finally:
        os.close(write_end)
    loop.add_reader(read_end, _drain, read_end, output, loop)
    try:
        await asyncio.wait_for(process.wait(), timeout)
        exit_code = process.returncode
    except TimeoutError:
        exit_code = None
    finally:
        await _end_group(process)
        loop.remove_reader(read_end)
        for _ in range(64):  # a process that left the group may hold the pipe open and fill it for ever
            if not _read(read_end, output):
                break
        os.close(read_end)
        output.feed(b"", final=True)
    return Finished(output.text(), exit_code)


def _environment() -> dict[str, str]:
    # The spool is this agent's own voice: an agent started by a command must not speak with it.
    return {key: value for key, value in os.environ.items() if key != "DECK_SPOOL"} | {"PAGER": "cat", "TERM": "dumb"}


def _read(fd: int, output: Output) -> int | None:
    """Bytes read; 0 at the end; None when nothing is there now."""
    try:
        data = os.read(fd, 65536)
    except BlockingIOError:
        return None
    output.feed(data)
    return len(data)


def _drain(fd: int, output: Output, loop: asyncio.AbstractEventLoop) -> None:
    if _read(fd, output) == 0:
        loop.remove_reader(fd)


async def _end_group(process: asyncio.subprocess.Process) -> None:
    """End everything the command started; a process that it left in the background too."""
    for sign, grace in ((signal.SIGTERM, GRACE), (signal.SIGKILL, GRACE)):
        if not _signal_group(process.pid, sign):
            return
        deadline = asyncio.get_running_loop().time() + grace
        while asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)
            if not _signal_group(process.pid, 0):
                return


def _signal_group(group: int, sign: int) -> bool:
    try:
        os.killpg(group, sign)
    except (ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
        return False
    return True
