"""What the dialogs offer."""

from __future__ import annotations

from pathlib import Path

from agentdeck.models.status import Ask
from agentdeck.ui.offers import specs
from agentdeck.ui.screens.answer import headline
from agentdeck.ui.screens.new_agent import approval


def test_a_spec_is_shown_as_the_agent_gets_it_with_its_settings_apart(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "a.md").write_text("---\ntitle: Mend it\nverify: make test\n---\n\nThe parser is broken.\n")
    (tmp_path / "specs" / "b.md").write_text("# Only words\n\nDo this.\n")
    first, second = specs(tmp_path)
    assert first.settings == "title: Mend it\nverify: make test"
    assert first.text.strip() == "The parser is broken."
    assert second.settings == "" and second.text.startswith("# Only words")


def test_a_tools_input_is_shown_once() -> None:
    assert headline(Ask("bash: rm -r x", "permission", "bash", "command: rm -r x")) == "bash wants to run:"
    assert headline(Ask("Which colour?", "question", "ask", "question: Which colour?")) == "Which colour?"
    assert headline(Ask("Do you trust it?", "dialog", "", "yes or no")) == "Do you trust it?"


def test_an_approval_names_what_was_read() -> None:
    assert approval("Read it, then use --setup approve:12ab34 (or --setup skip).") == "approve:12ab34"
    assert approval("Read it.") == "ask"
