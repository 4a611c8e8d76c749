"""The human's policy file: what it allows, what it denies, and what it leaves to the human."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentdeck.errors import UsageError
from agentdeck.models.agent import Agent
from agentdeck.models.status import Ask
from agentdeck.services.asking.policy import Policy, Rule, Wanted, decide, load, stands, wanted

AGENT = Agent("id", "ann", "claude", "/r", "/t", "deck/ann/1", "", "", "live", created=1)


def answer(argument: str, *rules: Rule, tool: str = "Bash", harness: str = "claude", repo: str = "/r") -> str:
    found = decide(Policy(rules), Wanted(tool, argument, harness, repo))
    return f"{found.answer} {found.number}" if found else "ask"


def allow(argument: str, tool: str = "Bash", **more: str) -> Rule:
    return Rule("allow", tool, argument, **more)


def deny(argument: str, tool: str = "Bash", **more: str) -> Rule:
    return Rule("deny", tool, argument, **more)


@pytest.mark.parametrize(
    "argument",
    [
        "git status; rm -rf /", "git status && x", "git status | sh", "git status $(x)", "git status `x`",
        "git status\nrm x", "git status > ~/.bashrc", "git status & x", "git statusx", "Git status", " git log",
    ],
)  # fmt: skip
def test_an_allowed_beginning_lets_no_other_command_through(argument: str) -> None:
    assert answer(argument, allow("git status"), allow("git status *")) == "ask"


def test_a_pattern_is_the_whole_argument() -> None:
    assert answer("git status", allow("git status")) == "allow 1"
    assert answer("git status -sb 'a b'", allow("git status *")) == "allow 1"
    assert answer("git status -sb", allow("git status")) == "ask"
    assert answer("a.c", allow("a?c")) == "ask", "only the star is special"
    assert answer("anything; at all\n", allow("**")) == "allow 1"
    assert answer("/t/src/a.py", allow("/t/src/*", "Write"), tool="Write") == "allow 1"
    assert answer("/t/src/../../etc/passwd", allow("/t/src/*", "Write"), tool="Write") == "ask"


def test_deny_wins_wherever_it_stands_and_looks_into_compound_commands() -> None:
    rules = (allow("**"), deny("rm *"), deny("*push*"))
    assert answer("rm -rf x", *rules) == "deny 2"
    assert answer("cd x && rm -rf y", *rules) == "deny 2"
    assert answer("echo $(rm y)", *rules) == "deny 2"
    assert answer("git push\n--force", *rules) == "deny 3"
    assert answer("ls", *rules) == "allow 1"


def test_a_rule_may_be_of_one_tool_harness_or_repository() -> None:
    assert answer("ls", allow("ls"), tool="bash") == "ask", "the exact tool"
    assert answer("ls", allow("ls", harness="codex")) == "ask"
    assert answer("ls", allow("ls", harness="claude", repo="/r")) == "allow 1"
    assert answer("ls", allow("ls", repo="/elsewhere")) == "ask"


def test_only_what_the_client_itself_told_is_judged() -> None:
    assert wanted(AGENT, Ask("Bash: git push", "permission", "Bash", "command: git push")) == Wanted(
        "Bash", "git push", "claude", "/r"
    )
    told = wanted(AGENT, Ask("WebFetch", "permission", "WebFetch", "url: https://x.org"))
    assert told is not None and told.argument == "url: https://x.org"
    assert wanted(AGENT, Ask("Do you want to proceed?", "permission")) is None
    assert wanted(AGENT, Ask("Which one?", "question", "AskUserQuestion")) is None
    assert wanted(AGENT, None) is None


def test_the_question_on_the_screen_must_be_the_one_that_was_judged() -> None:
    rows = ["│ Bash command                │", "│   python3 -m unittest -v te │", "│ sts.test_stats              │"]
    assert stands(Wanted("Bash", "python3 -m unittest -v tests.test_stats"), rows)
    assert not stands(Wanted("Bash", "git push"), rows)
    assert stands(Wanted("Write", "/long/way/to/a.py"), ["Do you want to create a.py?"])
    assert not stands(Wanted("Bash", ""), rows)
    assert stands(Wanted("Bash", "ls"), ["Run ls?"])
    assert not stands(Wanted("Bash", "ls"), ["rm -rf else tools"])


def test_the_file_is_read_strictly_and_none_means_no_rules(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    assert load(file) == Policy()
    file.write_text('[[rules]]\ndecision = "allow"\ntool = "Bash"\nargument = "ls *"\n')
    assert load(file).rules == (allow("ls *"),)
    file.write_text('[[rules]]\ndecision = "maybe"\ntool = "Bash"\nargument = "ls"\n')
    with pytest.raises(UsageError, match=r"policy\.toml, line 2: .*decision"):
        load(file)
    file.write_text('[[rules]]\ndecision = "allow"\ntool = "Bash"\n')
    with pytest.raises(UsageError, match="argument"):
        load(file)
    file.write_text('[[rules]]\ndecision = "deny"\ntool = "Bash"\nargument = " "\n')
    with pytest.raises(UsageError, match="must name something"):
        load(file)
