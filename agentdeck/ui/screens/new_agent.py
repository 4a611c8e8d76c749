"""A new agent: every field has a default but nothing is made before Create."""

from __future__ import annotations

import re
import shlex
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Checkbox, Input, Label, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from agentdeck.errors import AgentDeckError
from agentdeck.models.agent import NAME, NAME_RULE
from agentdeck.ui.offers import HarnessOffer
from agentdeck.ui.screens.dialog import Dialog


@dataclass(frozen=True, slots=True)
class Wish:
    """What the dialog asks for; the fields are those of the `new` request."""

    name: str
    harness: str
    model: str = ""
    base: str = ""
    prompt: str = ""
    here: bool = False
    args: tuple[str, ...] = ()
    setup: str = "ask"


class Tick(Checkbox):
    """A tick that can be read without colour: Textual's own differs by colour alone."""

    BUTTON_LEFT, BUTTON_INNER, BUTTON_RIGHT = "[", " ", "]"

    def watch_value(self) -> None:
        self.BUTTON_INNER = "x" if self.value else " "
        super().watch_value()


class NewDialog(Dialog[str]):
    """Stays open, with everything typed, until `create` succeeds; dismisses with the agent's name."""

    BINDINGS = [
        Binding("ctrl+s,ctrl+enter", "create", show=False, priority=True),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]
    HEADING = "New agent"
    KEYS = (("Ctrl+S", "create"), ("Tab", "next field"))

    def __init__(
        self, offers: Sequence[HarnessOffer], name: str, where: str, create: Callable[[Wish], Awaitable[object]]
    ) -> None:
        super().__init__(classes="-large")
        self._offers = list(offers)
        self._name = name
        self._where = where
        self._create = create
        self._busy = False

    def heading(self) -> str:
        return f"New agent in {self._where}"

    def body(self) -> ComposeResult:
        with VerticalScroll(id="scroll", can_focus=False):
            yield from self._field("name", Input(self._name, compact=True, id="name"))
            options = (self._option(offer) for offer in self._offers)
            yield from self._field("harness", OptionList(*options, compact=True, id="harness"))
            shell = "the command to run; empty: your shell"
            yield from self._field("command", self._line(shell, "command"))
            yield from self._field("first prompt", TextArea(compact=True, id="prompt"))
            yield from self._field("model", self._line("the harness's own choice", "model"))
            head = "HEAD of your checkout; or a branch, tag or commit"
            yield from self._field("base", self._line(head, "base"))
            here = "here: in your checkout itself, no work tree of its own"
            yield from self._field("", Tick(here, compact=True, id="here"))
        with Horizontal(classes="buttons"):
            yield Button("Create", id="create", compact=True, variant="primary")
            yield Button("Cancel", id="cancel", compact=True)

    def _line(self, placeholder: str, name: str) -> Input:
        """Selecting on focus would come late and take what a quick hand has typed."""
        return Input(placeholder=placeholder, compact=True, select_on_focus=False, id=name)

    def _field(self, label: str, widget: Widget) -> ComposeResult:
        with Horizontal(classes="field", id=f"field-{widget.id}"):
            yield Label(label)
            yield widget

    def _option(self, offer: HarnessOffer) -> Option:
        note = f"not installed: {offer.missing}" if offer.missing else offer.title
        prompt = Content.assemble((f"{offer.name:<9}", "" if offer.missing else "bold"), (note, "$foreground-muted"))
        return Option(prompt, id=offer.name, disabled=bool(offer.missing))

    def on_mount(self) -> None:
        able = [index for index, offer in enumerate(self._offers) if not offer.missing]
        self.query_one("#harness", OptionList).highlighted = able[0] if able else None
        self._suit_harness()

    def _offer(self) -> HarnessOffer | None:
        place = self.query_one("#harness", OptionList).highlighted
        return self._offers[place] if place is not None else None

    @on(OptionList.OptionHighlighted)
    def _suit_harness(self) -> None:
        """A command for those that have none of their own; model and prompt for the others."""
        offer = self._offer()
        own = offer is not None and offer.own_command
        for name, shown in (("command", own), ("prompt", not own), ("model", not own)):
            self.query_one(f"#field-{name}").display = shown

    @on(Input.Submitted)
    @on(OptionList.OptionSelected)
    def _onwards(self) -> None:
        """Enter is the next field, never Create: a wish half filled in makes nothing."""
        self.focus_next()

    @on(Input.Changed, "#name")
    def _judge_name(self, event: Input.Changed) -> None:
        fine = not event.value or NAME.match(event.value)
        self.say("" if fine else f"a name is {NAME_RULE}")

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "create":
            self.action_create()
        else:
            self.action_cancel()

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def wish(self) -> Wish | None:
        """What the fields say, or None after showing what is wrong with them."""
        offer = self._offer()
        if offer is None:
            self.say("no harness can be started here", "Install one of those listed; builtin needs only its key.")
            return None
        if not NAME.match(self._value("name")):
            self.say(f"a name is {NAME_RULE}")
            self.query_one("#name").focus()
            return None
        try:
            args = tuple(shlex.split(self._value("command"))) if offer.own_command else ()
        except ValueError as error:
            self.say(f"the command cannot be read: {error}", "Quotes must be closed.")
            return None
        prompt = "" if offer.own_command else self.query_one("#prompt", TextArea).text.strip()
        model = "" if offer.own_command else self._value("model")
        here = self.query_one("#here", Checkbox).value
        return Wish(self._value("name"), offer.name, model, self._value("base"), prompt, here, args)

    def action_create(self) -> None:
        self.after_typing(self._start)

    def _start(self) -> None:
        wish = None if self._busy else self.wish()
        if wish is not None:
            self._busy = True
            # owned by the app: closing the dialog must not cut off a birth half-way
            self.app.run_worker(self._make(wish), group="new", description=f"new {wish.name}")

    async def _make(self, wish: Wish) -> None:
        self.say(f"making {wish.name}…", style="$foreground-muted")
        try:
            await self._create_with_setup(wish)
        except AgentDeckError as error:
            if self.is_attached:
                self.say(error.title, error.hint)
            else:
                self.app.notify(error.hint or error.title, title=error.title, severity="error", markup=False)
        finally:
            self._busy = False

    async def _create_with_setup(self, wish: Wish) -> None:
        """Create; when the repository's set-up command has never been approved, show it and ask."""
        try:
            await self._create(wish)
        except AgentDeckError as error:
            if wish.setup != "ask" or "--setup" not in error.hint:
                raise
            choice = await self.app.push_screen_wait(SetupDialog(error.title))
            if choice is None:
                self.say("nothing was made")
                return
            await self._create(replace(wish, setup=approval(error.hint) if choice == "approve" else choice))
        if self.is_current:
            self.dismiss(wish.name)


def approval(hint: str) -> str:
    """`approve:DIGEST` of the text that was shown: the repository may have another one by the time it runs."""
    found = re.search(r"approve:[0-9a-f]+", hint)
    return found[0] if found else "ask"


class SetupDialog(Dialog[str]):
    """`approve` or `skip`: a repository's own command runs only after a human has read it."""

    BINDINGS = [Binding("y", "choose('approve')", show=False), Binding("s", "choose('skip')", show=False)]
    HEADING = "Run the repository's set-up command?"
    KEYS = (("y", "approve and run it"), ("s", "do without it"))

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def body(self) -> ComposeResult:
        yield Static(
            f"{self._text}\n\nApproving holds for this very text, in every new work tree.", markup=False, id="text"
        )

    def action_choose(self, choice: str) -> None:
        self.dismiss(choice)
