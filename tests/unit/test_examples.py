"""Every example file is one that the deck takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentdeck.demo.sample_files import FILES
from agentdeck.services.queue import specs

EXAMPLES = Path(__file__).parents[2] / "examples" / "specs"
TEXTS = {file.name: file.read_text() for file in EXAMPLES.iterdir()} | {
    path: text for path, text in FILES.items() if path.startswith("specs/")
}


def test_there_are_examples_and_the_demo_has_four() -> None:
    assert len(TEXTS) >= 7
    assert sum(path.startswith("specs/") for path in TEXTS) == 4


@pytest.mark.parametrize("name", TEXTS)
def test_a_spec_is_read_and_its_front_matter_is_not_delivered(name: str) -> None:
    spec = specs.parse(TEXTS[name], name)
    assert spec.title
    assert spec.body.startswith(f"# {spec.title}")
