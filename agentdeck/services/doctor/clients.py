"""The coding agents: installed, of which version, logged in as far as can be seen without reading a secret."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from agentdeck.harnesses import loader
from agentdeck.harnesses.schema import Harness
from agentdeck.services.doctor.finding import Finding
from agentdeck.services.lives import launch

VERSION_SECONDS = 8.0


def all_of_them() -> Iterator[Finding]:
    known = [harness for harness in loader.load_all(strict=False).values() if not harness.own_command]
    with ThreadPoolExecutor(max(1, len(known))) as pool:
        for findings in pool.map(lambda harness: list(one(harness, os.environ)), known):
            yield from findings


def one(harness: Harness, environ: Mapping[str, str]) -> Iterator[Finding]:
    """What can be said of one client started with `environ`. Its own version command is run, nothing else."""
    path = shutil.which(harness.binary, path=environ.get("PATH")) if harness.binary else ""
    if path is None:
        yield Finding(harness.name, "note", f"{harness.title} is not installed", harness.install)
        return
    number = _version(path) if path else ""
    home = launch.config_home(harness, environ)
    yield _login(harness, f"{harness.title} {number}".strip(), environ, home)
    if harness.hooks_off and launch.setting(harness.hooks_off, {"config_home": home}) is True:
        file, _, key = harness.hooks_off.rpartition(":")
        text = f"{key} in {file.replace('{config_home}', home)} silences our hooks too: its status comes later"
        yield Finding(harness.name, "warn", text, f"Remove {key} there.")


def _login(harness: Harness, what: str, environ: Mapping[str, str], home: str) -> Finding:
    """Only names of variables and files are looked at, never what they hold."""
    login = harness.login
    named = next((name for name in login.env if environ.get(name)), "")
    if named:
        return Finding(harness.name, "ok", f"{what}; {named} is set")
    values = {"home": environ.get("HOME", ""), "config_home": home}
    files = launch.fill(login.files, values)
    if any(Path(file).exists() for file in files):
        return Finding(harness.name, "ok", f"{what}; it has logged in before")
    if not login.env and not files:
        return Finding(harness.name, "ok", what)
    return Finding(harness.name, "warn" if harness.binary else "note", f"{what}; no sign of a login", login.command)


def _version(path: str) -> str:
    """What `--version` prints, as a number; '' when it says none in time."""
    try:
        done = subprocess.run(
            [path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=VERSION_SECONDS,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r"\d+(\.\d+)+\S*", done.stdout)
    return found[0] if found else ""
