"""The user's configuration for parts that must go on while its file is being edited."""

from __future__ import annotations

from agentdeck import config
from agentdeck.config import Config
from agentdeck.errors import UsageError

_last: list[Config] = []


def current() -> Config:
    """The configuration in force; that of before (the defaults at first) while its file is malformed."""
    try:
        _last[:] = [config.load()]
    except UsageError:
        pass
    return _last[0] if _last else Config()
