"""Observations into evidence: pure functions, one a source. What a sign means is harness data.

Every function takes the time of the observation; none of them reads a clock, a file or a pane.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache

from agentdeck.harnesses.schema import Harness, Pattern
from agentdeck.models.pane import Pane
from agentdeck.models.status import Ask, Evidence, Reason
from agentdeck.services.status.reset_time import reset_time


def _clock(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone().strftime("%H:%M:%S")


def from_hook(harness: Harness, payload: Mapping[str, object], at: int) -> Evidence | None:
    """What one hook event says; None for an event this harness file does not name, or one of a subagent's own."""
    name = str(payload.get("hook_event_name", ""))
    meaning = harness.hooks.get(name)
    if meaning is None or (payload.get("agent_id") and not meaning.reason):
        return None
    states, why = tuple(meaning.states), f"{name} hook {_clock(at)}"
    if meaning.unless_field and payload.get(meaning.unless_field):
        return Evidence("hook", ("working",), at, at, f"{why}, but {meaning.unless_field} go on", background=True)
    ask = _hook_ask(meaning.reason, payload)
    return Evidence("hook", states, at, at, why, ask.kind if ask else meaning.reason, ask)


def _hook_ask(reason: Reason, payload: Mapping[str, object]) -> Ask | None:
    if not reason:
        return None
    tool, given = str(payload.get("tool_name", "")), payload.get("tool_input")
    values = given if isinstance(given, Mapping) else {}
    detail = "\n".join(f"{key}: {_plain(value)}" for key, value in values.items())
    questions = values.get("questions")
    if isinstance(questions, list) and questions and isinstance(questions[0], Mapping):
        first = questions[0]
        options = tuple(str(o.get("label", o)) if isinstance(o, Mapping) else str(o) for o in first.get("options", []))
        return Ask(str(first.get("question", tool)), "question", tool, detail, options)
    subject = next((str(values[key]) for key in ("command", "file_path", "filePath", "url") if key in values), "")
    return Ask(f"{tool}: {subject}" if subject else tool, reason, tool, detail)


