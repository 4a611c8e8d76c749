"""The other real clients, isolated: a HOME of their own, dummy keys, the scripted model, no telemetry, no updates."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

# What a client needs in its HOME so that it asks nothing before its first prompt. {url} {repo} are filled in.
_CODEX = """\
model = "gpt-5.5"
model_provider = "scripted"
check_for_update_on_startup = false
[analytics]
enabled = false
[model_providers.scripted]
name = "Scripted"
base_url = "{url}/v1"
env_key = "OPENAI_API_KEY"
wire_api = "responses"
[projects."{repo}"]
trust_level = "trusted"
[notice.model_migrations]
"gpt-5.5" = "gpt-6-sol"
"""
_GEMINI: dict[str, Any] = {
    "security": {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": False}},
    "general": {"enableAutoUpdate": False},
    "privacy": {"usageStatisticsEnabled": False},
}
_AIDER = """\
analytics: false
check-update: false
show-release-notes: false
show-model-warnings: false
gitignore: false
"""
_KEYS = {
    "aider": {"OPENAI_API_KEY": "sk-dummy", "OPENAI_API_BASE": "{url}/v1", "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
    "codex": {"OPENAI_API_KEY": "sk-dummy"},
    "gemini": {"GEMINI_API_KEY": "dummy", "GOOGLE_GEMINI_BASE_URL": "{url}"},
    "opencode": {"OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_MODELS_FETCH": "1"},
}


def seed(name: str, home: Path, url: str, repo: Path) -> Path:
    """Write a client's own configuration; the file written."""
    if name == "codex":
        file, text = home / ".codex/config.toml", _CODEX.replace("{url}", url).replace("{repo}", str(repo))
    elif name == "aider":
        file, text = home / ".aider.conf.yml", _AIDER
    elif name == "gemini":
        file, text = home / ".gemini/settings.json", json.dumps(_GEMINI)
    else:
        file, text = home / ".config/opencode/opencode.json", json.dumps(_opencode(url))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def _opencode(url: str) -> dict[str, Any]:
    models = {"scripted": {"name": "Scripted", "limit": {"context": 200000, "output": 8000}}}
    options = {"baseURL": f"{url}/v1", "apiKey": "dummy"}
    provider = {"npm": "@ai-sdk/openai-compatible", "name": "Local", "options": options, "models": models}
    asks = {"edit": "ask", "bash": "ask"}
    schema = "https://opencode.ai/config.json"  # it writes this line itself where it is missing
    return {
        "$schema": schema,
        "provider": {"local": provider},
        "model": "local/scripted",
        "permission": asks,
        "share": "disabled",
    }


def environment(name: str, binary: Path, home: Path, url: str) -> dict[str, str]:
    """The whole environment of a client: nothing of the caller's own crosses but where programs are."""
    folders = [binary.parent, Path(sys.executable).parent, "/usr/local/bin", "/usr/bin", "/bin"]
    return {
        "PATH": os.pathsep.join(map(str, folders)),
        "HOME": str(home),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "SHELL": "/bin/bash",
        **{key: value.replace("{url}", url) for key, value in _KEYS[name].items()},
    }
