"""What the kernel itself holds a run to: where it may write, what it may not read, no network.

Standard library only, for the supervisor. Linux has Landlock (ABI 2, kernel 5.19) and network namespaces; where there
is neither, `writes` and `network` say so, and nothing is claimed. Numbers are those of linux/landlock.h.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
import sys
from collections.abc import Iterable

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_NO_NEW_PRIVILEGES = 38
_NEW_USER, _NEW_NET = 0x10000000, 0x40000000
_WRITE_FILE, _READ_FILE, _READ_DIR, _REFER, _TRUNCATE = 1 << 1, 1 << 2, 1 << 3, 1 << 13, 1 << 14
_MAKE_AND_REMOVE = sum(1 << bit for bit in range(4, 13))
_READ = _READ_FILE | _READ_DIR
_ONLY_FILES = _WRITE_FILE | _READ_FILE | _TRUNCATE
_SCOPE_SIGNALS = 1 << 1
DEVICES = ("/dev", "/proc")  # written to, never made or removed in
SHARED_MEMORY = "/dev/shm"  # multiprocessing makes its locks there


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def abi() -> int:
    """Which Landlock the kernel has; 0 for none that is of use (the first forbids every rename)."""
    if sys.platform != "linux":
        return 0
    found = _libc().syscall(_CREATE, None, ctypes.c_size_t(0), 1)
    return found if found >= 2 else 0


def network() -> bool:
    """Whether a process can be cut off from the network here."""
    if sys.platform != "linux":
        return False
    pid = os.fork()
    if not pid:
        try:
            cut_off()
            os._exit(0)
        except OSError:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def rules(write: Iterable[str], hide: Iterable[str], read: Iterable[str]) -> int | None:
    """A file descriptor of rules for `enter`; None where the kernel has none.

    Nothing may be written but below `write` (and to devices); nothing that is in `hide` may be read, unless it is
    below `write` or `read`. No signal reaches a process outside.
    """
    version = abi()
    if not version:
        return None
    writing = _WRITE_FILE | _MAKE_AND_REMOVE | _REFER | (_TRUNCATE if version >= 3 else 0)
    hidden = [os.path.realpath(path) for path in hide]
    handled = writing | (_READ if hidden else 0)
    head = struct.pack("QQQ", handled, 0, _SCOPE_SIGNALS) if version >= 6 else struct.pack("Q", handled)
    fd = _checked(_libc().syscall(_CREATE, head, ctypes.c_size_t(len(head)), 0))
    for path in write:
        _allow(fd, path, writing | _READ, handled)
    _allow(fd, SHARED_MEMORY, writing | _READ, handled)
    for path in DEVICES:
        _allow(fd, path, (_WRITE_FILE | _TRUNCATE), handled)
    for path in (*around(hidden), *read) if hidden else ():
        _allow(fd, path, _READ, handled)
    return fd


def around(hidden: Iterable[str]) -> list[str]:
    """All that is beside the hidden paths and the directories above them: rules only allow."""
    hidden = set(hidden)
    above = {parent for path in hidden for parent in _parents(path)}
    found = []
    for directory in sorted(above):
        if directory in hidden or any(parent in hidden for parent in _parents(directory)):
            continue
        try:
            entries = list(os.scandir(directory))
        except OSError:
            continue
        found += [each.path for each in entries if not each.is_symlink() and each.path not in above | hidden]
    return found


def _parents(path: str) -> list[str]:
    parts = path.strip("/").split("/")
    return ["/" + "/".join(parts[:count]) for count in range(len(parts))]


def _allow(fd: int, path: str, access: int, handled: int) -> None:
    try:
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # not there: nothing to allow
    try:
        access &= handled if os.path.isdir(path) else handled & _ONLY_FILES
        if access:
            rule = struct.pack("=Qi", access, beneath)
            _checked(_libc().syscall(_ADD, fd, 1, rule, 0))
    finally:
        os.close(beneath)


def enter(fd: int) -> None:
    """Hold this process and all it will start to the rules, for good."""
    _checked(_libc().prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _checked(_libc().syscall(_RESTRICT, fd, 0))


def cut_off() -> None:
    """Leave this process, and all it will start, a network of its own with nothing in it but itself."""
    user, group = os.getuid(), os.getgid()
    if _libc().unshare(_NEW_NET):
        _checked(_libc().unshare(_NEW_USER | _NEW_NET))
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    _loopback()


def _loopback() -> None:
    """Bring 127.0.0.1 up: trainers talk to themselves."""
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        asked = bytearray(struct.pack("16sh22x", b"lo", 0))
        fcntl.ioctl(made, 0x8913, asked)  # SIOCGIFFLAGS
        flags = struct.unpack_from("h", asked, 16)[0] | 1  # IFF_UP
        struct.pack_into("h", asked, 16, flags)
        fcntl.ioctl(made, 0x8914, asked)  # SIOCSIFFLAGS


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
