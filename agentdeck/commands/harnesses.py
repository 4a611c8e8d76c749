"""Commands about the clients the deck knows: harnesses, and harnesses check."""

from __future__ import annotations

from typing import Any

import click

from agentdeck.commands import output


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True)
@click.pass_context
def harnesses(ctx: click.Context, as_json: bool) -> None:
    """The coding agents this deck knows, and which of them are installed."""
    if ctx.invoked_subcommand is not None:
        return
    rows = _listing()
    if as_json:
        output.data(rows)
        return
    output.table(
        ("NAME", "TITLE", "INSTALLED"),
        ((str(r["name"]), str(r["title"]), _installed(r["path"], str(r["install"]))) for r in rows),
    )


def _listing() -> list[dict[str, Any]]:
    import shutil

    from agentdeck.harnesses import loader

    return [
        {
            "name": name, "title": harness.title, "binary": harness.binary,
            "path": shutil.which(harness.binary) if harness.binary else "", "install": harness.install,
        }
        for name, harness in sorted(loader.load_all().items())
    ]  # fmt: skip


def _installed(path: str | None, install: str) -> str:
    """`path` is '' for a harness that needs no program, None when its program is missing."""
    return f"no: {install}" if path is None else path or "yes"


@harnesses.command()
@click.argument("words", nargs=-1, required=True, metavar="[NAME] SCREEN...")
@click.option("--title", default=None, metavar="TEXT", help="The title of their pane (default: as noted beside them).")
@click.option("--json", "as_json", is_flag=True, help="One list with what was read, by which sign, in which row.")
@click.pass_context
def check(ctx: click.Context, words: tuple[str, ...], title: str | None, as_json: bool) -> None:
    """What kept screens are read as, and by which sign of the harness file.

    SCREEN is a file, a directory of them (*.ansi, *.txt), or - for standard input; with colours or without. NAME is
    the harness; it can be left out where the name of a file or of a directory above it says whose screen it is.
    Where an index.json beside them says what they show, what is read otherwise is marked, and the exit code is 1.

    \b
    agentdeck screen anna --ansi | agentdeck harnesses check claude -
    """
    from agentdeck.services.status import screen_check

    found = [screen_check.read(kept) for kept in screen_check.gather(words, title)]
    if as_json:
        output.data([screen_check.as_json(one) for one in found])
    else:
        output.table(("", "FILE", "STATE", "BY", "SIGN", "ROW"), (_line(one) for one in found))
    total = screen_check.totals(found)
    click.echo(_sum(total), err=True)
    ctx.exit(1 if total.wrong else 0)


def _line(one: Any) -> tuple[str, ...]:
    state = f"{one.state}: {one.reason}" if one.reason else one.state
    wanted = f" (is {one.wanted}{': ' + one.wanted_reason if one.wanted_reason else ''})" if one.wrong else ""
    mark = "✗" if one.wrong else "✓" if one.wanted else "·"
    return mark, one.file, state + wanted, one.source or "-", one.pattern[:40] or "-", one.row[:48]


def _sum(total: Any) -> str:
    states = ", ".join(f"{count} {state}" for state, count in total.states.items())
    share = 100 * total.unknown / total.screens
    judged = ""
    if total.known:
        judged = f"; {total.known - total.wrong} of {total.known} right, {total.missed} blocked ones missed"
    return f"{total.screens} screen{'s' * (total.screens != 1)}: {states}; {share:.1f} % unknown{judged}"


COMMANDS = (harnesses,)
