"""Real clients propose experiments, without a terminal, on scripted models; what they use is their loop's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import pytest

from agentdeck.demo.server import ScriptedModel
from tests import labs
from tests.integration.research.test_proposers import GOAL, LINES, with_proposer
from tests.real import client, others
from tests.real.deck import Deck
from tests.real.dialects import Dialects
from tests.waiting import wait_for

EDIT = {"path": "train.py", "old": "# end", "new": "# more\n# end"}
GOALS = {
    "builtin": GOAL,
    "claude": GOAL,
    "codex": "# Goal\n\n::bash sed -i 's/^# end/# more\\n# end/' train.py ::say HYPOTHESIS: a line more\n",
    "gemini": "# Goal\n\n::call replace "
    + json.dumps({"file_path": "train.py", "old_string": EDIT["old"], "new_string": EDIT["new"], "instruction": "more"})
    + " ::say HYPOTHESIS: a line more\n",
    "opencode": '# Goal\n\n::call read {"filePath": "train.py"} ::call edit '
    + json.dumps({"filePath": "train.py", "oldString": EDIT["old"], "newString": EDIT["new"]})
    + " ::say HYPOTHESIS: a line more\n",
}
MODELS = {"gemini": "gemini-2.5-pro", "codex": "gpt-5.5"}


@dataclass(frozen=True)
class Place:
    """A deck in which `name` proposes, and the model that counts what it hands out."""

    name: str
    deck: Deck
    model: ScriptedModel | Dialects

    @property
    def handed(self) -> int:
        """Tokens of all classes that the model has handed out to the proposers."""
        if isinstance(self.model, Dialects):
            return sum(one.input + one.read + one.output for one in self.model.handed if one.prompt)
        return sum(sum(astuple(one.usage)) for one in self.model.requests if not one.side)


@pytest.fixture(
    params=[
        "builtin", "claude", "codex",
        pytest.param("gemini", marks=pytest.mark.allclients), pytest.param("opencode", marks=pytest.mark.allclients),
    ]
)  # fmt: skip
def place(request: pytest.FixtureRequest, own_machine: Path, tmp_path: Path) -> Iterator[Place]:
    name = request.param
    home = own_machine / "home"
    with ExitStack() as stack:
        model = stack.enter_context(ScriptedModel() if name in ("builtin", "claude") else Dialects())
        binary, reason = client.install("claude" if name == "builtin" else name)
        if binary is None:
            pytest.skip(reason)
        named = f'\nmodel = "{MODELS[name]}"' if name in MODELS else ""
        contract = with_proposer(f'kind = "harness"\nharness = "{name}"{named}', 3)
        repo = labs.lab(tmp_path / "lab", contract, **{"train.py": LINES, "program.md": GOALS[name]})
        if name in ("builtin", "claude"):
            client.seed_home(home, repo)
            environ = client.environment(binary, home, model.url)
        else:
            others.seed(name, home, model.url, repo)
            environ = others.environment(name, binary, home, model.url)
        deck = Deck(repo, {**environ, **_kept(own_machine)})
        yield Place(name, deck, model)
        deck.start("halt")


def _kept(machine: Path) -> dict[str, str]:
    import os

    names = ("DECK_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM")
    return {name: os.environ[name] for name in names if name in os.environ}


def test_three_proposals_of_a_client_are_kept_and_counted_as_the_loops(place: Place) -> None:
    deck = place.deck
    deck.run("research", "start", ".", "--name", "lab")

    def standing() -> dict[str, Any]:
        told = deck.json("research", "status", "lab")
        assert told["state"] != "blocked", deck.run("research", "ledger", "lab")
        return told if told["state"] == "ended" else {}

    told = wait_for(standing, 90, "the end of the loop", interval=0.3)
    rows = deck.json("research", "ledger", "lab")[1:]
    assert [row["outcome"] for row in rows] == ["keep"] * 3, [row["reason"] for row in rows]
    assert {row["hypothesis"] for row in rows} == {"a line more"}
    assert told["tokens"] == place.handed > 0
    assert place.name == "opencode" or all(row["cost_usd"] > 0 for row in rows)

    def counted() -> bool:
        usage = deck.row("lab")["usage"]
        return sum(usage[key] for key in usage if key.endswith("_tokens") and key != "reasoning_tokens") == place.handed

    wait_for(counted, 20, "the usage of the proposals as the loop's")
