"""Asks the price list in a process of its own, which ends when it is not needed: the list takes 30 MB of memory.

`python -m agentdeck.adapters.price_desk` is that process: a line of [model, variant, day] triples in, a line of quotes
out. A process that has the list in memory already asks it directly.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from agentdeck.adapters import prices
from agentdeck.errors import AgentDeckError
from agentdeck.models.price import Quote, Rates

Key = tuple[str, str, str]
"""(model, variant, UTC day)"""


class PriceDesk:
    """Starts its process with the first question. Used by one thread at a time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def find(self, keys: Sequence[Key]) -> list[Quote]:
        """The quotes of `keys`, in their order. Blocks. Raises AgentDeckError when no answer comes."""
        if "genai_prices" in sys.modules:
            return [prices.find(*key) for key in keys]
        if self._process is None:
            argv = [sys.executable, "-P", "-m", "agentdeck.adapters.price_desk"]
            self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        asked, answers = self._process.stdin, self._process.stdout
        assert asked is not None and answers is not None
        try:
            asked.write(json.dumps(keys).encode() + b"\n")
            asked.flush()
            answer = answers.readline()
        except OSError:
            answer = b""
        if not answer:
            self.close()
            raise AgentDeckError("the price list cannot be asked", "What was used is counted when it can be.")
        return [_quote(told) for told in json.loads(answer)]

    def close(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None and process.stdout is not None:
            for pipe in (process.stdin, process.stdout):
                try:
                    pipe.close()
                except OSError:
                    pass  # it is dead, and did not take the last question
            process.wait()


def _told(quote: Quote) -> list[Any]:
    rates = quote.rates and [dict(quote.rates.classes), quote.rates.search]
    return [quote.source, rates, quote.resolved, quote.context_window]


def _quote(told: list[Any]) -> Quote:
    source, rates, resolved, window = told
    if rates is None:
        return Quote(source, None, resolved, window)
    classes = {name: tuple((start, rate) for start, rate in ladder) for name, ladder in rates[0].items()}
    return Quote(source, Rates(classes, rates[1]), resolved, window)


def main() -> None:
    for line in sys.stdin.buffer:
        answer = [_told(prices.find(*key)) for key in json.loads(line)]
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
