"""The human's rules for permission requests: shown, and tried out."""

from __future__ import annotations

from dataclasses import asdict

import click

from agentdeck import paths
from agentdeck.commands import output


@click.command()
@click.option("--tool", default="", help="Try the rules: the tool's name as the client's question shows it.")
@click.option("--argument", default="", help="With --tool: the command, path or address.")
@click.option("--harness", default="")
@click.option("--repo", default="")
@click.option("--json", "as_json", is_flag=True)
def policy(tool: str, argument: str, harness: str, repo: str, as_json: bool) -> None:
    """Your rules for permission requests (policy.toml); with --tool, what they would answer."""
    from agentdeck.services.asking import policy as rules

    file = paths.policy_file()
    found = rules.load(file)
    if tool:
        decision = rules.decide(found, rules.Wanted(tool, argument, harness, repo))
        told = {"answer": decision.answer, "rule": decision.number} if decision else {"answer": "ask", "rule": None}
        output.data(told) if as_json else click.echo(
            f"{told['answer']}, by rule {told['rule']}" if decision else "ask: no rule is about it"
        )
    elif as_json:
        output.data([asdict(rule) for rule in found.rules])
    elif found.rules:
        head = ("RULE", "DECISION", "TOOL", "ARGUMENT", "HARNESS", "REPO")
        lines = ((r.decision, r.tool, r.argument, r.harness, r.repo) for r in found.rules)
        output.table(head, ((str(number), *line) for number, line in enumerate(lines, 1)))
    else:
        click.echo(f"no rules: every permission request is yours to answer. They would stand in {file}", err=True)


COMMANDS = (policy,)
