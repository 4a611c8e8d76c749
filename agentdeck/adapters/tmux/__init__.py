"""The tmux adapter: our own server, its panes, and one control client per process for all hot work.

Names are loaded when first used: commands that only look at the database load neither asyncio nor libtmux.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentdeck.adapters.tmux.attach import attach_argv, popup_argv, window_argv
    from agentdeck.adapters.tmux.control import ControlClient
    from agentdeck.adapters.tmux.handing import Sight, enter_as_seen, paste_as_seen, sight
    from agentdeck.adapters.tmux.history import history_rows, history_styled, history_texts
    from agentdeck.adapters.tmux.keys import TEXTUAL_TO_TMUX, encode, is_key
    from agentdeck.adapters.tmux.panes import (
        capture,
        check_writable,
        list_panes,
        look,
        paste,
        pasteable,
        press,
        send_bytes,
        send_key,
    )
    from agentdeck.adapters.tmux.process import install_hint, version
    from agentdeck.adapters.tmux.protocol import TmuxError, TmuxSilent
    from agentdeck.adapters.tmux.server import capture_now, ensure_server, kill_server, panes_now, server_alive
    from agentdeck.adapters.tmux.sessions import kill_window, mark_again, session_name, spawn_agent, spawn_hidden
    from agentdeck.adapters.tmux.survivors import survivors

__all__ = [
    "TEXTUAL_TO_TMUX",
    "ControlClient",
    "Sight",
    "TmuxError",
    "TmuxSilent",
    "attach_argv",
    "capture",
    "capture_now",
    "check_writable",
    "encode",
    "ensure_server",
    "enter_as_seen",
    "history_rows",
    "history_styled",
    "history_texts",
    "install_hint",
    "is_key",
    "kill_server",
    "kill_window",
    "list_panes",
    "look",
    "mark_again",
    "panes_now",
    "paste",
    "paste_as_seen",
    "pasteable",
    "popup_argv",
    "press",
    "send_bytes",
    "send_key",
    "server_alive",
    "session_name",
    "sight",
    "spawn_agent",
    "spawn_hidden",
    "survivors",
    "version",
    "window_argv",
]

_HOME = {
    "attach": ("attach_argv", "popup_argv", "window_argv"),
    "control": ("ControlClient",),
    "handing": ("Sight", "enter_as_seen", "paste_as_seen", "sight"),
    "history": ("history_rows", "history_styled", "history_texts"),
    "keys": ("TEXTUAL_TO_TMUX", "encode", "is_key"),
    "panes": (
        "capture",
        "check_writable",
        "list_panes",
        "look",
        "paste",
        "pasteable",
        "press",
        "send_bytes",
        "send_key",
    ),  # fmt: skip
    "process": ("install_hint", "version"),
    "protocol": ("TmuxError", "TmuxSilent"),
    "server": ("capture_now", "ensure_server", "kill_server", "panes_now", "server_alive"),
    "sessions": ("kill_window", "mark_again", "session_name", "spawn_agent", "spawn_hidden"),
    "survivors": ("survivors",),
}
_MODULE = {name: module for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE:
        raise AttributeError(name)
    found = getattr(importlib.import_module(f"{__name__}.{_MODULE[name]}"), name)
    globals()[name] = found
    return found
