"""The examples are what they say: each contract is read, each runs, and the steps of `speed` are kept or refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from agentdeck.research import contract, proposers
from tests import labs

EXAMPLES = Path("examples/research").resolve()


@pytest.mark.parametrize("name", ["tinybyte", "speed"])
def test_a_contract_of_the_examples_is_read_and_its_script_applies_to_its_files(name: str, tmp_path: Path) -> None:
    read, _ = contract.read(EXAMPLES / name / contract.FILE)
    copy = tmp_path / "copy"
    shutil.copytree(EXAMPLES / name, copy)
    script = (copy / read.proposer.script).read_text()
    steps = proposers.steps(script)
    assert [proposers.scripted(script, n, copy).hypothesis for n in range(len(steps))]


def test_what_init_writes_is_a_contract(tmp_path: Path) -> None:
    from agentdeck.research import template

    (tmp_path / contract.FILE).write_text(template.TEXT)
    assert contract.read(tmp_path / contract.FILE)[0].noise.policy == "confirm"


def test_speed_keeps_what_is_faster_and_refuses_what_is_wrong(tmp_path: Path) -> None:
    repo = tmp_path / "speed"
    shutil.copytree(EXAMPLES / "speed", repo)
    contract_file = repo / contract.FILE
    contract_file.write_text(contract_file.read_text().replace('policy = "confirm"', 'policy = "fast"'))
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "speed")):
        labs.git(repo, *words)
    found = labs.experiments(labs.run(repo, "speed"))
    assert [each.outcome for each in found[:4]] == ["baseline", "keep", "crash", "keep"], found
    assert (found[3].value or 1) < (found[0].value or 0) / 10
