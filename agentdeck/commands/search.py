"""The command that finds a text in all agents' histories."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from agentdeck.commands import output
from agentdeck.errors import AgentDeckError, UsageError

if TYPE_CHECKING:
    from agentdeck.models.agent import Agent
    from agentdeck.services.reading.search import Found


@click.command()
@click.argument("text")
@click.option("--agent", "name", default="", help="Only this agent.")
@click.option("--json", "as_json", is_flag=True)
def search(text: str, name: str, as_json: bool) -> None:
    """Find TEXT in what agents' screens showed and in their conversations; a capital letter makes case count."""
    if not text.strip():
        raise UsageError("there is nothing to search for", "Give a text, in quotes when it holds blanks.")
    agents = output.query(_agents)
    if name:
        chosen = output.agent_id(name)
        agents = [agent for agent in agents if agent.id == chosen]
    found, trouble = output.run(_search(text, agents))
    if trouble:
        click.echo(f"agentdeck: {trouble}", err=True)
    if as_json:
        output.data([row for each in found for row in _rows(each)])
        return
    for row in (row for each in found for row in _rows(each)):
        click.echo(f"{row['agent']}:{row['source']}:{row['line']}: {row['text']}")


def _agents(conn: sqlite3.Connection | None) -> list[Agent]:
    from agentdeck.services import rows

    return list(rows.agents(conn)) if conn is not None else []


async def _search(text: str, agents: list[Agent]) -> tuple[list[Found], str]:
    """What was found, in the order of the agents, and what could not be searched."""
    from agentdeck import paths
    from agentdeck.adapters import tmux
    from agentdeck.services.reading.search import Searcher

    found: list[Found] = []
    client, why = None, ""
    if tmux.server_alive(paths.tmux_socket()):  # without one there are no screens
        try:
            client = await tmux.ControlClient.open(paths.tmux_socket())
        except AgentDeckError as error:
            why = f"screens were not searched: {error.title}"
    try:
        seen = agents if client else [replace(agent, pane="") for agent in agents]
        trouble = await Searcher(lambda: client).search(text, seen, found.append)
    finally:
        if client is not None:
            await client.close()
    order = {agent.id: place for place, agent in enumerate(agents)}
    return sorted(found, key=lambda each: (order[each.agent.id], each.source)), trouble or why


def _rows(found: Found) -> list[dict[str, object]]:
    """One row a line, however often the text stands in it; lines count from 1, the oldest first."""
    lines = dict.fromkeys(match.line for match in found.matches)
    return [
        {"agent": found.agent.name, "source": found.source, "line": line + 1, "text": found.texts[line]}
        for line in lines
    ]


COMMANDS = (search,)
