"""The entry of `agentdeck builtin`: puts one agent together and runs it on the terminal or without one."""

from __future__ import annotations

import asyncio
import contextlib
import platform
import sys
import uuid
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from agentdeck import paths
from agentdeck.builtin import tools
from agentdeck.builtin.headless import Headless
from agentdeck.builtin.history import History, from_rows
from agentdeck.builtin.interactive import Interactive
from agentdeck.builtin.loop import Agent
from agentdeck.builtin.model import Model, check_environment
from agentdeck.builtin.report import Reporter
from agentdeck.builtin.transcript import Transcript, read_rows
from agentdeck.errors import AgentDeckError, UsageError


@dataclass(frozen=True)
class Options:
    """`session` and `resume` are UUIDs, at most one of them given; `tools` a comma-separated list, '' the usual four.

    `prompt` is what a headless run works on ('' reads stdin) and what a session on a terminal begins with.
    """

    yes: bool = False
    headless: bool = False
    tools: str = ""
    model: str = ""
    session: str = ""
    resume: str = ""
    transcript: Path | None = None
    prompt: str = ""


def run(options: Options) -> int:
    """Returns the exit code. AgentDeckError when there is no key, no terminal, or nothing to resume."""
    check_environment()
    session = options.resume or options.session or str(uuid.uuid4())
    path = options.transcript or paths.transcripts_dir() / f"{session}.jsonl"
    history = _resumed(path) if options.resume else History()
    if not options.headless and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("The built-in agent needs a terminal", "Run it in one, or with --headless and a prompt.")
    prompt = options.prompt or (sys.stdin.read() if options.headless else "")
    if options.headless and not prompt.strip():
        raise UsageError("There is no prompt", "Give it as an argument or on stdin.")
    chosen = tools.choose(options.tools)
    transcript = Transcript(path, session)
    try:
        return asyncio.run(_serve(options, session, prompt, chosen, history, transcript))
    finally:
        transcript.close()


def _resumed(path: Path) -> History:
    if not path.exists():
        raise AgentDeckError(f"There is no session to resume at {path}", "Start a new one without --resume.", 2)
    return from_rows(read_rows(path))


async def _serve(
    options: Options,
    session: str,
    prompt: str,
    chosen: dict[str, tools.Tool],
    history: History,
    transcript: Transcript,
) -> int:
    cwd = Path.cwd()
    model = Model(options.model)
    report = Reporter.from_environment(session, transcript.path, cwd)
    front = Headless() if options.headless else Interactive(cwd)
    place = tools.Workplace(cwd, front.output)
    agent = Agent(model, chosen, place, front, report, transcript, history, system_prompt(cwd), ask=not options.yes)
    source = "resume" if options.resume else "startup"
    transcript.append("session", source=source, cwd=str(cwd), model=model.name)
    report.send("SessionStart", source=source)
    model.load()
    reason = "crashed"
    try:
        if isinstance(front, Headless):
            code = await front.run(agent, prompt)
            reason = "done"
            if code == 0:
                sys.stdout.write((place.summary or agent.last_text) + "\n")
            return code
        banner = [f"agentdeck builtin · {model.name} · {cwd}", *_remembered(history)]
        reason = await front.run(agent, banner, prompt)
        with contextlib.suppress(OSError):  # the terminal may be gone
            sys.stdout.write(f"To go on with this session: agentdeck builtin --resume {session}\n")
            sys.stdout.flush()
        return 0
    finally:
        report.send("SessionEnd", reason=reason)
        await model.close()


def _remembered(history: History) -> list[str]:
    said = sum(message["role"] == "user" for message in history.messages)
    return [f"resumed: {said} earlier prompts and results are remembered"] if said else []


def system_prompt(cwd: Path) -> str:
    """Who the model is, where it works, and what the repository itself says about working in it."""
    text = (
        "You are a coding agent in a terminal. You work on the files of one directory with your tools until the "
        "task you were given is done, then say in a few plain sentences what you did and what you could not do.\n"
        "Read before you edit. Keep to the style of the code around. Check your work by running it or its tests. "
        "Do not ask for permission in words: the human is asked whenever a tool needs it.\n\n"
        f"Working directory: {cwd}\nPlatform: {platform.system()}\nDate: {date.today()}\n"
    )
    advice = cwd / "AGENTS.md"
    if advice.is_file():
        text += f"\nWhat the repository's AGENTS.md says:\n{advice.read_text('utf-8', 'replace')[:20_000]}\n"
    return text