def _plain(value: object) -> str:
    """A value of a tool's input: text as it is, anything else as the JSON it came in."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def from_title(harness: Harness, title: str, at: int) -> Evidence:
    """What the pane title says; a title that fits nothing asserts nothing."""
    shown = f"title '{title.strip()[:40]}'"
    for sign in harness.titles:
        if re.search(sign.match, title):
            return Evidence("title", tuple(sign.states), at, at, shown)
    return Evidence("title", (), at, at, f"{shown} says nothing")


@lru_cache(maxsize=256)
def _compiled(text: str) -> re.Pattern[str]:
    return re.compile(text)


def _tail(rows: Sequence[str], count: int) -> list[str]:
    return [row for row in rows if row.strip()][-count:]


def _matched(pattern: Pattern, rows: Sequence[str]) -> str:
    """The lowest row on which a pattern shows, '' when it does not or what takes it back stands below."""
    tail = _tail(rows, pattern.lines)
    if pattern.nowhere and any(_compiled(pattern.nowhere).search(row) for row in tail):
        return ""
    for at in range(len(tail) - 1, -1, -1):
        if _compiled(pattern.match).search(tail[at]):
            below = tail[at + 1 :] if pattern.unless else []
            return "" if any(_compiled(pattern.unless).search(row) for row in below) else tail[at]
    return ""


@dataclass(frozen=True, slots=True)
class Sign:
    """The pattern of a harness file that shows on a screen, and the row on which it does."""

    pattern: Pattern
    row: str


def sign(harness: Harness, rows: Sequence[str], *, still: bool = False) -> Sign | None:
    """The first pattern that shows; `still`: on a screen of which nothing is known but its rows."""
    for pattern in harness.patterns:
        if (still or not pattern.still) and (row := _matched(pattern, rows)):
            return Sign(pattern, row)
    return None


def from_screen(harness: Harness, rows: Sequence[str], at: int, *, still: bool = False) -> Evidence:
    """What the plain rows of the visible screen say: the first pattern of the harness file that shows."""
    found = sign(harness, rows, still=still)
    if found is None:
        return Evidence("screen", (), at, at, "no known sign on the screen")
    pattern, row = found.pattern, found.row
    ask = screen_ask(pattern.reason, rows, pattern.begins) if pattern.reason else None
    until = reset_time(row, at) if pattern.state == "limited" else 0
    why = f"screen '{row.strip()[:48]}'"
    return Evidence("screen", (pattern.state, *pattern.also), at, at, why, pattern.reason, ask, until)


_OPENS = re.compile(r"\s*[╭┌]?[─━]{8,}.*")  # the top of a dialog: a rule, perhaps with words in it
_EDGE = re.compile(r"[╭╰┌└]?[─━╌▀▄▔]{8,}[╮╯┐┘]?")  # a row that is nothing but a rule
_OPTION = re.compile(r"(?:❯|›|●|>)?\s*(\d)\. (.+)")


def screen_ask(reason: Reason, rows: Sequence[str], begins: str = "") -> Ask:
    """The dialog as the human would read it: its block of text, with numbered options taken apart.

    `begins` is the sign of its first row; without one it begins below the last rule above its first option.
    """
    tail = [row.rstrip() for row in _tail(rows, 40)]
    width = max(map(len, tail), default=0)
    whole = [_inner(row) for row in tail[_opening(tail, begins) :]]
    block = [row for row in whole if row.strip() and not _EDGE.fullmatch(row.strip())]
    found = (_OPTION.match(_unframed(row)) for row in block)
    options = tuple(re.split(r" {2,}", match[2].strip())[0] for match in found if match)  # what explains it, apart
    place = next((at for at, row in enumerate(whole) if row.endswith("?")), -1)
    question = _unwrapped(whole, place, width) if place >= 0 else block[0].strip() if block else ""
    return Ask(question, reason, "", "\n".join(block), options)


def _opening(tail: Sequence[str], begins: str) -> int:
    """The place of the first row of the dialog in the rows that end with it."""
    found = [at for at, row in enumerate(tail) if begins and _compiled(begins).search(row)]
    if found:
        return found[-1]
    first = [at for at, row in enumerate(tail) if (match := _OPTION.match(_unframed(row))) and match[1] == "1"]
    opened = [at for at, row in enumerate(tail) if first and at <= first[-1] and _OPENS.fullmatch(row)]
    return opened[-1] + 1 if opened else max(0, len(tail) - 12)


def _unwrapped(block: Sequence[str], place: int, width: int) -> str:
    """The question that ends in a row, with the rows before it whose next word had no room any more."""
    words = [block[place].strip()]
    for at in range(place - 1, -1, -1):
        row, following = block[at], words[0].split(" ", 1)[0]
        framed = 4 if width - len(row) < width // 2 else 0  # the walls of a box and its padding
        ends = row.endswith((".", "?", "!", ":")) or _EDGE.fullmatch(row.strip())
        if not row.strip() or ends or len(row) + 1 + len(following) + framed < width:
            break
        words.insert(0, row.strip())
    return " ".join(words)


def _inner(row: str) -> str:
    """A row without the walls of a box around it; the indent of its words stays."""
    inner = re.fullmatch(r"\s*[│┃](.*?)[│┃]?\s*", row)
    return _inner(inner[1].rstrip()) if inner else row.rstrip()


def _unframed(row: str) -> str:
    return _inner(row).strip()


def from_status_file(harness: Harness, data: Mapping[str, object], at: int) -> Evidence | None:
    """What the client's own status file says; None when it holds a word the harness file does not know."""
    where = harness.status_file
    if where is None:
        return None
    word = str(data.get(where.field, ""))
    states = where.states.get(word)
    if states is None:
        return None
    waiting = str(data.get(where.ask_field, "") or "") if where.ask_field else ""
    reason: Reason = where.reasons.get(waiting, "permission" if "needs_input" in states else "")
    stamp = data.get(where.changed_field)
    changed = int(stamp) if isinstance(stamp, (int, float)) and 0 < stamp <= at else at
    ask = Ask(waiting, reason) if waiting else None
    why, behind = f"status file says {word}", word in where.background
    return Evidence("vendor", tuple(states), changed, at, why, reason, ask, background=behind)


