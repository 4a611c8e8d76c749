"""`agentdeck adopt`: agents that live or lie on disk although no row has them."""

from __future__ import annotations

from typing import Any

import click

from agentdeck.commands import output
from agentdeck.errors import AgentDeckError

WORDS = {"pane": "runs", "worktree": "worktree", "link": "cut off from git", "trash": "in the trash"}

STATES = {
    "live": "is back, and runs",
    "stopped": "is back, and has exited: `agentdeck resume NAME` starts it",
    "removed": "is in the trash again: `agentdeck undo NAME` brings it back",
}


@click.command()
@click.argument("wanted", nargs=-1, metavar="[ID|NAME|PATH]...")
@click.option("--yes", is_flag=True, help="Make rows for them again; without it they are only listed.")
@click.option("--json", "as_json", is_flag=True)
def adopt(wanted: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Agents that survived their row: after the database was lost, restored from a copy, or an engine was killed."""
    from agentdeck import paths
    from agentdeck.services.lives import adoption

    if yes:
        _adopt(wanted, as_json)
        return
    found = adoption.choose(adoption.find_in(paths.database_file(), paths.tmux_socket()), wanted)
    if as_json:
        output.data([one.as_json() for one in found])
        return
    output.table(("ID", "NAME", "WHAT", "HARNESS", "BRANCH", "WORKTREE", "WHY"), (_line(one) for one in found))
    click.echo("`agentdeck adopt --yes` makes them agents again." if found else "There is nothing to adopt.", err=True)


def _line(one: Any) -> tuple[str, ...]:
    agent, why = one.agent, f"{one.why}; it cannot be adopted: {one.problem}" if one.problem else one.why
    return (agent.id, agent.name, WORDS[one.what], agent.harness, agent.branch, one.place, why)


def _adopt(wanted: tuple[str, ...], as_json: bool) -> None:
    import os

    named = [os.path.abspath(word) if os.sep in word else word for word in wanted]
    done: Any = output.ask("adopt", wanted=named)
    if as_json:
        output.data(done["adopted"])
    else:
        for agent in done["adopted"]:
            click.echo(f"{agent['name']} {STATES[agent['life']]}".replace("NAME", agent["name"]), err=True)
    if done["failed"]:
        raise AgentDeckError(done["failed"][0], "\n".join(done["failed"][1:]))


COMMANDS = (adopt,)
