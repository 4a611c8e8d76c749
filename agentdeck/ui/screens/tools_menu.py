"""What can be opened beside an agent, one letter each; what cannot be now is grey and says why."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.events import Key
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from agentdeck.config import Config, Place
from agentdeck.services.fleet import AgentRow
from agentdeck.services.tools import places
from agentdeck.ui.actions import show_key
from agentdeck.ui.screens.dialog import Dialog
from agentdeck.ui.toolbox import DIFF, EDITOR, SHELLS, Toolbox

LABELS: dict[Place, str] = {
    "popup": "popup", "window": "window", "os": "OS window", "tile": "tile", "fullscreen": "full screen",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """`id` is shell:PLACE, tool:NAME or an action's id; with `why` it cannot be chosen now."""

    id: str
    letter: str
    label: str
    note: str
    why: str = ""


def entries(box: Toolbox, settings: Config) -> list[tuple[str, list[Entry]]]:
    """The menu by sections."""
    usual = places.choose(settings.terminal.where, box.around)
    shells = [_shell(place, letter, box, usual) for place, letter in SHELLS.items()]  # type: ignore[arg-type]
    programs = [
        Entry("editor", EDITOR, "editor", shlex.join(box.editor), box.no_editor),
        Entry("diff", DIFF, "diff", "what the agent has changed since its merge base"),
    ]
    tools = [
        Entry(f"tool:{tool.name}", box.letters[tool.name], tool.name, _note(tool.key, tool.command, tool.where),
              box.missing.get(tool.name, ""))
        for tool in box.tools
    ]  # fmt: skip
    return [("a shell in the work tree", shells), ("programs", [*programs, *tools])]


def _shell(place: Place, letter: str, box: Toolbox, usual: Place) -> Entry:
    name = f" ({box.around.emulator.name})" if place == "os" and box.around.emulator else ""
    note = places.WORDS[place] + name + ("  = t" if place == usual else "")
    return Entry(f"shell:{place}", letter, LABELS[place], note, places.why_not(place, box.around))


def _note(key: str, command: Sequence[str], where: Place) -> str:
    parts = [
        shlex.join(command),
        "" if where == "auto" else f"in {places.WORDS[where]}",
        f"= {show_key(key)}" if key else "",
    ]
    return "  ".join(part for part in parts if part)


class ToolsMenu(Dialog[str]):
    """Dismisses with an entry's id."""

    KEYS = (("letter", "open"), ("↑ ↓ Enter", "choose"))

    def __init__(self, row: AgentRow, sections: Sequence[tuple[str, Sequence[Entry]]]) -> None:
        super().__init__()
        self._row = row
        self._sections = sections

    def heading(self) -> str:
        return f"Open beside {self._row.agent.name}"

    def body(self) -> ComposeResult:
        yield OptionList(*self._options(), compact=True, id="choices")

    def _options(self) -> list[Option]:
        made: list[Option] = []
        for title, found in self._sections:
            made.append(Option(Content.styled(title, "bold $text-secondary"), disabled=True))
            made += [Option(self._prompt(entry), id=entry.id, disabled=bool(entry.why)) for entry in found]
        return made

    def _prompt(self, entry: Entry) -> Content:
        if entry.why:
            return Content.styled(f"  {entry.letter:<2} {entry.label:<12} {entry.why}", "$foreground-muted")
        return Content.assemble(
            (f"  {entry.letter:<2} ", "bold $text-accent"),
            (f"{entry.label:<12} ", "bold"),
            (entry.note, "$foreground-muted"),
        )

    def on_key(self, event: Key) -> None:
        entry = next(
            (e for _, found in self._sections for e in found if e.letter and e.letter == event.character), None
        )
        if entry is None:
            return
        event.stop()
        event.prevent_default()
        if entry.why:
            self.say(f"{entry.label}: {entry.why}")
        else:
            self.dismiss(entry.id)

    @on(OptionList.OptionSelected)
    def chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)
