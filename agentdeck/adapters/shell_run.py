"""Runs one approved shell command apart from any terminal, in a process group of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path


async def run(command: str, directory: Path, env: Mapping[str, str], seconds: float) -> str:
    """Run `sh -c COMMAND` and wait for it; '' when it succeeded, else what went wrong. What it prints is dropped."""
    try:
        process = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", command, cwd=directory, env=env, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        return f"{error.strerror}: {directory}"
    try:
        async with asyncio.timeout(seconds):
            code = await process.wait()
    except TimeoutError:
        return f"it did not end within {seconds:g} s"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    return f"it ended with {code}" if code else ""
