"""Tokens and cost of the focused agent: by class, by model, by session, over time."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from agentdeck.models.clock import age, now_ms
from agentdeck.services.fleet import AgentRow, UsageSum
from agentdeck.services.trees.disk import size
from agentdeck.services.usage.stats import AgentStats
from agentdeck.ui.badges import dollars, tokens
from agentdeck.ui.widgets.meters import spark

CLASSES = (
    ("input", "uncached input"),
    ("cache_read", "cache read"),
    ("cache_write_5m", "cache write 5m"),
    ("cache_write_1h", "cache write 1h"),
    ("output", "output"),
    ("reasoning", "  of it reasoning"),
)


def _row(label: str, count: int) -> Content:
    return Content.assemble((f"{label:<17}", "$foreground-muted"), f"{count:>13,}\n")


def _head(text: str) -> Content:
    return Content.styled(f"\n{text}\n", "bold $text-secondary")


def _cost(usage: UsageSum) -> str:
    return dollars(usage.cost, usage.unpriced_tokens)


def words(row: AgentRow, stats: AgentStats, now: int) -> Content:
    """The whole panel as text; numbers in full, since this is where one looks them up."""
    usage = row.usage
    parts = [
        Content.styled(f"{row.agent.name}\n", "bold"),
        Content.assemble((_cost(usage), "bold $text-success"), f"  {usage.messages:,} messages\n"),
        Content.assemble((f"{'total tokens':<17}", "bold"), (f"{usage.tokens.total:>13,}\n", "bold")),
        *(_row(label, getattr(usage.tokens, name)) for name, label in CLASSES),
    ]
    if usage.unpriced_tokens:
        parts.append(Content.styled(f"{usage.unpriced_tokens:,} tokens have no known price\n", "$text-warning"))
    if row.context:
        window = row.context.window_tokens
        share = f" {row.context.used_tokens * 100 // window}% of {tokens(window)}" if window else ""
        parts += [_head("context"), Content(f"{row.context.used_tokens:,} tokens{share}\n")]
    if row.disk:
        parts += [_head("worktree"), Content(f"{size(row.disk.bytes)} on disk, {age(now - row.disk.at)} ago\n")]
    if stats.by_model:
        parts.append(_head("by model"))
        parts += [
            Content(f"{name[:20]:<20} {tokens(one.tokens.total):>7} {_cost(one):>9}\n") for name, one in stats.by_model
        ]
    if stats.sessions:
        parts.append(_head("sessions"))
        for one in stats.sessions:
            when = f"{age(now - one.last)} ago" if one.last else "nothing yet"
            parts.append(
                Content(f"{one.session[:8]:<9}{when:<11} {tokens(one.usage.tokens.total):>7} {_cost(one.usage):>9}\n")
            )
    line = spark(stats.quarters)
    if line:
        parts += [_head(f"tokens, last {len(stats.quarters) // 4} hours"), Content.styled(line + "\n", "$text-accent")]
    return Content("").join(parts)


class UsagePanel(Static):
    """Draws what it is given; who fetches it is the deck's matter."""

    def show(self, row: AgentRow | None, stats: AgentStats) -> None:
        if row is None:
            self.update(Content.styled("no agent is focused", "$foreground-muted"))
        else:
            self.update(words(row, stats, now_ms()))
