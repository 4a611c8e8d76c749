"""Programs that propose: our own agent on a scripted model; and what is made of a proposal that costs or repeats."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentdeck.demo.server import ScriptedModel
from agentdeck.errors import AgentDeckError
from agentdeck.research import follow
from tests import labs

# Each line more is better, so that each edit of the scripted model is kept.
LINES = "print('loss:', 100 - len(open('train.py').readlines()))\n# end\n"
GOAL = (
    "# Goal\n\n::read train.py ::edit train.py := # end => # more\\n# end "
    "::say HYPOTHESIS: a line more\n\nThat is all.\n"
)


def with_proposer(text: str, experiments: int = 1) -> str:
    contract = labs.CONTRACT.replace('kind = "random"', text)
    return contract.replace("experiments = 5", f"experiments = {experiments}")


def test_the_built_in_agent_proposes_on_any_server_of_that_protocol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedModel() as model:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", model.url)
        monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
        contract = with_proposer('kind = "harness"\nharness = "builtin"')
        place = labs.run(labs.lab(tmp_path / "lab", contract, **{"train.py": LINES, "program.md": GOAL}))
    found = labs.experiments(place)[1]
    assert (found.outcome, found.value, found.hypothesis) == ("keep", 97.0, "a line more")


def test_a_proposer_that_repeats_itself_slows_down_and_then_asks(tmp_path: Path) -> None:
    contract = with_proposer('kind = "command"\npatience = 3\ncommand = "sed -i s/8.0/9.0/ train.py"', 50)
    repo = labs.lab(tmp_path / "lab", contract)
    with pytest.raises(AgentDeckError, match="3 proposals in a row could not be tried"):
        labs.run(repo)


def test_a_harness_that_needs_a_terminal_is_refused_at_once(tmp_path: Path) -> None:
    contract = with_proposer('kind = "harness"\nharness = "shell"')
    with pytest.raises(AgentDeckError, match="shell cannot work without a terminal"):
        labs.run(labs.lab(tmp_path / "lab", contract))


def test_a_proposer_that_hangs_is_ended(tmp_path: Path) -> None:
    contract = with_proposer('kind = "command"\nseconds = 0.5\ncommand = "sleep 60"')
    found = labs.experiments(labs.run(labs.lab(tmp_path / "lab", contract)))[1]
    assert found.outcome == "failed" and "hard limit" in found.reason


def test_a_proposer_is_followed_in_words_to_what_came_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = "echo I look; sed -i s/8.0/7.0/ train.py; echo HYPOTHESIS: nearer"
    place = labs.run(labs.lab(tmp_path / "lab", with_proposer(f'kind = "command"\ncommand = "{command}"')))
    capsys.readouterr()
    follow.follow(place)
    told = capsys.readouterr().out.splitlines()
    assert told[1:4] == ["I look", "HYPOTHESIS: nearer", "-> nearer"] and told[4].startswith("-> keep 7:")
    assert follow.text(place, labs.experiments(place)[1]).splitlines() == told
