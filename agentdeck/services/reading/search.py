"""Finds a text in what all agents' screens showed and in all that was said in their sessions."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentdeck.errors import AgentDeckError
from agentdeck.models.agent import Agent
from agentdeck.models.document import SCREEN, TRANSCRIPT, Match, Needle, tidy
from agentdeck.services.reading import history

if TYPE_CHECKING:
    from agentdeck.adapters.tmux import ControlClient

FRESH = 3.0
"""Seconds for which a captured history is searched again, not captured again: a text is typed letter by letter."""
KEPT = 40_000_000
"""Characters of conversations that are kept for the next search."""
_WHOLE = 64 << 20  # bytes of a file that are read at once to see whether it can hold the text
_GROUP = 4  # panes captured, then searched


@dataclass(frozen=True, slots=True)
class Found:
    """All matches in one text of one agent; `texts` are its lines."""

    agent: Agent
    source: str
    texts: Sequence[str]
    matches: tuple[Match, ...]


class Searcher:
    """Keeps what it has read, so that each further letter of a text is answered without reading again.

    `client` gives the connection to tmux, None while there is none. With `most`, only the last so many lines of
    each text that hold what is sought are told.
    """

    def __init__(self, client: Callable[[], ControlClient | None], most: int = 0) -> None:
        self._client = client
        self._most = most
        self._screens: dict[str, tuple[float, list[str]]] = {}  # by pane: when, lines
        self._said: dict[str, tuple[tuple[object, ...], Sequence[str]]] = {}  # by agent: state of the files, lines
        self._sizes: dict[str, int] = {}  # characters of those

    async def search(self, text: str, agents: Sequence[Agent], found: Callable[[Found], None]) -> str:
        """Call `found` for every text that holds it, as they are read. What could not be searched, in words, or ''.

        Cancel it at any time.
        """
        needle = Needle(text)
        if not needle:
            return ""
        troubles = await asyncio.gather(
            self._search_screens(needle, agents, found), self._search_conversations(needle, agents, found)
        )
        return "; ".join(trouble for trouble in troubles if trouble)

    # -- screens --------------------------------------------------------------------------------------------

    async def _search_screens(self, needle: Needle, agents: Sequence[Agent], found: Callable[[Found], None]) -> str:
        with_pane = [agent for agent in agents if agent.pane]
        for at in range(0, len(with_pane), _GROUP):
            group = with_pane[at : at + _GROUP]
            try:
                await self._capture(group)
            except AgentDeckError as error:
                return f"screens were not searched: {error.title}"
            for agent in group:
                _, texts = self._screens.get(agent.pane, (0.0, []))
                if texts and (matches := await asyncio.to_thread(needle.matches, texts, self._most)):
                    found(Found(agent, SCREEN, texts, tuple(matches)))
        return ""

    async def _capture(self, agents: Iterable[Agent]) -> None:
        from agentdeck.adapters import tmux

        now = time.monotonic()
        stale = [agent for agent in agents if now - self._screens.get(agent.pane, (-FRESH, []))[0] >= FRESH]
        client = self._client()
        if stale and client is None:
            raise AgentDeckError("there is no connection to tmux")
        if stale and client is not None:
            captured = await tmux.history_texts(client, [(agent.pane, agent.id) for agent in stale])
            for agent in stale:
                lines = await asyncio.to_thread(tidy, captured.get(agent.pane, []))
                self._screens[agent.pane] = (now, lines)

    # -- conversations --------------------------------------------------------------------------------------

    async def _search_conversations(
        self, needle: Needle, agents: Sequence[Agent], found: Callable[[Found], None]
    ) -> str:
        for agent in agents:
            texts, matches = await asyncio.to_thread(self._in_conversation, needle, agent)
            if matches:
                found(Found(agent, TRANSCRIPT, texts, tuple(matches)))
        return ""

    def _in_conversation(self, needle: Needle, agent: Agent) -> tuple[Sequence[str], list[Match]]:
        files = history.files(agent)
        state = tuple((path, history.seen(agent, path)) for path in files)
        known = self._said.get(agent.id)
        if known is None or known[0] != state:
            if not files or (history.is_file(agent) and not any(_may_hold(path, needle) for path in files)):
                return (), []
            document = history.conversation(agent)
            known = (state, document.texts if document else ())
            self._keep(agent.id, known)
        return known[1], needle.matches(known[1], self._most)

    def _keep(self, agent: str, known: tuple[tuple[object, ...], Sequence[str]]) -> None:
        self._said.pop(agent, None)
        self._sizes.pop(agent, None)
        size = sum(map(len, known[1]))
        if size + sum(self._sizes.values()) <= KEPT:
            self._said[agent], self._sizes[agent] = known, size


def _may_hold(path: str, needle: Needle) -> bool:
    """Whether all ASCII words of the text stand in the file, however it writes the rest: most files need no reading."""
    words = [word.encode() for word in re.findall("[a-z0-9]+", needle.text.lower())]
    try:
        with open(path, "rb") as file:
            raw = file.read(_WHOLE)
            more = bool(file.read(1))
    except OSError:
        return False
    lowered = raw.lower()
    return more or all(word in lowered for word in words)
