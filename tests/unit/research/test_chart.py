"""The picture of a loop: what is drawn of kept, discarded, crashed ones, of outliers and of nothing."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from agentdeck.cli import main
from agentdeck.models.experiment import Experiment, Outcome
from agentdeck.research import chart

SVG = "{http://www.w3.org/2000/svg}"


def tried(n: int, outcome: Outcome, value: float | None) -> Experiment:
    return Experiment(f"e{n:04d}", n, "decided", 0, outcome=outcome, value=value, hypothesis="a < b & c")


def drawn(*experiments: Experiment, sigma: float | None = None, better: int = -1) -> ElementTree.Element:
    return ElementTree.fromstring(chart.svg("loop", "loss", better, experiments, sigma))


def test_each_outcome_has_its_mark_and_an_outlier_stands_on_the_edge() -> None:
    root = drawn(
        tried(0, "baseline", 3.0), tried(1, "keep", 2.0), tried(2, "discard", 2.5), tried(3, "discard", 900.0),
        tried(4, "crash", None), tried(5, "refused", None), sigma=0.1,
    )  # fmt: skip
    titles = [title.text or "" for title in root.iter(f"{SVG}title")]
    assert [words.split(":")[0] for words in titles] == [
        "e0000 baseline 3", "e0001 keep 2", "e0002 discard 2.5", "e0003 discard 900", "e0004 crash",
    ]  # fmt: skip
    assert all(-1 < float(mark.get("cy", "0")) < chart.HEIGHT for mark in root.iter(f"{SVG}circle"))
    assert len(list(root.iter(f"{SVG}polyline"))) == 1


@pytest.mark.parametrize("values", [(), (1.0,), (0.0,), (-5.0, -6.0)])
def test_few_or_equal_values_are_drawn_as_well(values: tuple[float, ...]) -> None:
    drawn(*(tried(n, "baseline" if n == 0 else "keep", value) for n, value in enumerate(values)), better=1)


def test_the_picture_of_a_kept_ledger_is_what_export_prints() -> None:
    """Those of docs/research.md are made so; a ledger anywhere is named by its directory."""
    for name in ("scripted", "random", "claude"):
        done = CliRunner().invoke(main, ["research", "export", f"./docs/research/{name}", "--svg"])
        assert done.output == Path(f"docs/research/{name}.svg").read_text()
