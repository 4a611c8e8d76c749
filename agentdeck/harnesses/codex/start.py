"""Our hooks for one run of Codex, as words of its command line: the human's own configuration is not touched.

Codex runs a hook only after a human has trusted that very hook, which it knows by a hash. The words
carry the hashes of ours along, so nobody is asked about them, while hooks of the human's own or of a
repository are asked about as ever (its flag that trusts everything would run those too).
"""

from __future__ import annotations

import hashlib
import json
import re

EVENTS = (
    "SessionStart", "UserPromptSubmit", "PreToolUse", "PermissionRequest", "PostToolUse", "Interrupt", "Stop",
    "SessionEnd",
)  # fmt: skip
SECONDS = 3  # more is cut to this for some events, with a warning on the screen
SOURCE = "/<session-flags>/config.toml"  # what Codex calls the place of hooks from its command line


def words(hook: str) -> list[str]:
    """Command-line words that have `hook` (a shell command) run at every event of EVENTS, trusted for this run."""
    given = [f"hooks.{event}=[{{hooks=[{_handler(hook)}]}}]" for event in EVENTS]
    trusted = ",".join(f'"{SOURCE}:{_label(event)}:0:0"={{trusted_hash="{_digest(event, hook)}"}}' for event in EVENTS)
    return [word for setting in [*given, f"hooks.state={{{trusted}}}"] for word in ("-c", setting)]


def _handler(hook: str) -> str:
    # JSON's escapes are those of TOML's basic strings
    return f'{{type="command",command={json.dumps(hook, ensure_ascii=False)},timeout={SECONDS}}}'


def _label(event: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", event).lower()


def _digest(event: str, hook: str) -> str:
    """The hash by which Codex knows a hook: of its definition as JSON with sorted keys."""
    handler = {"async": False, "command": hook, "timeout": SECONDS, "type": "command"}
    known = {"event_name": _label(event), "hooks": [handler]}
    text = json.dumps(known, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
