"""The script of `agentdeck demo`: four agents, what they are told, and what the scripted model lets them do.

Only the words are scripted. The agents really read, edit, run tests and commit.
While nobody touches the deck, three states are always to be seen: `ada` works in a loop without
end, `bob` stands at a question, `cyd` is idle and takes specs; `watch` is a plain command.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from agentdeck.demo import jobs
from agentdeck.demo.rules import Rule, Scenario
from agentdeck.demo.script import Step

PROMPTS = {
    "ada": "Make the tests pass. Then check the chapter titles one by one, and commit each of them.",
    "bob": "Look at the statistics and mend what is wrong. Ask me before you run anything.",
    "cyd": "Say in one line what this repository is. Then wait for work.",
}

KEY = "sk-ant-scripted-no-account-needed"

SCENARIO = Scenario(
    rules=(
        Rule("check the chapter titles", jobs.MEND_SLUG, loop=jobs.CHECK_CHAPTERS),
        Rule("Ask me before you run anything", jobs.MEND_MEAN, loop=jobs.ASK_AGAIN),
        Rule("Say in one line what this repository is", jobs.INTRODUCE),
        Rule("Shorten at a space", jobs.SHORTEN),
        Rule("The most frequent words", jobs.FREQUENCY),
        Rule("Title case", jobs.TITLES),
        Rule("Examples in the README", jobs.EXAMPLES),
    ),
    default=(*jobs.ANYTHING, Step(say=jobs.CONFESSION)),
    slow=1.5,
)


def agents() -> list[dict[str, Any]]:
    """The four agents: {name, harness, args, prompt}; `args` go to the client, `prompt` is "" for none."""
    found: list[dict[str, Any]] = [
        {"name": name, "harness": "builtin", "args": [] if name == "bob" else ["--yes"], "prompt": prompt}
        for name, prompt in PROMPTS.items()
    ]
    watch = [sys.executable, "tools/watch.py"]
    return [*found, {"name": "watch", "harness": "shell", "args": watch, "prompt": ""}]


def server_argv(ready_file: Path, port: int = 0) -> list[str]:
    """The command that serves this scenario as a process of its own; it writes {"url", "pid"} to `ready_file`."""
    command = [sys.executable, "-m", "agentdeck.demo.server", "--scenario", "demo"]
    return [*command, "--port", str(port), "--ready-file", str(ready_file)]


def environment(url: str) -> dict[str, str]:
    """What agents need to reach the scripted model at `url` and nothing else."""
    return {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": KEY}
