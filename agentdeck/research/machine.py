"""Where experiments run: results of two machines, or of one before and after an upgrade, are not compared blindly."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import shutil
from pathlib import Path


@functools.cache
def details() -> dict[str, str]:
    """What a result may depend on besides tree, command and seed."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "processor": _processor(),
        "cpus": str(os.cpu_count()),
        "python": str(Path(shutil.which("python3") or "").resolve()),
        "python_version": platform.python_version(),
    }


def fingerprint() -> str:
    """The details in twelve characters."""
    told = "|".join(f"{key}={value}" for key, value in sorted(details().items()))
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
