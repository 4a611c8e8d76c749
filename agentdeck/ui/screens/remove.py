"""What would go with the agents that are to be removed, path by path, before a key that is not Enter."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from agentdeck.errors import AgentDeckError
from agentdeck.ui.screens.dialog import Dialog

if TYPE_CHECKING:
    from agentdeck.services.trees.loss_report import Report

SHOWN = 500  # lines an agent; `agentdeck rm NAME` prints all
GONE = "It goes to the trash with all of this. z brings it back."


class RemoveDialog(Dialog["list[Report]"]):
    """Dismisses with the reports that were shown and agreed to; `y` works only once they are there."""

    BINDINGS = [
        Binding("y", "yes", show=False),
        Binding("n", "cancel", show=False),
        Binding("j,down", "scroll(1)", show=False),
        Binding("k,up", "scroll(-1)", show=False),
        Binding("pagedown,space", "scroll(15)", show=False),
        Binding("pageup", "scroll(-15)", show=False),
    ]
    KEYS = (("y", "remove"), ("n", "keep"), ("↑ ↓", "read"))
    AUTO_FOCUS = ""

    def __init__(self, names: Sequence[str], look: Callable[[], Awaitable[list[Report]]], note: str = "") -> None:
        super().__init__(classes="-large")
        self._names = names
        self._look = look
        self._note = note
        self._reports: list[Report] = []

    def heading(self) -> str:
        return f"Remove {', '.join(self._names)}?"

    def body(self) -> ComposeResult:
        with VerticalScroll(id="scroll", can_focus=False):
            yield Static("Looking at what would go …", id="text")

    def on_mount(self) -> None:
        if self._note:
            self.say(self._note, style="$text-warning")
        self.run_worker(self._load(), description="loss report")

    async def _load(self) -> None:
        try:
            self._reports = await self._look()
        except AgentDeckError as error:
            self.say(error.title, error.hint)
            return
        text = Content("\n\n").join(told(report) for report in self._reports)
        self.query_one("#text", Static).update(text)
        self.call_after_refresh(self.fit)
        if not self._free:
            self.say("It cannot be removed now.", self._reports[0].hint if self._reports else "")

    @property
    def _free(self) -> list[Report]:
        return [report for report in self._reports if not report.refusal]

    def action_yes(self) -> None:
        if self._free:
            self.dismiss(self._free)

    def action_scroll(self, lines: int) -> None:
        self.query_one("#scroll", VerticalScroll).scroll_relative(y=lines, animate=False)


def told(report: Report) -> Content:
    """One agent's report."""
    parts: list[Content | tuple[str, str] | str] = [(report.agent.name, "bold")]
    summary = report.summary()
    parts += [(f"  {summary}", "bold $text-warning") if summary else "", "\n"]
    if not report.agent.here:
        branch = f"  (branch {report.head.branch})" if report.head.branch else ""
        parts += [(f"{report.place or report.agent.worktree}{branch}\n", "$foreground-muted")]
    parts += [(f"{note}\n", "$text-error" if report.refusal else "$foreground") for note in report.notes()]
    items = report.items()
    for word, item, size in items[:SHOWN]:
        parts += [(f"{word:>15}  ", "$text-warning"), item, (f"  {size}" if size else "", "$foreground-muted"), "\n"]
    if len(items) > SHOWN:
        parts += [(f"and {len(items) - SHOWN} more: agentdeck rm {report.agent.name} prints all\n", "$text-warning")]
    if not (report.refusal or report.stays or report.agent.here):
        parts += [(GONE, "$foreground-muted")]
    return Content.assemble(*parts)
