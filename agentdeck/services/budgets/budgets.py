"""What a budget does to an agent, as pure functions: four levels, each with the reason a human reads.

    warn       from 80 % of a limit on: it is said
    hold       from 90 % on: no task and no waiting text is handed to the agent
    interrupt  the limit is reached: an agent at work is interrupted once, the client's own way
    stop       it went on all the same: it is stopped; tree, branch and conversation are kept

"Went on" is a response that came later than half a second after the interrupt, a second one whenever it came, or
still being at work after 15 seconds. With a higher limit everything is open again. The shares of `warn` and `hold`
are in config.toml, under [budgets]. Dollars of tokens that have no known price cannot be judged: that is said like a
warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from agentdeck.errors import UsageError
from agentdeck.models.budget import UNITS, Act, Amounts, Budget, Level, Spent, Standing, Unit
from agentdeck.models.status import State

IN_FLIGHT_MS = 500  # a response that was under way may still be written
GRACE_MS = 15_000  # so long an interrupted client may take to come to rest
AT_WORK: tuple[State, ...] = ("working", "retrying")
_AMOUNT = re.compile(r"\$?(\d+(?:\.\d+)?|\.\d+)([kKmMbB]?)")
_SCALE = {"": 1, "k": 1_000, "m": 1_000_000, "b": 1_000_000_000}
_PER: dict[Unit, int] = {"usd": 1_000_000_000, "tokens": 1, "minutes": 60_000, "turns": 1}


@dataclass(frozen=True, slots=True)
class Shares:
    """From which share of a limit on an agent is warned of, and handed nothing more."""

    warn: float = 0.8
    hold: float = 0.9


@dataclass(frozen=True, slots=True)
class Seen:
    """An agent as a budget sees it: `turns` counted so far, the newest of them at `newest`; its process began at
    `born` (UTC ms)."""

    state: State
    turns: int
    newest: int
    born: int = 0


def standings(budget: Budget, spent: Spent) -> list[Standing]:
    """How each limit of a budget stands."""
    return [
        Standing(budget, unit, getattr(spent.used, unit), limit, spent.unpriced_tokens if unit == "usd" else 0)
        for unit in UNITS
        if (limit := getattr(budget.limits, unit))
    ]


def worst(found: Iterable[Standing], shares: Shares) -> Standing | None:
    """The one that is nearest to its limit or farthest beyond it; one that cannot be judged is as near as a warning."""
    return max(found, key=lambda one: max(one.share, shares.warn if one.blind else 0), default=None)


def level(share: float, shares: Shares) -> Level:
    """The level that a share of a limit asks for; `stop` needs more than a share."""
    if share >= 1:
        return "interrupt"
    return "hold" if share >= shares.hold else "warn" if share >= shares.warn else ""


def decide(
    before: Act | None, found: Standing | None, seen: Seen, now: int, shares: Shares = Shares()
) -> tuple[Act | None, Level]:
    """What stands against an agent now, and what is to be done at once: '', `interrupt` or `stop`.

    `found` is the worst of all limits that the agent is under, None without any.
    """
    asked = (level(found.share, shares) or ("warn" if found.blind else "")) if found else ""
    if found is None or not asked:
        return None, ""
    act = Act(asked, words(found), found.budget.scope, now)
    if before is not None and before.level == asked:
        act = replace(act, since=before.since)
    if asked != "interrupt":
        return act, ""
    if before is not None and before.level == "stop" and seen.born <= before.since:  # being stopped takes a while
        return replace(act, level="stop", since=before.since, pressed=before.pressed, turns=before.turns), ""
    if before is not None and before.level == "interrupt" and before.pressed:
        act = replace(act, pressed=before.pressed, turns=before.turns)
        return (replace(act, level="stop", since=now), "stop") if _went_on(act, seen, now) else (act, "")
    begun = before.turns if before is not None and before.level == "interrupt" else seen.turns
    if seen.state in AT_WORK or _spends(seen, seen.turns - begun):
        return replace(act, pressed=now, turns=seen.turns), "interrupt"
    return replace(act, turns=begun), ""


def _spends(seen: Seen, more: int) -> bool:
    """Whether responses show that an agent is at work which its status does not."""
    if seen.state in ("exited", "needs_input"):
        return False
    return more >= (2 if seen.state in ("idle", "failed") else 1)


def _went_on(act: Act, seen: Seen, now: int) -> bool:
    if seen.state == "exited":
        return False
    more = seen.turns - act.turns
    if more >= 2 or (more == 1 and seen.newest > act.pressed + IN_FLIGHT_MS):
        return True
    return seen.state in AT_WORK and now - act.pressed > GRACE_MS


def holds(act: Act | None) -> str:
    """Why nothing is handed to an agent, '' when something may be."""
    if act is None or act.level in ("", "warn"):
        return ""
    return f"its budget is {'nearly spent' if act.level == 'hold' else 'spent'}: {act.why}"


def words(found: Standing) -> str:
    """`$4.20 of $5.00 of team red`, and what it cannot judge."""
    of = {"agent": "", "day": " today", "task": f" of task {found.budget.key}", "team": f" of team {found.budget.key}"}
    whose = of.get(found.budget.scope, " of the repository")
    blind = f"; {amount('tokens', found.blind)} without a known price cannot be judged" if found.blind else ""
    return f"{used_of(found.unit, found.used, found.limit)}{whose}{blind}"


def amount(unit: Unit, value: int) -> str:
    """An amount with its unit, for one glance: `$4.20`, `1.2M tokens`, `12.5 min`, `40 turns`."""
    if unit == "usd":
        dollars = value / 1e9
        return f"${dollars:.4f}" if 0 < dollars < 0.01 else f"${dollars:.2f}"
    if unit == "minutes":
        return f"{round(value / 60_000, 1):g} min"
    if unit == "tokens" and value >= 1000:
        return f"{value / 1e6:.3g}M tokens" if value >= 999_500 else f"{value / 1e3:.3g}k tokens"
    return f"{value} {unit}"


def used_of(unit: Unit, used: int, limit: int) -> str:
    """`$4.20 of $5.00`, `1.2M of 2M tokens`."""
    first, last = amount(unit, used), amount(unit, limit)
    return f"{first.rsplit(' ', 1)[0]} of {last}"


def parse_limits(text: str) -> Amounts:
    """`usd=5,tokens=2M,minutes=30,turns=40`, some of them. Raises UsageError for anything else, and for no limit."""
    given: dict[Unit, int] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        unit, sign, number = part.partition("=")
        known = next((one for one in UNITS if one == unit.strip()), None)
        if not sign or known is None or known in given:
            raise UsageError(f"'{part}' is no limit", f"Write some of {', '.join(UNITS)}, such as usd=5,tokens=2M.")
        given[known] = parse_amount(known, number.strip())
    if not any(given.values()):
        raise UsageError(f"'{text}' limits nothing", "Write some of usd, tokens, minutes and turns, such as usd=5.")
    return Amounts(**given)


def parse_amount(unit: Unit, text: str) -> int:
    """An amount as it is stored: `5`, `$2.50`, `500k`, `2M`. Raises UsageError for what is none."""
    found = _AMOUNT.fullmatch(text)
    if found is None or (unit in ("usd", "minutes") and found[2]):
        raise UsageError(f"{unit}: '{text}' is no amount", "Write a number such as 5, 2.50 or, for tokens, 2M.")
    return stored(unit, float(found[1]) * _SCALE[found[2].lower()])


def stored(unit: Unit, value: float) -> int:
    """Dollars as nano-dollars, minutes as milliseconds, the others as they are. Raises UsageError for no limit."""
    whole = round(value * _PER[unit])
    if not 0 <= whole < 1 << 62 or (value > 0 and whole == 0):
        raise UsageError(f"{unit}: {value:g} is no limit", "Write a number above 0; 0 takes the limit away.")
    return whole


def shown(unit: Unit, value: int) -> float:
    """A stored amount in a person's unit."""
    return round(value / _PER[unit], 9) if _PER[unit] > 1 else value


def amounts(*, usd: float = 0, tokens: float = 0, minutes: float = 0, turns: float = 0) -> Amounts:
    """Limits from a person's units: dollars, tokens, minutes, turns."""
    return Amounts(stored("usd", usd), stored("tokens", tokens), stored("minutes", minutes), stored("turns", turns))
