"""Third-party data beside the checkout; the tests that need it are skipped where it is absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


def shared_data(name: str) -> Path:
    """The folder of that name; skips the test where there is none."""
    root = Path(os.environ.get("YIJIAN_SHARED_DATA") or _ROOT.parent / "shared" / "data")
    folder = root / name
    if not folder.exists():
        pytest.skip(f"third-party data {name} is not on this machine")
    return folder
