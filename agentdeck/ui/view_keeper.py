"""A dashboard's view: changed at once, stored behind it, and followed when another dashboard changes it.

The last change wins, setting by setting. What this dashboard has just changed is never taken back by an older
state that is still on its way, and what it hears it does not say again: so two of them cannot fight.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable

from agentdeck.errors import AgentDeckError
from agentdeck.models.view import DEFAULT, View, ViewChange


class ViewKeeper:
    """`store` gets the view's name and each change, one at a time and in order, and gives the revision that has it.

    `changed` is called when the view has become another one by what was heard; `trouble` with what went wrong.
    """

    def __init__(
        self,
        store: Callable[[str, ViewChange], Awaitable[int]],
        changed: Callable[[], None],
        trouble: Callable[[str, str], None],
        name: str = DEFAULT,
    ) -> None:
        self.view = View(name)
        self._store = store
        self._changed = changed
        self._trouble = trouble
        self._heard = self.view
        self._own = 0  # the revision of our newest change that is stored
        self._waiting: ViewChange | None = None
        self._task: asyncio.Task[None] | None = None

    def change(self, wanted: ViewChange) -> None:
        """The view has it at once. Needs a running event loop; returns at once."""
        self.view = wanted.applied(self.view)
        self._waiting = self._waiting.then(wanted) if self._waiting else wanted
        if self._task is None:
            self._task = asyncio.create_task(self._write(), name="view")

    def hear(self, stored: View) -> None:
        """The view as it is stored; it counts once it has all that was changed here."""
        if stored.name != self.view.name:
            return  # read before this dashboard went over to another view
        self._heard = stored
        if self._task is None and stored.revision >= self._own and stored != self.view:
            self.view = stored
            self._changed()

    def become(self, view: View) -> None:
        """Go over to another view, as it is stored. What was changed of the last one must be stored by now."""
        self.view = self._heard = view
        self._own = view.revision
        self._changed()

    async def flush(self) -> None:
        """Return once everything is stored that was changed until now."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def _write(self) -> None:
        try:
            while self._waiting is not None:
                wanted, self._waiting = self._waiting, None
                self._own = max(self._own, await self._store(self.view.name, wanted))
        except (AgentDeckError, sqlite3.Error, OSError) as error:
            self._waiting = None
            title, hint = (error.title, error.hint) if isinstance(error, AgentDeckError) else (str(error), "")
            self._trouble(f"what you changed of this view could not be stored: {title}", hint)
        finally:
            self._task = None
        self.hear(self._heard)
