"""Wait for a condition with a deadline; no test sleeps for a fixed time and hopes."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(condition: Callable[[], T], timeout: float = 10.0, what: str = "", interval: float = 0.02) -> T:
    """The first true value of `condition`; an AssertionError after `timeout` seconds that says what was awaited."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s: {what or _source(condition)}; last: {value!r}")
        time.sleep(interval)


async def wait_until(
    condition: Callable[[], T | Awaitable[T]], timeout: float = 10.0, what: str = "", interval: float = 0.02
) -> T:
    """The same on the event loop, which goes on meanwhile; `condition` may be async."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s: {what or _source(condition)}; last: {value!r}")
        await asyncio.sleep(interval)


def _source(condition: Callable[[], object]) -> str:
    try:
        return inspect.getsource(condition).strip()
    except (OSError, TypeError):
        return repr(condition)
