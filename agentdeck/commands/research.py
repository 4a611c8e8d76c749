"""agentdeck research: loops that propose, measure and keep what is better."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from agentdeck.commands import output

NAME = click.argument("name")


@click.group()
def research() -> None:
    """AutoResearch: loops that propose a change, measure it, and keep it only when it is better.

    A directory with a research.toml says what may be edited, how one experiment is run and measured, who proposes.
    """


@research.command()
@click.argument("directory", default=".")
def init(directory: str) -> None:
    """Write a research.toml with comments, and a goal file, where there are none."""
    from agentdeck.errors import UsageError
    from agentdeck.research import template

    place = Path(directory)
    if not place.is_dir():
        raise UsageError(f"{place} is no directory", "Name the one with the code to improve.")
    if (place / "research.toml").exists():
        raise UsageError(f"there is a {place / 'research.toml'} already", "Edit it, or move it away.")
    (place / "research.toml").write_text(template.TEXT, encoding="utf-8")
    if not (place / "program.md").exists():
        (place / "program.md").write_text(template.GOAL, encoding="utf-8")
    click.echo(f"Edit {place / 'research.toml'} and {place / 'program.md'}, commit both, then:", err=True)
    click.echo(f"  agentdeck research start {directory}", err=True)


@research.command()
@click.argument("directory", default=".")
@click.option("--name", default="", help="What the loop is called (default: the directory's name).")
@click.option("--foreground", is_flag=True, help="Here, until it ends, instead of in a pane of the deck.")
@click.option("--json", "as_json", is_flag=True)
def start(directory: str, name: str, foreground: bool, as_json: bool) -> None:
    """Begin a loop on the research.toml in DIRECTORY. This approves its commands, which are printed."""
    from agentdeck.research import start as starting

    where = Path(directory).resolve()
    place = starting.begin(name or where.name.lower().replace("_", "-"), where)
    _go(place, foreground, as_json)


def _go(place: Any, foreground: bool, as_json: bool = False) -> None:
    from agentdeck.research import start as starting

    for line in starting.commands(place):
        click.echo(line, err=True)
    if foreground:
        from agentdeck.research import loop

        raise SystemExit(loop.main(place.name, patient=False))
    _in_pane(place, as_json)


def _in_pane(place: Any, as_json: bool) -> None:
    from agentdeck.research import report
    from agentdeck.services.lives.environment import save_environment

    directory = str(report.standing(place)["directory"])
    file = save_environment()
    try:
        made = output.ask(
            "new",
            name=place.name,
            harness="loop",
            repo=directory,
            here=True,
            args=[str(place.root)],
            env_file=str(file),
        )
    finally:
        file.unlink(missing_ok=True)
    if as_json:
        output.data(made)
    else:
        click.echo(f"{place.name} runs in {made['pane_id']}; `agentdeck research status {place.name}`", err=True)


@research.command("run")
@NAME
def run_(name: str) -> None:
    """The process of a loop, in the foreground: what its pane runs. It waits when it is blocked or paused."""
    from agentdeck.research import loop

    raise SystemExit(loop.main(name))


@research.command("ls")
@click.option("--json", "as_json", is_flag=True)
def list_(as_json: bool) -> None:
    """All loops, and how each stands."""
    from agentdeck.research import places, report

    rows = [report.standing(place) for place in places.every()]
    if as_json:
        output.data(rows)
        return
    head = ("NAME", "STATE", "EXPERIMENTS", "KEPT", "BASELINE", "BEST", "PER HOUR", "COST", "WHY")
    output.table(head, (_line(row) for row in rows))


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["name"], row["state"], str(row["experiments"]), str(row["kept"]), _number(row["baseline"]),
        _number(row["best"]), _number(row["per_hour"]), f"${row['cost_usd']:.2f}", row["why"][:60],
    )  # fmt: skip


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.5g}"


@research.command("status")
@NAME
@click.option("--json", "as_json", is_flag=True)
def status(name: str, as_json: bool) -> None:
    """How one loop stands."""
    from agentdeck.research import places, report

    told = report.standing(places.find(name))
    if as_json:
        output.data(told)
        return
    for key, value in told.items():
        click.echo(f"{key:18} {'-' if value is None else value}")


@research.command("ledger")
@NAME
@click.option("--outcome", default="", help="Only these, such as keep,crash.")
@click.option("--json", "as_json", is_flag=True)
def ledger_(name: str, outcome: str, as_json: bool) -> None:
    """All experiments of a loop, the oldest first."""
    from agentdeck.research import report

    wanted = {word.strip() for word in outcome.split(",") if word.strip()}
    found = [e for e in _state(name).experiments.values() if not wanted or e.outcome in wanted]
    if as_json:
        output.data([report.row(each) for each in found])
        return
    rows = (
        (e.id, ("bad" if e.bad else e.outcome) or e.stage, _number(e.value), str(len(e.runs)), e.hypothesis, e.reason)
        for e in found
    )
    output.table(("ID", "OUTCOME", "VALUE", "RUNS", "HYPOTHESIS", "REASON"), rows)


def _state(name: str) -> Any:
    from agentdeck.research import ledger, places, state

    return state.fold(ledger.read(places.find(name).ledger))


def _experiment(name: str, experiment: str) -> Any:
    from agentdeck.errors import UsageError

    found = _state(name).experiments.get(experiment)
    if found is None:
        raise UsageError(f"{name} has no experiment {experiment}", f"`agentdeck research ledger {name}` lists them.")
    return found


@research.command()
@NAME
@click.argument("experiment")
@click.option("--diff", is_flag=True, help="What it changed.")
@click.option("--log", is_flag=True, help="What its runs printed.")
@click.option("--json", "as_json", is_flag=True)
def show(name: str, experiment: str, diff: bool, log: bool, as_json: bool) -> None:
    """One experiment: what was proposed, measured and decided."""
    from agentdeck.research import places, report, view

    each = _experiment(name, experiment)
    if diff:
        click.echo(view.diff(places.find(name), each), nl=False)
    elif log:
        click.echo(view.log(places.find(name), each), nl=False)
    elif as_json:
        output.data(report.row(each))
    else:
        for key, value in report.row(each).items():
            click.echo(f"{key:18} {'-' if value is None else value}")


@research.command()
@NAME
@click.option("--tsv", "form", flag_value="tsv", default=True, help="The five columns of results.tsv (the default).")
@click.option("--svg", "form", flag_value="svg", help="A picture of the metric over the experiments.")
def export(name: str, form: str) -> None:
    """Print the measured experiments, as a table or as a picture.

    NAME may be the path of a directory that holds a ledger.jsonl.
    """
    from agentdeck.research import chart, noise, report

    told = _state(name)
    experiments = list(told.experiments.values())
    if form == "tsv":
        click.echo(report.tsv(experiments), nl=False)
        return
    spread = noise.sigma(experiments)
    better = int(told.begun.get("better", -1))
    picture = chart.svg(
        str(told.begun.get("name", name)), str(told.begun.get("metric", "")), better, experiments,
        spread.value if spread else None,
    )  # fmt: skip
    click.echo(picture, nl=False)


@research.command()
@NAME
def proposer(name: str) -> None:
    """Follow what the loop's proposer says and does, until the loop ends; Ctrl+C leaves it."""
    from agentdeck.research import follow, places

    try:
        follow.follow(places.find(name))
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _heard(name: str, heard: bool) -> None:
    if not heard:
        click.echo(f"{name} is not running; it hears of it when it is: agentdeck research resume {name}", err=True)


