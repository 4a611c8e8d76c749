"""An agent that waits for a human as one line of a list, and what can be done about it."""

from __future__ import annotations

from textual.content import Content

from agentdeck.models.clock import age
from agentdeck.services.asking.attention import NEEDS_YOU, reason
from agentdeck.services.fleet import AgentRow
from agentdeck.ui.badges import GLYPHS, STYLES, WORDS
from agentdeck.ui.widgets.lines import fit

UNSEEN = "•"
Keys = tuple[tuple[str, str], ...]


def line(row: AgentRow, done: str, width: int, now: int) -> Content:
    """`• ? bo        Bash: git push --force      hidden   4m`; `done` says why nobody is needed any more."""
    status = row.status
    sign, style = ("✓", "$text-success") if done else (GLYPHS[status.state], STYLES[status.state])
    right = f"{'hidden  ' if row.hidden else ''}{age(now - status.since):>5}"
    what = "" if done else reason(row) if status.state == "needs_input" else f"{WORDS[status.state]}: {reason(row)}"
    new = UNSEEN if not row.seen and not done else " "
    name = fit([(row.agent.name, "$foreground-muted" if done else "bold" if not row.seen else "")], 11)
    room = width - len(right) - 18
    words = fit([(what, ""), (done, "$text-success")], room)
    return Content.assemble(
        (f" {new} ", "bold $text-warning"), (f"{sign} ", style), name, " " * (12 - name.cell_length), words,
        " " * max(0, room - words.cell_length), (right, "$foreground-muted"),
    )  # fmt: skip


def keys_for(row: AgentRow | None) -> Keys:
    """What can be done about it from here."""
    if row is None:
        return ()
    status, ask = row.status, row.status.ask
    if status.state not in NEEDS_YOU:
        return (("Enter", "zoom"),)
    kind = status.reason or (ask.kind if ask else "")
    if status.state != "needs_input":
        able: Keys = (("t", "send a text"),)
    elif kind == "dialog":
        able = ()
    else:
        choose: Keys = (("1-9", "choose"),) if ask and ask.options else ()
        yes: Keys = (("y", "allow once"), ("n", "deny")) if kind == "permission" else ()
        able = (*yes, *choose, ("t", "deny and say why" if yes else "in words"))
    return (*able, ("p", "its screen"), ("Enter", "zoom"), ("Space", "next"))


def question_of(row: AgentRow) -> tuple[object, ...]:
    """What tells one question from another: an answer to one of them must not go to the next."""
    status = row.status
    return row.agent.id, status.state, status.since, status.ask, status.reason, status.why if status.ask is None else ""
