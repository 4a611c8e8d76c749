"""Installed as a stranger would, into an empty environment, by the real package managers; then the headless demo."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = ROOT / ".uv" / "bin" / "uv"
PIPX = "pipx==1.18.4"
SECONDS = 12
# Where packages come from and whom to trust about it is this machine's business; all else is empty.
KEPT = ("SSL_CERT_FILE", "SSL_CERT_DIR", "PIP_CERT", "PIP_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "HTTPS_PROXY")


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {
        **kept,
        "PATH": f"{home / 'bin'}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "UV_SYSTEM_CERTS": "1",
        "UV_PYTHON": sys._base_executable,  # type: ignore[attr-defined]
        "UV_PYTHON_DOWNLOADS": "never",
        "DECK_HOME": str(home / "deck"),
        **more,
    }


def run(argv: list[str], environ: dict[str, str], cwd: Path) -> str:
    done = subprocess.run(argv, env=environ, cwd=cwd, capture_output=True, text=True, check=False, timeout=150)
    assert done.returncode == 0, f"{argv}\n{done.stdout}{done.stderr}"
    return done.stdout


def by_uv(home: Path) -> dict[str, str]:
    environ = environment(home, UV_TOOL_DIR=str(home / "tools"), UV_TOOL_BIN_DIR=str(home / "bin"))
    run([str(UV), "tool", "install", "."], environ, ROOT)
    return environ


def by_pipx(home: Path) -> dict[str, str]:
    environ = environment(home, PIPX_HOME=str(home / "pipx"), PIPX_BIN_DIR=str(home / "bin"), PIPX_DEFAULT_PYTHON="")
    environ["PIPX_DEFAULT_PYTHON"] = environ["UV_PYTHON"]
    run([str(UV), "tool", "run", "--from", PIPX, "pipx", "install", "."], environ, ROOT)
    return environ


@pytest.mark.parametrize("install", [by_uv, by_pipx])
def test_an_installed_package_runs_the_demo(install: object, own_machine: Path) -> None:
    if not UV.exists():
        pytest.skip("no uv in .uv: `make setup` puts it there")
    home = own_machine / "home"
    environ = install(home)  # type: ignore[operator]
    agentdeck = str(home / "bin" / "agentdeck")
    assert run([agentdeck, "--version"], environ, home).startswith("agentdeck")
    names = {row["name"] for row in json.loads(run([agentdeck, "themes", "--json"], environ, home))}
    assert {file.stem for file in (ROOT / "themes").glob("*.toml")} <= names
    summary = json.loads(run([agentdeck, "demo", "--headless", str(SECONDS)], environ, home))
    assert summary["errors"] == []
    assert {"needs_input", "idle"} <= {agent["status"]["state"] for agent in summary["agents"]}
    assert summary["usage"]["total"]["output_tokens"] > 0
