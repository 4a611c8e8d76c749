"""The demo's last line: the command for one's own work, as it is found from anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentdeck.commands.demo import farewell


def test_the_demo_ends_with_a_command_that_is_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "agentdeck"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    assert farewell("bin/agentdeck").endswith(f"cd YOUR-REPOSITORY && {program}")
    monkeypatch.setenv("PATH", str(program.parent))
    assert farewell("bin/agentdeck").endswith("cd YOUR-REPOSITORY && agentdeck")
