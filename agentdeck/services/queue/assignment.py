"""Who takes which task, and what a task's attempts make of it. Pure: rows in, decisions out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter

from agentdeck.models.agent import Agent
from agentdeck.models.task import Attempt, Task, TaskState

UNDELIVERED_TRIES = 3  # attempts in a row that never reached an agent, before a human must look
UNABLE = ("limited", "failed", "exited", "hung", "unknown")  # states in which an agent can take nothing for now


@dataclass(frozen=True, slots=True)
class Candidate:
    """An agent as the queue sees it. `state` is its status; `by_name` ones take only tasks that name them."""

    id: str
    name: str
    repo: str
    harness: str
    model: str = ""
    state: str = "idle"
    by_name: bool = False
    free: bool = True  # idle, alive, and no attempt of its own is running
    team: str = ""
    account: str = ""  # whose limits it uses up: the client's own directory


@dataclass(frozen=True, slots=True)
class Choice:
    task: int
    agent: str


@dataclass(frozen=True, slots=True)
class Load:
    """What runs already, and how many results wait for a human."""

    repos: Mapping[str, int] = field(default_factory=dict)
    harnesses: Mapping[str, int] = field(default_factory=dict)
    accounts: Mapping[str, int] = field(default_factory=dict)
    review: int = 0


def _no_veto(task: Task, agent: Candidate) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Rules:
    """What binds the queue beside who fits. A cap of 0 is none.

    `routes`: for each niche the harnesses and models that do it, the preferred first. `waits`: task -> what it
    waits for. `paused`: `harness NAME` or `spec VERSION` -> why. `veto` says why this agent may not take this task.
    """

    per_repo: int = 0
    per_harness: Mapping[str, int] = field(default_factory=dict)
    per_account: int = 0
    review_cap: int = 0
    routes: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    waits: Mapping[int, str] = field(default_factory=dict)
    paused: Mapping[str, str] = field(default_factory=dict)
    veto: Callable[[Task, Candidate], str] = _no_veto


FREELY, IDLE = Rules(), Load()
_ID, _PRIORITY = attrgetter("id"), attrgetter("priority")
_ASKED = attrgetter("repo", "harness", "model", "agent", "team", "niche")


SETTLING = "settling"
"""The state of a candidate that has come to rest a moment ago: not free yet, and soon."""


def candidate(agent: Agent, state: str, *, takes_tasks: bool, leased: bool = False) -> Candidate:
    """`leased`: an attempt of it is running. A `--here` agent shares the human's checkout, so it must be named."""
    free = state == "idle" and agent.life == "live" and not leased
    by_name = agent.here or not takes_tasks
    return Candidate(
        agent.id, agent.name, agent.repo, agent.harness, agent.model, state, by_name, free, agent.team,
        f"{agent.harness} {agent.config_home}",
    )  # fmt: skip


def fits(task: Task, agent: Candidate, routes: Mapping[str, Sequence[tuple[str, str]]] | None = None) -> bool:
    """Whether the agent may ever take the task: its repository, and what it asks for by name, team, niche, harness."""
    named = task.agent in (agent.name, agent.id) if task.agent else not agent.by_name
    return (
        named
        and agent.repo == task.repo
        and task.harness in ("", agent.harness)
        and task.model in ("", agent.model)
        and task.team in ("", agent.team)
        and (not task.niche or rank(task.niche, agent, routes or {}) >= 0)
    )


def rank(niche: str, agent: Candidate, routes: Mapping[str, Sequence[tuple[str, str]]]) -> int:
    """The place of an agent in the list of a niche, 0 the preferred; -1 when it is not in it."""
    found = (n for n, (harness, model) in enumerate(routes.get(niche, ())) if harness == agent.harness
             and model in ("", agent.model))  # fmt: skip
    return next(found, -1)


def choose(
    tasks: Iterable[Task], agents: Sequence[Candidate], rules: Rules = FREELY, load: Load = IDLE
) -> list[Choice]:
    """Who starts what now: tasks by priority (higher first), then age; each takes the first free agent that fits."""
    turn = _Turn(agents, rules, load)
    choices: list[Choice] = []
    if not turn.free:
        return choices
    places = {agent.repo for agent in turn.free}
    queued = sorted([task for task in tasks if task.state == "queued" and task.repo in places], key=_ID)
    queued.sort(key=_PRIORITY, reverse=True)
    for task in queued:
        if not turn.free:
            break
        able = turn.able.get(_ASKED(task))  # thousands of tasks ask for the same few things
        if able == []:
            continue
        taker = turn.taker(task)
        if taker is not None:
            choices.append(Choice(task.id, taker.id))
    return choices


