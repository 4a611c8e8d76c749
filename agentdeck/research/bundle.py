"""What a proposer is told: everything that helps, nothing that is hidden."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from agentdeck.models.experiment import Experiment
from agentdeck.research.contract import Contract

RECENT, NEAR, TAIL = 12, 5, 1500  # rows, near misses, characters of a crash

RULES = """\
You propose ONE experiment. Edit only these files in the current directory: {editable}.
Do not run anything; the harness runs it, measures {metric} ({direction} is better) and decides.
One run has {seconds:g} s ({clock} clock). Never change how the seed is set, the metric, or any other file.
Make one change that can be judged by itself. End with one line that says what you expect and why:
HYPOTHESIS: ...
"""


def text(
    contract: Contract, experiments: Sequence[Experiment], parent: Experiment, *, goal: str, steering: str,
    sigma: float | None, tails: Mapping[str, str], curve: str,
) -> str:  # fmt: skip
    """The prompt, in Markdown. `tails` are the ends of what crashed runs printed, `curve` lines of the champion's."""
    rows = [each for each in experiments if each.outcome]
    tried = [e for e in rows if e.parent_tree == parent.tree and e.outcome != "baseline"]
    near = sorted((e for e in rows if e.outcome == "discard" and e.gain is not None), key=lambda e: -(e.gain or 0))
    crashed = [each for each in rows if each.id in tails]
    budget = contract.budget
    parts = [
        RULES.format(
            editable=", ".join(contract.editable), metric=contract.metric.name, direction=contract.metric.direction,
            seconds=budget.seconds, clock=budget.clock,
        ),
        ("A note from the human, which comes first", steering),
        ("The goal", goal),
        ("The champion", _row(parent)),
        ("Noise", f"One run differs from the next by about {sigma:.4g} (standard deviation)." if sigma else ""),
        ("How a run of the champion went", f"```\n{curve}\n```" if curve else ""),
        ("Kept so far", _rows(e for e in rows if e.kept)),
        ("The last experiments", _rows(rows[-RECENT:])),
        ("Near misses", _rows(near[:NEAR])),
        ("Tried on this champion already; do not repeat", _rows(tried)),
        *((f"How {e.id} crashed", f"{e.reason}\n```\n{tails[e.id][-TAIL:].strip()}\n```") for e in crashed),
    ]  # fmt: skip
    return "\n".join(part if isinstance(part, str) else _section(*part) for part in parts)


def _section(title: str, body: str) -> str:
    return f"\n## {title}\n\n{body.strip()}\n" if body.strip() else ""


def _rows(experiments: Iterable[Experiment]) -> str:
    return "\n".join(_row(each) for each in experiments)


def _row(each: Experiment) -> str:
    value = "-" if each.value is None else f"{each.value:.6g}"
    return f"- {each.id} {each.outcome} {value}: {each.hypothesis or 'the code as it was'} ({each.reason})"
