"""The agents' panes as they are, whatever any database says of them. Blocks: call it in a thread."""

from __future__ import annotations

import re
from pathlib import Path

from agentdeck.adapters.tmux.process import run
from agentdeck.adapters.tmux.protocol import TmuxError, TmuxSilent
from agentdeck.models.pane import Survivor

_SEP = "\u241f"
_FORMAT = _SEP.join(
    f"#{{{name}}}"
    for name in ("pane_id", "window_id", "@deck_id", "pane_pid", "pane_dead", "session_name", "pane_start_path")
)
# A pane without its mark: whoever made it was killed between two commands. The ids of agents are of this form.
_OWN = re.compile(r"deck-([0-9a-f]{8})\Z")


def survivors(socket: Path) -> list[Survivor]:
    """Every pane that belongs to an agent, the dead too; none when no server lives."""
    try:
        out = run(socket, "list-panes", "-a", "-F", _FORMAT)
    except TmuxSilent:
        raise
    except TmuxError:
        return []
    found: dict[str, Survivor] = {}
    for line in out.splitlines():
        pane = _survivor(line)
        if pane is not None:
            found.setdefault(pane.id, pane)
    return list(found.values())


def _survivor(line: str) -> Survivor | None:
    fields = line.split(_SEP, 6)
    if len(fields) < 7 or not fields[3].isdigit():
        return None
    own = _OWN.match(fields[5])
    deck_id = fields[2] or (own[1] if own else "")
    if not deck_id:
        return None
    return Survivor(
        fields[0], fields[1], deck_id, int(fields[3]), fields[4] == "1", fields[6], marked=bool(fields[2])
    )  # fmt: skip