class _Turn:
    """One round of choosing: who is still free, and how much runs, as tasks are given out."""

    def __init__(self, agents: Sequence[Candidate], rules: Rules, load: Load) -> None:
        self.agents = agents
        self.rules = rules
        self.free = [agent for agent in agents if agent.free and f"harness {agent.harness}" not in rules.paused]
        if rules.review_cap and load.review >= rules.review_cap:
            self.free = []
        self.repos, self.harnesses, self.accounts = (
            Counter(load.repos), Counter(load.harnesses), Counter(load.accounts)
        )  # fmt: skip
        self.able: dict[tuple[str, ...], list[Candidate]] = {}

    def taker(self, task: Task) -> Candidate | None:
        """Who takes the task, and is taken by it."""
        able = self._able_for(task)
        if not able or task.id in self.rules.waits or f"spec {task.spec_version}" in self.rules.paused:
            return None
        if _full(self.rules.per_repo, self.repos[task.repo]):
            return None
        for agent in able:
            if self._has_room(agent) and not self.rules.veto(task, agent):
                self._take(task, agent)
                return agent
        return None

    def _able_for(self, task: Task) -> list[Candidate]:
        """The free agents that fit; looked up once for all tasks that ask for the same."""
        key = _ASKED(task)
        found = self.able.get(key)
        if found is None:
            found = [agent for agent in self.free if fits(task, agent, self.rules.routes)]
            if task.niche:
                found = self._preferred(task, found)
            self.able[key] = found
        return found

    def _preferred(self, task: Task, able: list[Candidate]) -> list[Candidate]:
        """Of a niche's list only the first entry that can work at all: a busy one is waited for, a limited one not."""
        ranked = [(rank(task.niche, agent, self.rules.routes), agent) for agent in able]
        usable = [
            rank(task.niche, agent, self.rules.routes)
            for agent in self.agents
            if fits(task, agent, self.rules.routes) and usable_now(task, agent, self.rules)
        ]
        best = min(usable, default=-1)
        return [agent for place, agent in ranked if place == best]

    def _has_room(self, agent: Candidate) -> bool:
        return not (
            _full(self.rules.per_harness.get(agent.harness, 0), self.harnesses[agent.harness])
            or _full(self.rules.per_account, self.accounts[agent.account])
        )

    def _take(self, task: Task, agent: Candidate) -> None:
        self.free.remove(agent)
        for able in self.able.values():
            if agent in able:
                able.remove(agent)
        self.repos[task.repo] += 1
        self.harnesses[agent.harness] += 1
        self.accounts[agent.account] += 1


def usable_now(task: Task, agent: Candidate, rules: Rules) -> bool:
    """Whether the agent can do such work sooner or later without help: not at a limit, not down, not over a budget."""
    return agent.state not in UNABLE and f"harness {agent.harness}" not in rules.paused and not rules.veto(task, agent)


def _full(cap: int, count: int) -> bool:
    return bool(cap) and count >= cap


def why(task: Task, agents: Sequence[Candidate], rules: Rules = FREELY, load: Load = IDLE) -> str:
    """One line on why the task does not run now, or what it does."""
    if task.state != "queued":
        return f"it is {task.state}" + (f": {task.reason}" if task.reason else "")
    held = _held(task, rules, load)
    if held:
        return held
    if task.agent:
        named = [agent for agent in agents if task.agent in (agent.name, agent.id)]
        if not named:
            return f"no agent is called {task.agent}"
        if not fits(task, named[0], rules.routes):
            return f"agent {named[0].name} is not what it asks for: {_wants(replace(task, agent=''))}"
        return _bound(task, named[0], rules, load) or _waits(named[0])
    if task.niche and not rules.routes.get(task.niche):
        return f"no harness is named for the niche {task.niche}: add [[niches.{_quoted(task.niche)}]] to config.toml"
    able = [agent for agent in agents if fits(task, agent, rules.routes)]
    if not able:
        return f"no agent {_wants(task)}"
    free = [agent for agent in able if agent.free]
    if any(not _bound(task, agent, rules, load) for agent in free):
        return "an agent is free: it starts next"
    if free:
        return _bound(task, free[0], rules, load)
    if len(able) == 1:
        return _waits(able[0])
    return f"no idle agent {_wants(task)}: " + ", ".join(f"{agent.name} {_does(agent)}" for agent in able)


