"""The words around a tile's screen: its title and its foot, as pieces of styled text for a given width."""

from __future__ import annotations

from datetime import datetime

from textual.content import Content

from agentdeck.models.clock import age
from agentdeck.models.delivery import OPEN
from agentdeck.services.fleet import AgentRow, DeliveryNote, Diff
from agentdeck.ui.badges import CLASH, GLYPHS, PIN, STYLES, budget_words, clash_sign, clash_words, dollars, tokens, word
from agentdeck.ui.widgets.lines import fit


def title(row: AgentRow, width: int, now: int, *, marked: bool = False) -> Content:
    """`● alice  deck/alice/3  #12 Mend the parser      working 4m`: what gives way first is in the middle."""
    agent, status = row.agent, row.status
    glyph = (f"{GLYPHS[status.state]} ", STYLES[status.state])
    mark, pin = ("*" if marked else " ", "bold $text-accent"), (f" {PIN}" if row.pinned else "", "$text-accent")
    sign, style = clash_sign(row.clashes)
    left = Content.assemble(mark, glyph, (agent.name, "bold"), pin, (f" {sign}" if sign else "", style))
    since = age(now - status.since) if status.since else ""
    right = Content.assemble((f" {word(status)} {since}".rstrip(), STYLES[status.state]), " ")
    if left.cell_length + right.cell_length > width:
        right = Content.assemble((f" {since}", "$foreground-muted"), " ") if since else Content(" ")
    room = width - left.cell_length - right.cell_length
    place = "your terminal" if agent.beside else agent.branch
    middle = [(f"  {place}", "$foreground-muted")] if place else []
    if row.task is not None:
        middle += [(f"  #{row.task.id} ", ""), *_standing(row.task.state), (row.task.title, "")]
    between = fit(middle, room) if room > 6 else Content("")
    gap = " " * max(0, room - between.cell_length)
    return Content.assemble(left, between, gap, right).truncate(width, ellipsis=True)


def foot(row: AgentRow, width: int, note: str = "") -> Content:
    """`42% ctx  1.2M tok  $1.23  +12 −3`, the model on the right; `note` says first what is wrong with the picture."""
    parts: list[tuple[str, str]] = [(f" {wrong} ", "$text-warning") for wrong in (note, row.tree.note) if wrong]
    if row.parked:
        parts.append((f" parked: {row.parked} ", "$text-warning"))
    if row.budget is not None:
        text, style = budget_words(row.budget)
        parts.append((f" {text} ", style))
    if row.delivery is not None:
        parts.append(_outbox(row.delivery))
    if row.clashes:
        parts.append((f" {CLASH} {clash_words(row.clashes)} ", clash_sign(row.clashes)[1]))
    if row.context is not None:
        parts.append((_context(row.context.used_tokens, row.context.window_tokens), ""))
    usage = row.usage
    if usage.messages:
        parts.append((f" {tokens(usage.tokens.total)} tok ", ""))
        parts.append((f" {dollars(usage.cost, usage.unpriced_tokens)} ", ""))
    if row.diff is not None and row.diff.files:
        parts += _diff(row.diff)
    left = Content.assemble(*[part for part in parts if part[0]])
    right = Content.styled(f" {row.agent.model or row.agent.harness} ", "$foreground-muted")
    room = width - left.cell_length - right.cell_length
    if room < 0:
        return left.truncate(width, ellipsis=True)
    return Content.assemble(left, " " * room, right)


def blank(row: AgentRow, width: int) -> Content:
    """What stands in the middle of a tile whose agent ended and whose pane is gone: `ended 13:02 with exit 1 ...`."""
    agent = row.agent
    when = f" {datetime.fromtimestamp(agent.ended / 1000):%a %H:%M}" if agent.ended else ""
    how = f" with exit {agent.exit_code}" if agent.exit_code else ""
    kept = "its checkout is as it was" if agent.here else "its tree, branch and conversation are kept"
    text = Content(f"ended{when}{how}; {kept}").truncate(max(width, 0), ellipsis=True)
    return text.pad_left((width - text.cell_length) // 2)


def _standing(state: str) -> list[tuple[str, str]]:
    """A task whose work is done says so; one that runs needs no word."""
    return [] if state == "running" else [(f"[{state}] ", "bold $text-accent")]


def _diff(diff: Diff) -> list[tuple[str, str]]:
    if not diff.added and not diff.removed:  # empty, binary or only renamed
        return [(f" {diff.files} file{'s' if diff.files > 1 else ''} ", "$text-success")]
    return [(f" +{diff.added}", "$text-success"), (f" −{diff.removed} ", "$text-error")]


def _context(used: int, window: int | None) -> str:
    return f" {100 * used // window}% ctx " if window else f" {tokens(used)} ctx "


def _outbox(note: DeliveryNote) -> tuple[str, str]:
    why = f": {note.reason}" if note.reason else ""
    if note.state in OPEN:
        return f" {note.open} messages wait{why} " if note.open > 1 else f" message waits{why} ", "$text-accent"
    if note.state in ("refused", "uncertain"):
        return f" message {note.state}{why} ", "$text-warning"
    return "", ""
