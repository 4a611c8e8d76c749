"""Why a key does nothing right now, in one line a human can act on; '' when it works."""

from __future__ import annotations

from agentdeck.services.asking.attention import NEEDS_YOU
from agentdeck.services.fleet import AgentRow
from agentdeck.ui import arrangement, deck_state, levels
from agentdeck.ui.deck_state import DeckState


def always(state: DeckState) -> str:
    return ""


def some(state: DeckState) -> str:
    if state.rows:
        return ""
    if state.fleet.rows and state.filter:
        return "nothing matches the filter: Esc clears it"
    return "every agent is hidden: V shows them" if state.fleet.rows else "there is no agent yet: n makes one"


def nearer(state: DeckState) -> str:
    alone = state.level == levels.ONE or (state.level > levels.ONE and len(state.rows) == 1)
    return some(state) or ("one agent fills the stage already: Enter zooms in and types to it" if alone else "")


def farther(state: DeckState) -> str:
    return some(state) or ("the list is the farthest level: + goes back to tiles" if state.level == levels.LIST else "")


def focused(state: DeckState) -> str:
    return "" if state.focused else some(state) or "no agent is focused"


def placed(state: DeckState) -> str:
    """Somebody with a place of his own in the view is focused."""
    why = focused(state)
    if why or state.focused is None or not state.focused.agent.beside:
        return why
    return f"{state.focused.agent.name} is a terminal of yours: it stands beside its agent"


def tree(state: DeckState) -> str:
    """Somebody with a work tree is focused."""
    why = focused(state)
    if why or state.focused is None or state.focused.agent.worktree:
        return why
    return f"{state.focused.agent.name} is still being made"


def loop(state: DeckState) -> str:
    """A research loop is focused, or what stands beside one."""
    why = tree(state)
    if why or state.focused is None or state.focused.agent.harness == "loop":
        return why
    beside = state.focused.agent.beside
    if any(row.agent.id == beside and row.agent.harness == "loop" for row in state.fleet.rows):
        return ""
    return f"{state.focused.agent.name} is no research loop: only those have a proposer"


def editor(state: DeckState) -> str:
    return tree(state) or state.missing.get("", "")


def gone(row: AgentRow) -> bool:
    """Its process is over: stopped by us, or gone by itself."""
    return row.agent.life == "stopped" or row.status.state == "exited"


def live(state: DeckState) -> str:
    why = focused(state)
    if why or state.focused is None:
        return why
    name = state.focused.agent.name
    if gone(state.focused):
        return f"{name} has ended: R resumes it"
    return f"{name} is still being made" if state.focused.agent.life == "creating" else ""


def agent(state: DeckState) -> str:
    """A living agent, and no terminal of the human's own."""
    why = live(state)
    if why or state.focused is None or not state.focused.agent.beside:
        return why
    return f"{state.focused.agent.name} is a terminal of yours: Enter types in it"


def can_receive(row: AgentRow) -> bool:
    """A text may be left for it: it waits there until the agent is idle."""
    return not gone(row) and row.agent.life != "creating" and not row.agent.beside


def receivers(state: DeckState) -> str:
    """Somebody among the targets takes a message."""
    return "" if any(can_receive(row) for row in state.targets) else agent(state)


def any_live(state: DeckState) -> str:
    why = focused(state)
    if why or not all(gone(row) for row in state.targets):
        return why
    return f"{state.targets[0].agent.name} has ended already"


def any_runs(state: DeckState) -> str:
    """Somebody in the deck runs, shown or not."""
    return "" if any(not gone(row) for row in state.fleet.rows) else "no agent runs"


def idle(state: DeckState) -> str:
    why = agent(state)
    if why or state.focused is None:
        return why
    status = state.focused.status
    return "" if status.state == "idle" else f"{state.focused.agent.name} is not idle: {status.state}"


def asks(state: DeckState) -> str:
    why = live(state)
    if why or state.focused is None:
        return why
    return "" if state.focused.status.state == "needs_input" else f"{state.focused.agent.name} asks nothing now"


def ended(state: DeckState) -> str:
    why = focused(state)
    if why:
        return why
    running = [row.agent.name for row in state.targets if not gone(row)]
    return f"{running[0]} still runs: x stops it" if running else ""


def filtered(state: DeckState) -> str:
    return "" if state.fleet.rows else "there is no agent yet: n makes one"


def need(state: DeckState) -> str:
    if any(row.status.state in NEEDS_YOU for row in state.agents):
        return ""
    return attention(state) or "those that need you are hidden here: P shows them"


def attention(state: DeckState) -> str:
    """Somebody needs a human, shown here or not."""
    return "" if any(row.status.state in NEEDS_YOU for row in state.fleet.agents) else "nobody needs you"


def free(state: DeckState) -> str:
    return "" if any(row.status.state == "idle" for row in state.agents) else "nobody is idle"


def hidden(state: DeckState) -> str:
    return "" if any(row.hidden for row in state.fleet.rows) else "no agent is hidden: v hides one"


def earlier(state: DeckState) -> str:
    return _move(state, -1, "first")


def later(state: DeckState) -> str:
    return _move(state, 1, "last")


def _move(state: DeckState, step: int, end: str) -> str:
    why = focused(state)
    if why or deck_state.can_move(state, step):
        return why
    names = ", ".join(row.agent.name for row in state.targets)
    where = "in this view" if state.view.grouping == "none" else "in the group"
    return f"{names}: {end} {where} already"


def grouped(state: DeckState) -> str:
    if not state.fleet.rows:
        return some(state)
    if len(arrangement.groups(state.fleet.agents, state.view.grouping)) > 1:
        return ""
    return "all agents are in one group: o groups them another way"


def mark_group(state: DeckState) -> str:
    return placed(state) or grouped(state)


def repo(state: DeckState) -> str:
    if state.repo or state.focused:
        return ""
    return "not in a git repository: leave with q, cd into one (or git init), and start agentdeck there"


def elsewhere(state: DeckState) -> str:
    return "" if state.fleet.foreign else "no session of a known client runs outside the deck"