@research.command()
@NAME
@click.argument("why", default="by hand")
def pause(name: str, why: str) -> None:
    """Let the experiment that goes on end, and begin no other."""
    from agentdeck.errors import AgentDeckError
    from agentdeck.research import control, places

    place = places.find(name)
    if not place.running:
        raise AgentDeckError(f"{name} is not running", f"Go on with it: agentdeck research resume {name}")
    if already := _state(name).paused:
        click.echo(f"{name} is paused already: {already}", err=True)
        return
    control.pause(place, why)


@research.command()
@NAME
@click.option("--foreground", is_flag=True)
def resume(name: str, foreground: bool) -> None:
    """Go on: with a loop that is paused, blocked, stopped or was killed. A run that survived is taken up again."""
    from agentdeck.research import control, places

    place = places.find(name)
    if place.running and not _state(name).paused:
        click.echo(f"{name} is at work already", err=True)
        return
    if control.resume(place):
        return
    if not foreground and any(row.agent.name == name for row in _agents()):
        output.ask("resume", output.agent_id(name), env_file=_environment())
        return
    _go(place, foreground)


def _agents() -> list[Any]:
    from agentdeck.services import fleet

    return list(output.query(lambda conn: list(fleet.load(conn).rows)))


def _environment() -> str:
    from agentdeck.services.lives.environment import save_environment

    return str(save_environment())


