"""A click on an agent, wherever it is shown."""

from __future__ import annotations

from textual.events import Click
from textual.message import Message

_RIGHT = 3


class Pointed(Message):
    """`double` for the second of two clicks, `right` for one with the right button."""

    def __init__(self, agent_id: str, double: bool, right: bool = False) -> None:
        super().__init__()
        self.agent_id = agent_id
        self.double = double
        self.right = right

    @classmethod
    def by(cls, event: Click, agent_id: str) -> Pointed:
        """What this click on an agent means."""
        return cls(agent_id, event.chain > 1 and event.button != _RIGHT, event.button == _RIGHT)
