"""The repository's specs: type to find one, read it, Enter hands it to the agent."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.fuzzy import Matcher
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from agentdeck.ui.offers import SpecOffer
from agentdeck.ui.screens.choosing import ARROWS
from agentdeck.ui.screens.dialog import Dialog


def ranked(offers: Sequence[SpecOffer], text: str) -> list[SpecOffer]:
    """Those whose title or file name matches, best first; all in their own order for no text."""
    if not text.strip():
        return list(offers)
    matcher = Matcher(text)
    scored = [(max(matcher.match(offer.title), matcher.match(offer.path.name)), offer) for offer in offers]
    return [offer for score, offer in sorted(scored, key=lambda pair: -pair[0]) if score > 0]


class SpecPicker(Dialog[SpecOffer]):
    FORGETS = False
    BINDINGS = [
        *ARROWS,
        Binding("pagedown", "scroll(8)", show=False, priority=True),
        Binding("pageup", "scroll(-8)", show=False, priority=True),
    ]

    def __init__(self, offers: Sequence[SpecOffer], agent: str, where: str) -> None:
        super().__init__(classes="-large")
        self._offers = list(offers)
        self._listed: list[SpecOffer] = []
        self._agent = agent
        self._where = where
        self.KEYS = (("Enter", f"hand it to {agent}"), ("↑ ↓", "choose"), ("PgUp PgDn", "read"))

    def heading(self) -> str:
        return f"Specs of {self._where} for {self._agent}"

    def body(self) -> ComposeResult:
        yield Input(placeholder="find", compact=True, id="line")
        with Horizontal(id="columns"):
            yield OptionList(compact=True, id="choices")
            with VerticalScroll(id="preview", can_focus=False):
                yield Static(id="text", markup=False)

    def on_mount(self) -> None:
        self._list("")
        if not self._offers:
            self.say(
                "there is no spec yet", "Write one as specs/NAME.md in the repository; S sends a task of one line."
            )

    def _list(self, text: str) -> None:
        choices = self.query_one("#choices", OptionList)
        self._listed = ranked(self._offers, text)
        choices.clear_options()
        choices.add_options(self._option(offer) for offer in self._listed)
        choices.highlighted = 0 if self._listed else None
        self._preview()

    def _option(self, offer: SpecOffer) -> Option:
        mark = ("✗ ", "$text-error") if offer.problem else ("", "")
        return Option(Content.assemble(mark, offer.title, (f"\n  {offer.path.name}", "$foreground-muted")))

    def _highlighted(self) -> SpecOffer | None:
        place = self.query_one("#choices", OptionList).highlighted
        return self._listed[place] if place is not None and place < len(self._listed) else None

    @on(OptionList.OptionHighlighted)
    def _preview(self) -> None:
        offer = self._highlighted()
        text = Content("no spec matches" if self._offers else "")
        if offer is not None:
            problem = (f"{offer.problem}\n\n", "bold $text-error") if offer.problem else ("", "")
            settings = (f"{offer.settings}\n\n" if offer.settings else "", "$foreground-muted")
            text = Content.assemble(problem, settings, offer.text)
        self.query_one("#text", Static).update(text)
        self.query_one("#preview", VerticalScroll).scroll_home(animate=False)

    @on(Input.Changed)
    def _narrow(self, event: Input.Changed) -> None:
        self._list(event.value)

    def action_scroll(self, lines: int) -> None:
        self.query_one("#preview", VerticalScroll).scroll_relative(y=lines, animate=False)

    @on(Input.Submitted)
    @on(OptionList.OptionSelected)
    def _choose(self) -> None:
        offer = self._highlighted()
        if offer is None:
            return
        if offer.problem:
            self.say("this spec cannot be handed out", offer.problem)
        else:
            self.dismiss(offer)
