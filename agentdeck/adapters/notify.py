"""Runs the human's own notification command."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

SECONDS = 10.0  # a command that takes longer is ended


async def run(command: Sequence[str], title: str, text: str) -> str:
    """Run `command TITLE TEXT`, without a shell; '' when it succeeded, else what went wrong."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command, title, text, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
    except OSError as error:
        return f"{command[0]}: {error.strerror}"
    try:
        async with asyncio.timeout(SECONDS):
            _, said = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return f"{command[0]} did not end within {SECONDS:g} s"
    if process.returncode:
        return f"{command[0]} ended with {process.returncode}: {said.decode(errors='replace').strip()[-200:]}"
    return ""
