"""The files an agent is started with: its launch script, its settings file, its spool.

tmux gets two words, `/bin/sh FILE`; command line, environment and secrets stand in that
0600 file, which deletes itself before the client starts. So nothing is quoted for tmux,
nothing is too long for it, and nothing secret shows in a process list.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agentdeck import paths
from agentdeck.harnesses.readers import starter
from agentdeck.models.agent import Agent

if TYPE_CHECKING:
    from agentdeck.harnesses.schema import Harness

# One file an event, by rename: parallel hooks appending to one file lose lines. Never fails, never prints.
HOOK = (
    'if [ -n "$DECK_SPOOL" ] && f=$(mktemp "$DECK_SPOOL/.tmp.XXXXXXXXXX" 2>/dev/null); '
    'then cat >"$f" && mv "$f" "$DECK_SPOOL/e.${f##*.}"; else cat >/dev/null; fi; exit 0'
)
STATUSLINE = (
    'in=$(cat); if [ -n "$DECK_SPOOL" ] && f=$(mktemp "$DECK_SPOOL/.tmp.XXXXXXXXXX" 2>/dev/null); '
    'then printf "%s\\n" "$in" >"$f" && mv "$f" "$DECK_SPOOL/statusline.json"; fi; '
    'if [ -n "$DECK_STATUSLINE" ]; then printf "%s\\n" "$in" | sh -c "$DECK_STATUSLINE"; fi; exit 0'
)
AGENT_ID = "DECK_AGENT_ID"  # by it everything that an agent started is known
GONE, SETUP_FAILED = 97, 96  # exit codes of the launch script: the directory is gone, the set-up command failed


def config_home(harness: Harness, environ: Mapping[str, str]) -> str:
    """Where this client keeps its own files when started with this environment."""
    moved = environ.get(harness.config_env, "") if harness.config_env else ""
    return moved or harness.config_default.replace("{home}", environ.get("HOME", str(Path.home())))


def fill(words: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """Replace {placeholders} in each word; anything else in braces stays as it is."""
    return [re.sub(r"\{(\w+)\}", lambda m: values.get(m[1], m[0]), word) for word in words]


def values(agent: Agent) -> dict[str, str]:
    """What the placeholders of a harness file mean for this agent."""
    return {
        "session": agent.session,
        "session_head": agent.session[:8],
        "settings": str(paths.agent_dir(agent.id) / "settings.json"),
        "agent_dir": str(paths.agent_dir(agent.id)),
        "harness_dir": str(paths.package_dir() / "harnesses" / agent.harness),
        "transcript": str(paths.transcripts_dir() / f"{agent.session}.jsonl"),
        "model": agent.model,
        "worktree": agent.worktree,
        "home": agent.home,
        "config_home": agent.config_home,
        "slug": re.sub(r"[^A-Za-z0-9]", "-", str(Path(agent.worktree).resolve())),
        "pid": str(agent.pid),
        "python": sys.executable,
    }


def command(harness: Harness, agent: Agent, *, resume: bool) -> list[str]:
    """The client's command line; the human's own arguments come last."""
    if harness.own_command:
        return list(agent.argv)
    words = harness.start.resume if resume and harness.start.resume else harness.start.argv
    model = harness.start.model if agent.model else []
    more = starter(harness.start.words)(HOOK) if harness.start.words else []
    return [*fill([*words, *model], values(agent)), *more, *agent.argv]


def own_statusline(harness: Harness, agent: Agent) -> str:
    """The human's own statusline command, read from their own settings only; '' without one."""
    found = setting(harness.start.statusline_from, values(agent))
    return found if isinstance(found, str) else ""


def setting(where: str, values: Mapping[str, str]) -> object:
    """One value of a human's own JSON settings, named as "FILE:KEY.KEY"; None when it is not there."""
    file, _, keys = where.rpartition(":")
    if not file:
        return None
    try:
        found: object = json.loads(Path(fill([file], values)[0]).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    for key in keys.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return found


def environment(harness: Harness, agent: Agent, environ: Mapping[str, str]) -> dict[str, str]:
    """The client's environment: the human's, the harness's, and who it is.

    TMUX points at a socket that does not exist, so that an agent's `tmux kill-server`
    cannot reach the fleet; TMUX_PANE is tmux's own and stays.
    """
    decoy = paths.runtime_dir() / agent.id
    own = {
        "TERM": "tmux-256color",
        "TERM_PROGRAM": "tmux",
        "COLORTERM": "truecolor",
        "TMUX": f"{decoy}/none,0,0",
        "TMUX_TMPDIR": str(decoy),
        AGENT_ID: agent.id,
        "DECK_SPOOL": str(paths.spool_dir(agent.id)),
    }
    statusline = own_statusline(harness, agent)
    if statusline:
        own["DECK_STATUSLINE"] = statusline
    lang = {} if any(environ.get(key) for key in ("LC_ALL", "LC_CTYPE", "LANG")) else {"LANG": "C.UTF-8"}
    theirs = dict(zip(harness.start.env, fill([*harness.start.env.values()], values(agent)), strict=True))
    unset = dict(
        zip(harness.start.env_default, fill([*harness.start.env_default.values()], values(agent)), strict=True)
    )
    return {**unset, **environ, **lang, **theirs, **own}


def script(environ: Mapping[str, str], directory: str, argv: Sequence[str], setup: str = "") -> str:
    """The launch script. It clears what the tmux server passes on, then becomes the client."""
    exports = [f"export {key}={shlex.quote(value)}" for key, value in environ.items()]
    lines = [
        'rm -f -- "$0"',
        "for v in $(env | sed -n 's/^\\([A-Za-z_][A-Za-z0-9_]*\\)=.*/\\1/p'); do",
        '  case $v in TMUX_PANE|PWD|_) ;; *) unset "$v" 2>/dev/null ;; esac',
        "done",
        *exports,
        f"cd -- {shlex.quote(directory)} ||",
        f"{{ echo 'deck: the working tree is gone:' {shlex.quote(directory)}; exit {GONE}; }}",
    ]
    if setup:
        lines += [
            f"printf '%s\\n' {shlex.quote('deck: set-up: ' + setup)}",
            f'sh -c {shlex.quote(setup)} || {{ echo "deck: the set-up command failed ($?)"; exit {SETUP_FAILED}; }}',
        ]
    return "\n".join([*lines, "exec " + " ".join(shlex.quote(word) for word in argv), ""])


def prepare(harness: Harness, agent: Agent, environ: Mapping[str, str], *, resume: bool, setup: str = "") -> list[str]:
    """Write all files of a start; returns the two words for tmux."""
    directory = paths.make_private(paths.agent_dir(agent.id))
    paths.make_private(paths.spool_dir(agent.id))
    paths.make_private(paths.runtime_dir())
    paths.make_private(paths.runtime_dir() / agent.id)
    if harness.start.settings:
        text = harness.start.settings.replace("{hook}", json.dumps(HOOK)).replace(
            "{statusline}", json.dumps(STATUSLINE)
        )
        (directory / "settings.json").write_text(text, encoding="utf-8")
    file = directory / "launch.sh"
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    argv = command(harness, agent, resume=resume)
    file.write_text(
        script(environment(harness, agent, environ), agent.worktree, argv, setup),
        encoding="utf-8",
        errors="surrogateescape",
    )
    return ["/bin/sh", str(file)]
