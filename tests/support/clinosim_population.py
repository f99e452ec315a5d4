"""A FHIR R4 population from clinosim (MIT), a development dependency: bulk NDJSON for a seed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def generate(folder: Path, *, seed: int = 7, population: int = 120, days: int = 20) -> list[Path]:
    """The NDJSON files, one a resource type, of a hospital's days up to 2026-11-20.

    Runs clinosim's command in a process of its own: it configures logging for its whole process.
    """
    command = [
        str(Path(sys.executable).with_name("clinosim")), "simulate", "--country", "US",
        "-o", str(folder), "-p", str(population), "-s", str(seed),
        "--start", f"2026-11-{20 - days + 1:02}", "--end", "2026-11-20", "--format", "fhir-r4",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    if done.returncode:
        raise RuntimeError(f"clinosim failed with {done.returncode}: {done.stderr[-2000:]}")
    return sorted((folder / "fhir_r4").glob("*.ndjson"))
