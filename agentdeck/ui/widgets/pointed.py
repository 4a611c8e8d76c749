"""A click on an agent, wherever it is shown."""

from __future__ import annotations

from textual.message import Message


class Pointed(Message):
    """`double` for the second of two clicks."""

    def __init__(self, agent_id: str, double: bool) -> None:
        super().__init__()
        self.agent_id = agent_id
        self.double = double
