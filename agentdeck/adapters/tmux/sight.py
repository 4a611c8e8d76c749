"""Looking closely at a few panes, and lending one a larger size while somebody works in it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agentdeck.adapters.tmux import rows
from agentdeck.adapters.tmux.control import ControlClient
from agentdeck.adapters.tmux.protocol import TmuxError
from agentdeck.models.pane import Pane


async def look(client: ControlClient, panes: Sequence[str]) -> dict[str, tuple[Pane, list[str]]]:
    """State and visible screen of each pane, written in one go; panes that are gone are left out."""
    commands: list[Sequence[str]] = []
    for pane in panes:
        commands.append(("display-message", "-p", "-t", pane, rows.FORMAT))
        commands.append(("capture-pane", "-p", "-e", "-N", "-t", pane))
    replies = await client.batch(commands)
    found: dict[str, tuple[Pane, list[str]]] = {}
    for pane, state, screen in zip(panes, replies[::2], replies[1::2], strict=True):
        if isinstance(state, TmuxError) or isinstance(screen, TmuxError):
            continue
        known = rows.parse(state).get(pane)
        if known is not None:
            found[pane] = (known, screen)
    return found


async def lend_size(client: ControlClient, window: str, size: tuple[int, int], back: tuple[int, int]) -> None:
    """Make a window `size` columns and rows until `take_back`, or until this client or another leaves the server.

    The hook on the hub's session restores `back` when a dashboard is killed in mid-zoom, with
    nothing of ours running; that another dashboard's leaving does the same costs a letterbox.
    """
    hook = _hook(window)
    restore = f"resize-window -t {window} -x {back[0]} -y {back[1]} ; set-hook -u -t {rows.HUB} {hook}"
    await client.command("set-hook", "-t", rows.HUB, hook, restore)
    await client.command("resize-window", "-t", window, "-x", str(size[0]), "-y", str(size[1]))


async def take_back(client: ControlClient, window: str, back: tuple[int, int]) -> None:
    """End what `lend_size` began. A window that is gone needs nothing."""
    await client.batch(
        [
            ("resize-window", "-t", window, "-x", str(back[0]), "-y", str(back[1])),
            ("set-hook", "-u", "-t", rows.HUB, _hook(window)),
        ]
    )


def _hook(window: str) -> str:
    if not re.fullmatch("@[0-9]+", window):
        raise TmuxError(f"{window!r} is not a window id")
    return f"client-detached[{window[1:]}]"
