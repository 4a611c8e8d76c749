"""What a ledger keeps through torn lines, and what init writes about the contract."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from agentdeck.research import contract, ledger, template


@pytest.mark.parametrize("filler", [0, ledger.LONG])
def test_a_torn_line_takes_no_other_with_it_in_a_short_ledger_and_in_a_long_one(tmp_path: Path, filler: int) -> None:
    file = tmp_path / "ledger.jsonl"
    ledger.append(file, "begun", words="ä" + "x" * filler)
    with open(file, "ab") as torn:
        torn.write(b'{"event": "decided", "id": "e00\xff')
    ledger.append(file, "opened")
    with open(file, "ab") as torn:
        torn.write(b'\n[]\nnull\n{"event": 3}\n{"event": "not yet whole"')
    reader = ledger.Reader(file)
    assert [entry["event"] for entry in reader.new()] == ["begun", "opened"]
    ledger.append(file, "ended", why="x")
    assert [entry["event"] for entry in reader.new()] == ["ended"]


def test_an_entry_that_cannot_be_written_leaves_the_ledger_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ledger.jsonl"
    ledger.append(file, "begun")
    before, real = file.read_bytes(), ledger.os.write

    def full(fd: int, data: bytes) -> int:
        if len(data) < 20:
            raise OSError(28, "No space left on device")
        return real(fd, data[:10])

    with monkeypatch.context() as patch, pytest.raises(ledger.Unwritable, match="No space left on device"):
        patch.setattr(ledger.os, "write", full)
        ledger.append(file, "decided", id="e0001")
    assert file.read_bytes() == before


def test_init_writes_every_key_of_a_contract() -> None:
    tables = (
        contract.Contract, contract.Metric, contract.Budget, contract.Limits, contract.Constraint, contract.Noise,
        contract.Proposer, contract.Stop,
    )  # fmt: skip
    names = {field.name for table in tables for field in dataclasses.fields(table)}
    assert sorted(name for name in names if name not in template.TEXT) == []
