"""What the proposer of a loop says and does, as it does it: its client's output in words that a human reads."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable

from agentdeck.models.experiment import Experiment
from agentdeck.research import asking, contract, ledger, runner, state
from agentdeck.research.places import Place

LOOK_SECONDS = 0.3
LONGEST = 1 << 20  # bytes of an output: its end


def text(place: Place, each: Experiment | None) -> str:
    """One experiment, as far as it is: who proposes, what it said, and what came of it."""
    if each is None or not each.n:
        return "Nothing is proposed before the baseline is measured.\n"
    return "\n".join([heading(each), *said(place, each), *outcome(each)]) + "\n"


def heading(each: Experiment) -> str:
    return f"== {each.id}: {each.proposer} proposes a change to {each.parent[:7]}"


def said(place: Place, each: Experiment) -> list[str]:
    """What its program printed so far; scripted and random ones have none."""
    rule = contract.read(place.contract)[0].proposer
    printed = runner.printed(asking.home_of(place, each.id), asking.PROGRAM, LONGEST).splitlines()
    return readable(rule.harness if rule.kind == "harness" else "", printed)


def readable(harness: str, printed: Iterable[str]) -> list[str]:
    """Words as they are, tools with a mark before them; pieces of one text are put together."""
    if not harness:
        return list(printed)
    from agentdeck.harnesses import headless

    found: list[str] = []
    open_ = False
    for line in headless.lines(harness, printed):
        if line.text and line.more and open_:
            found[-1] += line.text
        elif line.text:
            found.append(line.text)
        if line.text:
            open_ = line.more
        if line.doing:
            found.append(f"▸ {line.doing}")
            open_ = False
    return found


def outcome(each: Experiment) -> list[str]:
    """What is known of it by now."""
    if each.stage == "allocated":
        return []
    found = [f"-> {each.hypothesis}"] if each.hypothesis else []
    if each.outcome:
        value = "" if each.value is None else f" {each.value:.6g}"
        found.append(f"-> {each.outcome}{value}: {each.reason}")
    elif each.stage != "proposed":
        found.append("-> it is measured now")
    return found


def follow(place: Place) -> None:
    """Print it all as it comes, from the last experiment on, until the loop has ended; each line once."""
    reader, told = ledger.Reader(place.ledger), state.State()
    at, shown = -1, list[str]()  # the experiment that is told of, and its lines as they were
    while True:
        running = place.running
        told.add(reader.new())
        asked = [each for each in told.experiments.values() if each.n]
        at = len(asked) - 1 if at < 0 else at
        for n in range(max(at, 0), len(asked)):
            before = shown if n == at else []
            at, shown = n, _lines(place, asked[n])
            news = (line for number, line in enumerate(shown) if before[number : number + 1] != [line])
            sys.stdout.writelines(f"{line}\n" for line in news)
        sys.stdout.flush()
        if not running:
            return
        time.sleep(LOOK_SECONDS)


def _lines(place: Place, each: Experiment) -> list[str]:
    """What is whole by now: the last line of one who still speaks may grow."""
    words = said(place, each)
    return [heading(each), *(words[:-1] if each.stage == "allocated" else words), *outcome(each)]
