from __future__ import annotations

import json
from pathlib import Path

import pytest

from agentdeck.demo.rules import Rule, Scenario, from_json, load
from agentdeck.demo.script import Call, Fail, Step
from agentdeck.errors import UsageError


def test_the_prompt_s_own_script_wins_over_rules() -> None:
    scenario = Scenario(rules=(Rule("hello", (Step(say="from the rule"),)),))
    assert scenario.step("hello", 0).say == "from the rule"
    assert scenario.step("hello ::say from the prompt", 0).say == "from the prompt"
    assert "no script" in scenario.step("something else", 0).say


def test_a_loop_follows_the_steps_and_counts_its_rounds() -> None:
    first, turn, commit = (
        Step(say="First"),
        Step(say="Round $round"),
        Step(calls=(Call("bash", ("echo $round $HOME",)),)),
    )
    scenario = Scenario(rules=(Rule("work", (first,), loop=(turn, commit)),))
    said = [scenario.step("work", taken).say for taken in range(6)]
    assert said == ["First", "Round 1", "", "Round 2", "", "Round 3"]
    assert scenario.step("work", 4).calls == (Call("bash", ("echo 2 $HOME",)),)
    assert scenario.step("work", 4) == scenario.step("work", 4)


def test_steps_take_the_scenario_s_pace_unless_they_have_their_own() -> None:
    scenario = Scenario(rules=(Rule("a", (Step(say="x", wait=0.0), Step(say="y"))),), wait=3, slow=2)
    assert (scenario.step("a", 0).wait, scenario.step("a", 0).slow) == (0.0, 2)
    assert (scenario.step("a", 1).wait, scenario.step("a", 1).slow) == (3, 2)


def test_json_gives_the_same_scenario(tmp_path: Path) -> None:
    file = tmp_path / "scenario.json"
    file.write_text(
        json.dumps(
            {
                "rules": [
                    {
                        "match": "^fix",
                        "steps": ["::say Looking ::bash ls", {"say": "Both", "calls": [["bash", "a"], ["read", "b"]]}],
                        "loop": [{"say": "again", "fail": {"status": 429, "times": 2}, "slow": 1}],
                    }
                ],
                "default": ["::say What?"],
                "slow": 0.5,
            }
        )
    )
    scenario = load(file)
    assert scenario.step("Fix it", 0) == Step(say="Looking", calls=(Call("bash", ("ls",)),), wait=0, slow=0.5)
    assert scenario.step("Fix it", 1).calls == (Call("bash", ("a",)), Call("read", ("b",)))
    assert scenario.step("Fix it", 7).fail == Fail(429, 2)
    assert scenario.step("else", 0).say == "What?"


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ({"rulez": []}, "rulez"),
        ({"rules": [{"match": "a", "step": []}]}, "step"),
        ({"default": [{"says": "x"}]}, "says"),
        ({"default": [{"calls": [["fly", "x"]]}]}, "fly"),
    ],
)
def test_an_unknown_key_is_named(data: dict[str, object], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        from_json(data)


def test_a_broken_file_is_an_error_with_its_path(tmp_path: Path) -> None:
    file = tmp_path / "broken.json"
    file.write_text('{"rules": [{"match": "("}]}')
    with pytest.raises(UsageError, match=r"broken\.json"):
        load(file)