@research.command()
@NAME
@click.argument("text")
def steer(name: str, text: str) -> None:
    """Give the proposer a note, from the next experiment on; '' takes it back."""
    from agentdeck.research import control, places

    _heard(name, control.steer(places.find(name), output.text_or_stdin(text).strip()))


@research.command()
@NAME
@click.option("--now", is_flag=True, help="End what goes on, a proposer too; it is done anew after a resume.")
def stop(name: str, now: bool) -> None:
    """End the loop after the experiment that goes on."""
    from agentdeck.research import control, places

    if not control.stop(places.find(name), now=now):
        click.echo(f"{name} is not running", err=True)


@research.command()
@NAME
def approve(name: str) -> None:
    """Put the research.toml that is now in the loop's directory in force; its commands are printed.

    What a result depends on (run, score, metric, budget ...) can only be changed in another loop: fork.
    """
    from agentdeck.research import approval, places
    from agentdeck.research import start as starting

    place = places.find(name)
    approval.approve(place, _state(name))
    for line in starting.commands(place):
        click.echo(line, err=True)


@research.command()
@NAME
@click.argument("experiment")
def bad(name: str, experiment: str) -> None:
    """Take a keep back: the champion becomes what it was before it. Later keeps stand on it and go with it."""
    from agentdeck.errors import UsageError
    from agentdeck.research import control, places

    each = _experiment(name, experiment)
    if why := control.why_no_keep(each):
        raise UsageError(why, f"Only what was kept can be taken back: agentdeck research ledger {name}")
    control.take_back(places.find(name), each)


@research.command()
@NAME
@click.argument("experiment")
@click.option("--as", "new", required=True, help="What the new loop is called.")
@click.option("--foreground", is_flag=True)
def fork(name: str, experiment: str, new: str, foreground: bool) -> None:
    """Begin another loop, with the same contract, from any experiment that was stored."""
    from agentdeck.errors import UsageError
    from agentdeck.research import approval
    from agentdeck.research import start as starting

    each = _experiment(name, experiment)
    if not each.commit:
        raise UsageError(f"{experiment} was never stored", "Fork from one that was run.")
    told = _state(name)
    directory = Path(str(told.begun["directory"]))
    if approval.edited(told):
        click.echo(f"with {directory / 'research.toml'} as it is now, not as {name} has it", err=True)
    _go(starting.begin(new, directory, base=each.commit), foreground)


@research.command()
@NAME
@click.argument("experiment")
@click.option("--json", "as_json", is_flag=True)
def rerun(name: str, experiment: str, as_json: bool) -> None:
    """Measure an experiment again: its very tree, command and seed. The ledger gets the result beside the first.

    A loop that is at work does it between two experiments, so that neither is disturbed; this waits for it.
    """
    from agentdeck.errors import UsageError
    from agentdeck.research import hand, places

    each = _experiment(name, experiment)
    if not each.runs:
        raise UsageError(f"{experiment} was never run", "Choose one with a value.")
    told = hand.rerun(places.find(name), each.id)
    if as_json:
        output.data({key: value for key, value in told.items() if key not in ("event", "at", "ask")})
        return
    was, now = _number(told["was"]), _number(told["value"])
    elsewhere = told["machine_then"] not in ("", told["machine"])
    click.echo(f"{experiment} seed {told['seed']}: {now}, was {was} {told['reason']}".rstrip())
    if elsewhere:
        click.echo("This is not the machine, or not in the state, that it was measured on.", err=True)


COMMANDS = (research,)