def _held(task: Task, rules: Rules, load: Load) -> str:
    """What holds the task back whoever is free."""
    if task.id in rules.waits:
        return rules.waits[task.id]
    if f"spec {task.spec_version}" in rules.paused:
        return rules.paused[f"spec {task.spec_version}"]
    if rules.review_cap and load.review >= rules.review_cap:
        return f"{load.review} results wait for your review, and [queue] review_cap is {rules.review_cap}"
    if _full(rules.per_repo, load.repos.get(task.repo, 0)):
        return f"{load.repos[task.repo]} tasks run in this repository, and [queue] per_repo is {rules.per_repo}"
    return ""


def _bound(task: Task, agent: Candidate, rules: Rules, load: Load) -> str:
    """What keeps a free agent from taking the task."""
    if not agent.free:
        return ""
    paused = rules.paused.get(f"harness {agent.harness}")
    if paused:
        return paused
    cap, count = rules.per_harness.get(agent.harness, 0), load.harnesses.get(agent.harness, 0)
    if _full(cap, count):
        return f"{count} tasks run with {agent.harness}, and its cap is {cap}"
    count = load.accounts.get(agent.account, 0)
    if _full(rules.per_account, count):
        return f"{count} tasks run on the account of {agent.name}, and [queue] per_account is {rules.per_account}"
    return rules.veto(task, agent)


def _quoted(niche: str) -> str:
    return f'"{niche}"' if ":" in niche else niche


def _wants(task: Task) -> str:
    parts = [f"harness {task.harness}"] if task.harness else []
    parts += [f"model {task.model}"] if task.model else []
    told = [f"with {' and '.join(parts)}"] if parts else []
    told += [f"of team {task.team}"] if task.team else []
    told += [f"for {task.niche}"] if task.niche else []
    return " ".join([*told, "in this repository"])


def _waits(agent: Candidate) -> str:
    if agent.free:
        return f"agent {agent.name} is free: it starts next"
    return f"waits for agent {agent.name}, which {_does(agent)}"


def _does(agent: Candidate) -> str:
    words = {"working": "works", "needs_input": "waits for a human", "idle": "has another task", "exited": "has exited",
             "limited": "is at its limit", "hung": "hangs", "held": "is held by a budget or a limit"}  # fmt: skip
    return words.get(agent.state, f"is {agent.state}")


def state_after(
    attempts: Sequence[Attempt], delivered: Collection[int], limit: int = 1, before: int = 0
) -> tuple[TaskState, str]:
    """A task's state and its reason as they follow from its attempts, oldest first.

    `delivered` are the numbers of those whose text was submitted to the agent. One that ended
    badly before that did no work, and the task goes back to the queue; after three such in a
    row a human must look. One that failed or died goes back until there are `limit` of them;
    those numbered up to `before` do not count. A usage limit is nobody's failure.
    """
    if not attempts:
        return "queued", ""
    last = attempts[-1]
    if last.outcome == "running":
        return "running", ""
    if last.outcome in ("ended", "passed", "flagged"):
        return "review", last.reason
    if last.outcome == "cancelled":
        return "cancelled", last.reason
    if last.outcome in ("refused", "died") and last.n not in delivered:
        tries = 0
        for attempt in reversed(attempts):
            if attempt.n in delivered or attempt.outcome not in ("refused", "died"):
                break
            tries += 1
        if tries % UNDELIVERED_TRIES:
            return "queued", last.reason
        return "failed", last.reason or last.outcome
    if last.outcome == "limited":
        return "queued", last.reason
    if last.outcome != "rejected":
        counted = [a for a in attempts if a.n > before and (a.outcome == "failed" or _lost(a, delivered))]
        if len(counted) < limit:
            return "queued", last.reason
    return "failed", last.reason or last.outcome


def _lost(attempt: Attempt, delivered: Collection[int]) -> bool:
    return attempt.outcome in ("died", "refused") and attempt.n in delivered
