"""Giving windows the sizes they are to have."""

from __future__ import annotations

from collections.abc import Sequence

from agentdeck.adapters.tmux.control import ControlClient
from agentdeck.adapters.tmux.panes import list_panes
from agentdeck.models.size_lease import WindowSize


async def resize(client: ControlClient, wanted: Sequence[WindowSize]) -> None:
    """Give windows their sizes: those that are there, are their agents', have another size and no human in them.

    While a human is attached the window follows his terminal; what he finds when he leaves is the hook's matter
    (`sessions`), and that of whoever asks for a size then. Raises TmuxError when the server cannot be reached.
    """
    panes = {(pane.deck_id, pane.window): pane for pane in (await list_panes(client)).values()}
    commands = []
    for each in wanted:
        pane = panes.get((each.agent, each.window))
        if pane is not None and (pane.cols, pane.rows) != each.size:
            columns, lines = each.size
            command = f"resize-window -t {each.window} -x {columns} -y {lines}"
            commands.append(("if-shell", "-F", "-t", pane.id, "#{==:#{window_active_clients},0}", command))
    await client.batch(commands)
