"""The prices the deck has looked up: kept in the database, asked of the price list once a model and day."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import asdict

from agentdeck.adapters import prices as price_list
from agentdeck.adapters.database.store import Writer
from agentdeck.adapters.price_desk import PriceDesk
from agentdeck.config import Price
from agentdeck.models import pricing
from agentdeck.models.price import Quote
from agentdeck.services.usage import usage_store
from agentdeck.services.usage.usage_store import PriceKey

Overrides = Mapping[str, Mapping[str, float]]  # model -> token class -> dollars per million tokens


def overrides_of(prices: Mapping[str, Price]) -> Overrides:
    """The human's own prices, as their configuration tells them."""
    return {name: asdict(price) for name, price in prices.items()}


class Prices:
    """`overrides` are the human's own prices; they win over the list and have no ladders."""

    def __init__(self, writer: Writer, overrides: Overrides, thread: Executor | None = None) -> None:
        self._thread = thread
        self._writer = writer
        self._overrides = overrides
        self._desk = PriceDesk()
        self.known: dict[PriceKey, Quote] = {}
        self.unsaved: dict[PriceKey, Quote] = {}

    async def load(self) -> set[str]:
        """Read the stored prices; price anew what the human or a newer list has changed. Returns agents concerned.

        What the list had priced before keeps its price: history does not change under an update.
        """
        self.known = await self._writer.run(_stored)
        changed: set[str] = set()
        for model in sorted({key[0] for key, quote in self.known.items() if self._stale(key[0], quote)}):
            changed |= await self._again(model)
        return changed

    def _stale(self, model: str, quote: Quote) -> bool:
        if model in self._overrides:
            return quote.source != self._own_source(model)
        return quote.source.startswith("config") or (quote.rates is None and quote.source != price_list.source())

    async def _again(self, model: str) -> set[str]:
        days = await self._writer.run(lambda conn: list(usage_store.days_of(conn, model)))
        self.known = {key: quote for key, quote in self.known.items() if key[0] != model}
        await self.need(days)

        def change(conn: sqlite3.Connection) -> set[str]:
            conn.execute("DELETE FROM prices WHERE model = ?", (model,))
            keep(conn, {key: self.known[key] for key in days})
            return usage_store.reprice(conn, model, self.known)

        return await self._writer.run(change)

    async def need(self, keys: Iterable[PriceKey]) -> None:
        """Look up those of `keys` that are new, in a thread; whoever writes next keeps them (`unsaved`)."""
        new = sorted({key for key in keys if key not in self.known})
        if new:
            found = await asyncio.get_running_loop().run_in_executor(self._thread, self._find, new)
            self.known.update(found)
            self.unsaved.update(found)

    def done(self) -> None:
        """Nothing more is asked for now: let the price list's process end."""
        self._desk.close()

    def _find(self, keys: list[PriceKey]) -> dict[PriceKey, Quote]:
        listed = dict(zip(keys, self._desk.find(keys), strict=True))
        return {key: self._own(key[0], quote) if key[0] in self._overrides else quote for key, quote in listed.items()}

    def _own(self, model: str, listed: Quote) -> Quote:
        rates = pricing.flat(self._overrides[model])
        return Quote(self._own_source(model), rates, listed.resolved or model, listed.context_window)

    def _own_source(self, model: str) -> str:
        dollars = json.dumps(dict(self._overrides[model]), sort_keys=True)
        return f"config {hashlib.sha256(dollars.encode()).hexdigest()[:8]}"

    def window(self, model: str) -> int | None:
        """The context window of a model in tokens, when the list knows it."""
        return next((quote.context_window for key, quote in self.known.items() if key[0] == model), None)


def _stored(conn: sqlite3.Connection) -> dict[PriceKey, Quote]:
    return {
        (row["model"], row["variant"], row["day"]): Quote(
            row["source"], pricing.parse(row["rates"]), row["resolved"], row["context_window"]
        )
        for row in conn.execute("SELECT * FROM prices")
    }


def keep(conn: sqlite3.Connection, quotes: Mapping[PriceKey, Quote]) -> None:
    """Store looked-up prices."""
    rows = [
        (*key, quote.resolved, pricing.dump(quote.rates), quote.context_window, quote.source)
        for key, quote in quotes.items()
    ]
    conn.executemany(
        "INSERT OR REPLACE INTO prices (model, variant, day, resolved, rates, context_window, source) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
