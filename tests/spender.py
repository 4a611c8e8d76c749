"""A client that spends tokens at its own pace and takes no notice of an interrupt: what budgets are for.

It writes the transcript of our own agent, one response of 1000 tokens ($0.01) a pause, commits nothing, and leaves a
line of work in its worktree each time.
"""

from __future__ import annotations

from agentdeck import paths

TOKENS = 1000
DOLLARS = 0.01
MODEL = "spender-1"
_SCRIPT = """#!/bin/sh
# transcript session pause count: count 0 waits for ever
trap '' INT
n=0
while [ "$4" -eq 0 ] || [ "$n" -lt "$4" ]; do
  n=$((n + 1))
  stamp=$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)
  echo "work $n" >> work.txt
  [ "$4" -eq 0 ] || printf '{"type":"assistant","ts":"%s","session":"%s","id":"m%s-%s","model":"@MODEL@","usage":{"input_tokens":900,"output_tokens":100}}\\n' "$stamp" "$2" "$2" "$n" >> "$1"
  echo "response $n at $stamp"
  sleep "$3"
done
exec sleep 1000
"""  # noqa: E501
_HARNESS = """name = "spender"
title = "Spender"
process_status = true
[start]
argv = ["sh", "{script}", "{{transcript}}", "{{session}}"]
session_ids = true
[keys]
interrupt = ["C-c"]
[transcript]
reader = "builtin"
path = "{{transcript}}"
"""


def install() -> None:
    """Put the harness `spender` in the deck of this process's DECK_HOME, and its price in config.toml.

    ARGS of an agent: the pause in seconds, and how many responses (0: none, it only waits).
    """
    folder = paths.user_harnesses_dir()
    folder.mkdir(parents=True, exist_ok=True)
    paths.transcripts_dir().mkdir(parents=True, exist_ok=True)
    script = folder.parent / "spender.sh"
    script.write_text(_SCRIPT.replace("@MODEL@", MODEL))
    (folder / "spender.toml").write_text(_HARNESS.format(script=script))
    paths.config_file().write_text(f'[prices."{MODEL}"]\ninput = 10.0\noutput = 10.0\n')
