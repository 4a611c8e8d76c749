"""What there is to read of one agent: what its screen showed, and what was said in its sessions.

Conversations are read from the transcripts that its client keeps, so those of a stopped agent and of programs that
draw on the alternate screen (which leaves no history in tmux) are there too. Reading files blocks: in a thread.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.errors import AgentDeckError
from agentdeck.models.agent import Agent
from agentdeck.models.conversation import Turn
from agentdeck.models.document import ScreenDocument, Styled, TextDocument
from agentdeck.models.screen import PLAIN, Style, bare

if TYPE_CHECKING:
    from agentdeck.adapters.tmux import ControlClient

_DIM, _BOLD = Style(dim=True), Style(bold=True)
# kind of a turn -> the mark before its first line, the mark's style, the text's style
_LOOKS: dict[str, tuple[str, Style, Style]] = {
    "prompt": ("› ", Style(fg="36", bold=True), _BOLD),
    "answer": ("● ", Style(fg="32"), PLAIN),
    "thought": ("∴ ", _DIM, Style(dim=True, italic=True)),
    "call": ("▸ ", Style(fg="33"), PLAIN),
    "result": ("  ⎿ ", _DIM, _DIM),
    "error": ("  ⎿ ", Style(fg="31"), Style(fg="31")),
    "note": ("  ", _DIM, _DIM),
}


async def screen(client: ControlClient, agent: Agent) -> ScreenDocument:
    """History and screen of the agent's pane, as they are now. Raises AgentDeckError when it has none."""
    import asyncio

    from agentdeck.adapters import tmux

    if not agent.pane:
        raise AgentDeckError(f"{agent.name} has no screen", "Resume it; its conversation may be kept.")
    pieces = await tmux.history_styled(client, agent.pane, agent.id)
    return await asyncio.to_thread(ScreenDocument, pieces)


def conversation(agent: Agent) -> TextDocument | None:
    """What was said in all sessions of the agent; None when its client keeps nothing that we can read."""
    found = files(agent)
    lines = [line for path in found for line in _file_lines(agent, path, heading=len(found) > 1)]
    return TextDocument(lines) if lines else None


def files(agent: Agent) -> list[str]:
    """The transcripts of an agent that exist now, in the order of its sessions, each followed by its subagents'."""
    from agentdeck.harnesses import loader
    from agentdeck.services import usage_sources

    try:
        sources = usage_sources.sources_for(agent, loader.get(agent.harness), _sessions(agent.id))
    except AgentDeckError:  # a harness file that is gone or malformed
        return []
    named = (path for source in sources for path in usage_sources.files(source))
    return [path for path in dict.fromkeys(named) if os.path.isfile(path)]


def _sessions(agent: str) -> list[tuple[str, str]]:
    conn = store.read(paths.database_file())
    if conn is None:
        return []
    with closing(conn):
        query = "SELECT vendor_session, transcript FROM agent_sessions WHERE agent = ? ORDER BY started"
        try:
            return [(row[0], row[1]) for row in conn.execute(query, (agent,))]
        except sqlite3.Error as error:
            raise AgentDeckError(f"the deck's database cannot be read: {error}", "Try again.") from error


def turns(agent: Agent, path: str) -> Iterator[Turn]:
    """What one transcript tells; nothing when it cannot be read."""
    from agentdeck.harnesses import loader
    from agentdeck.harnesses.readers import reader

    read = reader(loader.get(agent.harness).transcript.reader).conversation
    if read is None:
        return
    try:
        with open(path, "rb") as file:
            yield from read(file)
    except OSError:
        return


def last_message(agent: Agent) -> str:
    """The last answer in the agent's newest session that has one; '' when there is none."""
    for path in sorted(files(agent), key=_modified, reverse=True):
        said = [turn.text for turn in turns(agent, path) if turn.kind == "answer"]
        if said:
            return said[-1]
    return ""


def _modified(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def _file_lines(agent: Agent, path: str, heading: bool) -> Iterator[Styled]:
    name = os.path.splitext(os.path.basename(path))[0]
    before = ""
    for number, turn in enumerate(turns(agent, path)):
        if heading and not number:
            yield Styled(f"══ {name} ══", Style(fg="35", bold=True))
        yield from turn_lines(turn, before)
        before = turn.kind


def turn_lines(turn: Turn, before: str = "") -> Iterator[Styled]:
    """A turn as lines to read; `before` is the kind of the turn above it."""
    mark, mark_style, style = _LOOKS[turn.kind]
    if turn.kind == "prompt" and before not in ("", "prompt"):
        yield Styled("")
    if turn.kind == "prompt" and turn.at:
        yield Styled(f"── {datetime.fromtimestamp(turn.at / 1000):%Y-%m-%d %H:%M:%S}", _DIM)
    for number, text in enumerate(_texts(turn)):
        lead = mark if not number else " " * len(mark)
        named = len(turn.name) if not number else 0
        yield Styled(lead + text, style, len(lead) + named, mark_style)


def _texts(turn: Turn) -> Sequence[str]:
    texts = [bare(text).rstrip() for text in turn.text.strip("\n").split("\n")]
    if not turn.name:
        return texts
    return [f"{turn.name}  {texts[0]}"] if len(texts) == 1 else [turn.name, *texts]
