"""What a waiting agent asks, in full, and the keys that answer it. Enter never allows."""

from __future__ import annotations

from collections.abc import Callable

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from agentdeck.models.status import Ask, Status
from agentdeck.services.fleet import AgentRow
from agentdeck.ui.clicks import does
from agentdeck.ui.screens.dialog import Dialog


def headline(ask: Ask) -> str:
    """What is asked in one line; a tool by its name alone when its input stands in full below."""
    mark, _, subject = ask.text.partition(": ")
    return f"{ask.tool} wants to run:" if mark == ask.tool and subject and subject in ask.detail else ask.text


def question(row: AgentRow, answered_here: bool = True) -> Content:
    """What an agent asks, in full, with the options that can be chosen by a number."""
    ask = row.status.ask
    if ask is None:
        lead = (
            "It waits for you, but what it asks is only on its screen.\n" if row.status.state == "needs_input" else ""
        )
        more = "Esc, then Enter zooms in on it." if lead and not answered_here else ""
        return Content.assemble((lead, "bold"), (f"{row.status.why}\n\n", "$foreground-muted"), more)
    parts: list[Content | tuple[str, str] | str] = [(headline(ask) + "\n", "bold")]
    if ask.tool and ask.tool not in headline(ask):
        parts.append(Content.assemble(("\ntool  ", "$foreground-muted"), (ask.tool, "bold $text-warning"), "\n"))
    if ask.detail:
        parts.append(Content(f"\n{ask.detail}\n"))
    for number, option in enumerate(ask.options, 1):
        parts += ["\n", does(Content.assemble((f" {number} ", "bold $text-accent"), option), str(number))]
    if not answered_here:
        parts.append(("\nThis one is answered on its own screen: Esc, then Enter zooms in.", "$foreground-muted"))
    return Content.assemble(*parts)


def worded(status: Status, text: str) -> str:
    """An answer in words: a permission is denied by it, and the agent hears why."""
    return f"deny: {text}" if status.reason == "permission" else text


class AnswerDialog(Dialog[str]):
    """Dismisses with `allow`, `deny`, the digit of an option or a text.

    `current` gives the agent's status now: when the question is another one than that on
    screen, no key answers any more.
    """

    BINDINGS = [
        Binding("y", "answer('allow')", show=False),
        Binding("n", "answer('deny')", show=False),
        Binding("t", "write", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("pageup", "scroll(-10)", show=False),
        Binding("pagedown,space", "scroll(10)", show=False),
        *(Binding(str(number), f"option({number})", show=False) for number in range(1, 10)),
    ]
    AUTO_FOCUS = ""

    def __init__(self, row: AgentRow, current: Callable[[], Status | None]) -> None:
        super().__init__()
        self._row = row
        self._ask = row.status.ask
        self._current = current
        self.KEYS = self._keys()

    def _keys(self) -> tuple[tuple[str, str], ...]:
        kind = self._row.status.reason or (self._ask.kind if self._ask else "")
        if kind == "dialog":
            return ()
        options = (("1-9", "choose"),) if self._ask and self._ask.options else ()
        if kind == "question":
            return (*options, ("t", "write an answer"))
        return (("y", "allow once"), ("n", "deny"), *options, ("t", "deny and say why"))

    def heading(self) -> str:
        return f"{self._row.agent.name} asks"

    def body(self) -> ComposeResult:
        with VerticalScroll(id="scroll", can_focus=False):
            yield Static(question(self._row, bool(self.KEYS)), id="text")
        yield Input(placeholder="an answer in your own words; Enter sends it", compact=True, id="line")

    def _still_asked(self) -> bool:
        now = self._current()
        if (
            now is not None
            and now.state == "needs_input"
            and now.ask == self._ask
            and now.since == self._row.status.since
        ):
            return True
        self.say("The question has changed or is answered already.", "Esc, then look again: nothing was sent.")
        return False

    def _able(self, key: str) -> bool:
        return any(key == shown for shown, _ in self.KEYS)

    def action_answer(self, answer: str) -> None:
        if self._able("y" if answer == "allow" else "n") and self._still_asked():
            self.dismiss(answer)

    def action_option(self, number: int) -> None:
        if self._ask and number <= len(self._ask.options) and self._able("1-9") and self._still_asked():
            self.dismiss(str(number))

    def action_write(self) -> None:
        if self._able("t"):
            line = self.query_one(Input)
            line.add_class("-shown")
            line.focus()

    def action_scroll(self, lines: int) -> None:
        self.query_one("#scroll", VerticalScroll).scroll_relative(y=lines, animate=False)

    @on(Input.Submitted)
    def written(self, event: Input.Submitted) -> None:
        if event.value.strip() and self._still_asked():
            self.dismiss(worded(self._row.status, event.value.strip()))
