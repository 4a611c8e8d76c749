"""What an agent really did, by the human's own hooks and our own keys, against the statuses that the deck gave it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from tests.real.deck import Deck

LATE_SECONDS = 1.5  # a status may lag behind the truth this long, and never be wrong after it
OWN_LINE = "own line of mine"
EVENTS = ("SessionStart", "UserPromptSubmit", "PreToolUse", "PermissionRequest", "PostToolUse", "Stop")
# What is true from the moment of an event on; PreToolUse comes before a permission box as before a tool that runs.
MEANS = {
    "UserPromptSubmit": "working", "PermissionRequest": "needs_input", "PostToolUse": "working", "Stop": "idle",
    "interrupt": "idle", "deny": "idle", "allow": "",
}  # fmt: skip


def own_settings(home: Path) -> Path:
    """The human's own settings: hooks that note the time, and a statusline."""
    note = 'echo "$(date +%s%3N) {event}" >>"$HOME/own-hooks.txt"; cat >"$HOME/own-{event}.json"'
    hooks = {event: [{"hooks": [{"type": "command", "command": note.replace("{event}", event)}]}] for event in EVENTS}
    line = {"type": "command", "command": f'cat >"$HOME/own-statusline.json"; echo "{OWN_LINE}"'}
    file = home / ".claude" / "settings.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"hooks": hooks, "statusLine": line}, indent=3) + "\n\n")
    return file


def own_marks(home: Path) -> list[tuple[float, str]]:
    """What the human's own hooks noted: (seconds since 1970, event)."""
    lines = (home / "own-hooks.txt").read_text().splitlines()
    return [(int(ms) / 1000, event) for ms, event in (line.split() for line in lines)]


def own_prompt(home: Path) -> str:
    """The newest prompt as the client told it to the human's own hook, without the marks it puts around a paste."""
    prompt = str(json.loads((home / "own-UserPromptSubmit.json").read_text())["prompt"])
    return re.sub(r"</?pasted_content\b[^>]*>", "", prompt).strip()


def spans(marks: list[tuple[float, str]], end: float) -> Iterator[tuple[float, float, str]]:
    """(from, to, state) of every stretch of time whose state is known."""
    known = sorted((at, MEANS[event]) for at, event in marks if event in MEANS)
    for (at, state), (until, _) in zip(known, [*known[1:], (end, "")], strict=True):
        if state:
            yield at, until, state


def pressed(deck: Deck, name: str) -> list[tuple[float, str]]:
    """When keys went to an agent: `allow`, `deny`, `interrupt`."""
    told = deck.told(name, "answer") + deck.told(name, "agent")
    return [(event.ts, str(event.data.get("answer") or event.data.get("action"))) for event in told]


def check(deck: Deck, name: str, home: Path) -> int:
    """Assert that the deck told no lie about an agent; returns how many stretches were long enough to tell."""
    statuses = [(event.ts, str(event.data["state"])) for event in deck.told(name, "status")]
    checked = 0
    for start, end, truth in spans(own_marks(home) + pressed(deck, name), statuses[-1][0]):
        since = start + LATE_SECONDS
        if end > since:
            before = [state for at, state in statuses if at <= since][-1:]
            seen = before + [state for at, state in statuses if since < at < end]
            assert set(seen) == {truth}, f"{truth} from {start:.3f} to {end:.3f}, but the deck said {statuses}"
            checked += 1
    return checked


def delays(deck: Deck, name: str) -> list[tuple[str, float]]:
    """(event, seconds from the hook file's own time to the status it led to), for hooks that changed the status."""
    statuses = [(event.ts, str(event.data["state"])) for event in deck.told(name, "status")]
    found = []
    hooks = deck.told(name, "hook")
    for hook, following in zip(hooks, [*hooks[1:], None], strict=True):
        state = MEANS.get(hook.data["name"], "")
        before = [shown for at, shown in statuses if at < hook.ts][-1:]
        after = next((at for at, shown in statuses if at >= hook.ts and shown == state), None)
        if state and before != [state] and after and (following is None or after < following.ts):
            found.append((hook.data["name"], after - hook.ts))
    return found
