"""scripts/bootstrap.sh on machines that lack something: an install where it may, else the exact command."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path("scripts/bootstrap.sh").resolve()
TOOLS = ("sh", "dirname", "cat", "cksum", "sed", "cut", "env", "rm", "grep", "git", "chmod")


class Machine:
    """A checkout whose environment is complete, and a PATH that holds only what is put there."""

    def __init__(self, root: Path) -> None:
        self.checkout = root / "checkout"
        self.bin = root / "bin"
        self.bin.mkdir()
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found
            (self.bin / tool).symlink_to(found)
        (self.checkout / "scripts").mkdir(parents=True)
        shutil.copy(SCRIPT, self.checkout / "scripts")
        (self.checkout / "pyproject.toml").write_text("")
        (self.checkout / "requirements.lock").write_text("")
        self.program(".venv/bin/python", "exit 0", self.checkout)
        seal = "{ cat pyproject.toml requirements.lock scripts/bootstrap.sh | cksum; pwd; } >.venv/.complete"
        subprocess.run(["sh", "-c", seal], cwd=self.checkout, check=True)
        self.user(1000)
        self.program("tmux", "echo tmux 3.3a")

    def program(self, name: str, text: str, below: Path | None = None) -> None:
        file = (below or self.bin) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)

    def user(self, uid: int) -> None:
        self.program("id", f"echo {uid}")

    def bootstrap(self) -> tuple[int, str]:
        run = subprocess.run(
            ["sh", str(self.checkout / "scripts/bootstrap.sh")],
            env={"PATH": str(self.bin)}, capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
        assert run.stdout == ""
        return run.returncode, run.stderr


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_nothing_to_do_says_nothing(machine: Machine) -> None:
    assert machine.bootstrap() == (0, "")


@pytest.mark.parametrize("version", ["3.2", "3.3a", "3.10", "4.0", "next-3.6", "openbsd-7.8", "master"])
def test_a_new_enough_tmux(machine: Machine, version: str) -> None:
    machine.program("tmux", f"echo tmux {version}")
    assert machine.bootstrap() == (0, "")


@pytest.mark.parametrize("version", ["3.1c", "2.9a", "1.8", ""])
def test_an_old_tmux_stops_with_the_command(machine: Machine, version: str) -> None:
    machine.program("tmux", f"echo tmux {version}")
    machine.program("apt-get", "exit 1")
    code, said = machine.bootstrap()
    assert code == 1
    assert f"{f'tmux {version}'.strip()} is too old: tmux 3.2 or newer is needed." in said
    assert "Run: sudo apt-get install -y tmux" in said


@pytest.mark.parametrize(
    ("manager", "command"),
    [
        ("apt-get", "sudo apt-get install -y tmux"),
        ("dnf", "sudo dnf install -y tmux"),
        ("apk", "sudo apk add tmux"),
        ("pacman", "sudo pacman -S --noconfirm tmux"),
        ("zypper", "sudo zypper --non-interactive install tmux"),
        ("", "Install tmux with the package manager of your system"),
    ],
)
def test_without_tmux_and_without_rights_the_command_is_said(machine: Machine, manager: str, command: str) -> None:
    (machine.bin / "tmux").unlink()
    if manager:
        machine.program(manager, "echo must not run >&2; exit 9")
    code, said = machine.bootstrap()
    assert code == 1
    assert "tmux 3.2 or newer is needed and was not found." in said
    assert command in said
    assert "must not run" not in said


@pytest.mark.parametrize("by", ["root", "sudo"])
def test_tmux_is_installed_where_it_may_be(machine: Machine, by: str, tmp_path: Path) -> None:
    tmux = machine.bin / "tmux"
    tmux.unlink()
    log = tmp_path / "log"
    machine.program(
        "apt-get",
        f"echo $* >>{log}\ncase $1 in install) echo '#!/bin/sh\necho tmux 3.5' >{tmux}; chmod 755 {tmux};; esac",
    )
    if by == "root":
        machine.user(0)
    else:
        machine.program("sudo", f'echo sudo $1 >>{log}\n[ "$1" = -n ] && shift\n[ "$1" = true ] || exec "$@"')
    code, said = machine.bootstrap()
    assert (code, said.startswith("agentdeck: installing tmux")) == (0, True)
    lines = [line for line in log.read_text().splitlines() if not line.startswith("sudo")]
    assert lines == ["update -qq", "install -y tmux"]
    assert ("sudo -n" in log.read_text()) == (by == "sudo")


def test_a_failed_install_says_the_command(machine: Machine) -> None:
    (machine.bin / "tmux").unlink()
    machine.user(0)
    machine.program("apt-get", "exit 100")
    code, said = machine.bootstrap()
    assert code == 1
    assert "Run: apt-get install -y tmux" in said


def test_an_old_python_stops_with_the_command(machine: Machine) -> None:
    (machine.checkout / ".venv/.complete").unlink()
    machine.program("python3", "exit 1")
    machine.program("dnf", "exit 1")
    code, said = machine.bootstrap()
    assert code == 1
    assert "Python 3.11 or newer is needed and was not found" in said
    assert "Run: sudo dnf install -y python3" in said


def test_a_python_without_venv_stops_with_the_command(machine: Machine) -> None:
    (machine.checkout / ".venv/.complete").unlink()
    machine.program("python3", 'case $2 in *executable*) echo "$0";; *print*) echo 3.12;; *ensurepip*) exit 1;; esac')
    machine.program("apt-get", "exit 1")
    code, said = machine.bootstrap()
    assert code == 1
    assert "cannot make virtual environments" in said
    assert "Run: sudo apt-get install -y python3.12-venv" in said


def test_no_address_is_written_down() -> None:
    """Packages come by name, from whatever index the machine is set up for."""
    for name in ("requirements.lock", "scripts/bootstrap.sh", "Makefile", "pyproject.toml"):
        assert "://" not in Path(name).read_text(), name
