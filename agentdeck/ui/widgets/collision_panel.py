"""Whose way an agent is in, file by file: conflicts first, then files that two have changed."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from agentdeck.models.clock import age, now_ms
from agentdeck.services.radar.collisions import by_file
from agentdeck.ui.deck_state import DeckState

SHOWN = 60  # files; more are counted


def words(state: DeckState, now: int) -> Content:
    """The whole panel; the focused agent's own lines stand out."""
    collisions = state.fleet.collisions
    if not collisions:
        return Content.assemble(
            ("Nobody is in anybody's way.\n", "bold"),
            ("Told here: files that two agents changed, and work that no longer merges.", "$foreground-muted"),
        )
    names = {row.agent.id: row.agent.name for row in state.fleet.rows}
    mine = state.focused.agent.name if state.focused else ""
    files = by_file(collisions)
    parts: list[Content] = []
    for kind, title, style in (("merge", "does not merge", "$text-error"), ("file", "the same file", "$text-warning")):
        found = [row for row in files if row[1] == kind]
        if found:
            parts.append(Content.styled(f"{title} ({len(found)})", f"bold {style}"))
            for path, _, who, base in found[:SHOWN]:
                parts.append(_line(path, sorted(names.get(one, one) for one in who), base, mine))
            parts += [Content.styled(f" and {len(found) - SHOWN} more", "$foreground-muted")] * (len(found) > SHOWN)
            parts.append(Content(""))
    oldest = min(one.since for one in collisions)
    parts.append(
        Content.styled(f"the oldest for {age(now - oldest)}; `agentdeck collisions` lists them", "$foreground-muted")
    )
    return Content("\n").join(parts)


def _line(path: str, who: list[str], base: str, mine: str) -> Content:
    people = [(name, "bold $text-accent" if name == mine else "") for name in who]
    joined: list[tuple[str, str]] = []
    for person in people:
        joined += [(", ", ""), person] if joined else [person]
    with_base = [(f" with {base}", "$foreground-muted")] if base else []
    return Content.assemble((f" {path}\n", "bold"), ("   ", ""), *joined, *with_base)


class CollisionPanel(Static):
    """Draws what it is given."""

    def show(self, state: DeckState) -> None:
        self.update(words(state, now_ms()))
