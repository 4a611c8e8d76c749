"""What there is to read of one agent: what its screen showed, and what was said in its sessions.

Conversations are read from the transcripts that its client keeps, so those of a stopped agent and of programs that
draw on the alternate screen (which leaves no history in tmux) are there too. Reading files blocks: in a thread.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.errors import AgentDeckError
from agentdeck.models.agent import Agent
from agentdeck.models.conversation import Turn
from agentdeck.models.document import ScreenDocument, TextDocument
from agentdeck.models.screen import PLAIN, Line, Style, bare

if TYPE_CHECKING:
    from agentdeck.adapters.tmux import ControlClient
    from agentdeck.harnesses.readers import Seen

_DIM = Style(dim=True)
# kind of a turn -> the mark before its first line, the mark's style, the text's style
_LOOKS: dict[str, tuple[str, Style, Style]] = {
    "prompt": ("› ", Style(fg="36", bold=True), Style(bold=True)),
    "answer": ("● ", Style(fg="32"), PLAIN),
    "thought": ("∴ ", _DIM, Style(dim=True, italic=True)),
    "call": ("▸ ", Style(fg="33", bold=True), PLAIN),
    "result": ("  ⎿ ", _DIM, _DIM),
    "error": ("  ⎿ ", Style(fg="31"), Style(fg="31")),
    "note": ("  ", _DIM, _DIM),
    "session": ("══ ", Style(fg="35"), Style(fg="35")),
    "time": ("── ", _DIM, _DIM),
}
_CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")


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
    script = Script()
    found = files(agent)
    for path in found:
        if len(found) > 1:
            script.add("session", os.path.splitext(os.path.basename(path))[0])
        for turn in turns(agent, path):
            script.turn(turn)
    return script.document() if script.texts else None


def files(agent: Agent) -> list[str]:
    """The transcripts of an agent that exist now, in the order of its sessions, each followed by its subagents'."""
    from agentdeck.harnesses import loader
    from agentdeck.services.usage import usage_sources

    try:
        sources = usage_sources.sources_for(agent, loader.get(agent.harness), _sessions(agent.id))
    except AgentDeckError:  # a harness file that is gone or malformed
        return []
    named = (path for source in sources for path in usage_sources.files(source))
    return [path for path in dict.fromkeys(named) if seen(agent, path) is not None]


def seen(agent: Agent, path: str) -> Seen | None:
    """What changes whenever a transcript does; None when it is not there."""
    from agentdeck.harnesses import loader, readers

    try:
        return readers.reader(loader.get(agent.harness).transcript.reader).seen(path)
    except (OSError, AgentDeckError):
        return None


def is_file(agent: Agent) -> bool:
    """Whether the agent's client keeps its transcripts as files, not as rows of a database."""
    from agentdeck.harnesses import loader, readers

    return readers.reader(loader.get(agent.harness).transcript.reader).store is None


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


def turns(agent: Agent, path: str, tail: int = 0) -> Iterator[Turn]:
    """What one transcript tells, or its last `tail` bytes; nothing when it cannot be read."""
    from agentdeck.harnesses import loader, readers

    name = loader.get(agent.harness).transcript.reader
    read = readers.conversation(name)
    if read is None:
        return
    try:
        yield from read(readers.reader(name).lines(path, tail))
    except OSError:
        return


def last_message(agent: Agent) -> str:
    """The last answer in the agent's newest session that has one; '' when there is none."""
    for path in sorted(files(agent), key=lambda path: _modified(agent, path), reverse=True):
        said = [turn.text for turn in turns(agent, path) if turn.kind == "answer"]
        if said:
            return said[-1]
    return ""


def _modified(agent: Agent, path: str) -> int:
    found = seen(agent, path)
    return found.mtime_ns if found else 0


class Script:
    """Turns written down as lines, each with the kind that says how it looks."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.kinds: list[str] = []

    def turn(self, turn: Turn) -> None:
        if turn.kind == "prompt" and self.texts:
            self.add("note", "")
        if turn.kind == "prompt" and turn.at:
            self.add("time", f"{datetime.fromtimestamp(turn.at / 1000):%Y-%m-%d %H:%M:%S}")
        text = turn.text.strip("\n")
        named = f"{turn.name}\n{text}" if "\n" in text else f"{turn.name}  {text}"
        self.add(turn.kind, named if turn.name else text)

    def add(self, kind: str, text: str) -> None:
        mark = _LOOKS[kind][0]
        lead = " " * len(mark)
        first, *more = text.split("\n") if not _CONTROLS.search(text) else map(bare, text.split("\n"))
        lines = [f"{mark}{first}" if first else "", *(f"{lead}{line}" if line else "" for line in more)]
        self.texts += lines
        self.kinds += [kind] * len(lines)

    def document(self) -> TextDocument:
        return TextDocument(self.texts, lambda number: _look(self.kinds[number], self.texts[number]))


def _look(kind: str, text: str) -> Line:
    mark, mark_style, style = _LOOKS[kind]
    cut = len(mark)
    if kind == "call" and text.startswith(mark):  # the tool's name stands out
        cut = text.find("  ", cut) if "  " in text[cut:] else len(text)
    return tuple(run for run in ((text[:cut], mark_style), (text[cut:], style)) if run[0])