def from_pane(pane: Pane, at: int) -> Evidence:
    """A dead pane is decisive; a living one asserts nothing about what its program does."""
    if not pane.dead:
        return Evidence("tmux", (), at, at, "its process lives")
    if pane.dead_signal:
        return Evidence("tmux", ("exited",), at, at, f"ended by signal {pane.dead_signal}")
    how = "exited" if pane.dead_status is None else f"exited with {pane.dead_status}"
    return Evidence("tmux", ("exited",), at, at, how)


PANE_GONE = "its pane is gone"  # never the client's own doing: one that ends leaves its pane behind


def gone(at: int, pid: int = 0) -> Evidence:
    """The pane is not in the server's own complete list, or the server itself is gone; `pid` did not care."""
    lives = f", but process {pid} lives on: stop ends it" if pid else ""
    return Evidence("tmux", ("exited",), at, at, f"{PANE_GONE}{lives}")


SHELLS = frozenset({"bash", "dash", "fish", "ksh", "sh", "zsh"})
QUIET_SECONDS = 8
STOPPED_SECONDS = 2


def is_prompt_shell(argv: Sequence[str]) -> bool:
    """Whether this command line is an interactive shell rather than a shell running something."""
    if not argv or argv[0].rsplit("/", 1)[-1] not in SHELLS:
        return False
    return all(arg.startswith("-") and "c" not in arg.lstrip("-") for arg in argv[1:] if not arg.startswith("--"))


def from_process(argv: Sequence[str], pane: Pane, at: int, busy: bool | None) -> Evidence:
    """What the process table and silence say of a plain command.

    An interactive shell in the foreground of its own terminal stands at its prompt. Any other
    command works while it prints or uses the processor (`busy`; None when not measured) and is
    idle once it has done neither for QUIET_SECONDS.
    """
    if is_prompt_shell(argv):
        shell = argv[0].rsplit("/", 1)[-1]
        if pane.command.lstrip("-") == shell:
            return Evidence("process", ("idle",), at, at, f"{shell} stands at its prompt")
        return Evidence("process", ("working",), at, at, f"{pane.command} runs in the foreground")
    silent = at // 1000 - pane.activity
    if silent < QUIET_SECONDS or busy:
        return Evidence("process", ("working",), at, at, "uses the processor" if busy else "printed within seconds")
    return Evidence("silence", ("idle",), at, at, f"no output for {QUIET_SECONDS} s and no processor time")


def from_stillness(still_seconds: float, silent: float, busy: bool | None, stopped: Sequence[int], at: int) -> Evidence:
    """What it means that a client which moves while it works has not moved for `silent` seconds.

    It hangs when one of its processes is stopped, or when it has used no processor time (`busy`; None when not
    measured) for longer than it ever stands still, or has shown nothing of what it computes for twice as long. Signs of
    work may stand on its screen all the while.
    """
    if silent >= STOPPED_SECONDS and stopped:
        pids = ", ".join(map(str, stopped))
        return Evidence("silence", ("hung",), at, at, f"stopped by a signal: process {pids}")
    if silent >= still_seconds and busy is False:
        return Evidence("silence", ("hung",), at, at, f"neither output nor processor time for {still_seconds:g} s")
    if silent >= 2 * still_seconds and busy:
        return Evidence("silence", ("hung",), at, at, f"no output for {2 * still_seconds:g} s, though it computes")
    return Evidence("silence", (), at, at, "it may stand still this long")


def merge(old: Evidence | None, new: Evidence) -> Evidence:
    """The new observation, dated from when its value last changed.

    A source that dates its own changes is believed: between two looks it may have changed to and fro.
    """
    if new.changed < new.at:
        return new
    if old is None or (old.states, old.reason, old.ask, old.background) != (
        new.states,
        new.reason,
        new.ask,
        new.background,
    ):
        return new
    # a time of day is that of the day on which the sign came up
    until = old.until if old.until and old.why == new.why else new.until
    return replace(new, changed=min(old.changed, new.changed), until=until)
