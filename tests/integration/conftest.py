"""In which order the files run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files whose tests may take long come first, then those of many: no long one ends alone."""
    count = Counter(item.path for item in items)
    longest: dict[Path, float] = {}
    for item in items:
        mark = item.get_closest_marker("timeout")
        limit = mark.args[0] if mark else 0
        longest[item.path] = max(limit, longest.get(item.path, 0))
    items.sort(key=lambda item: (-longest[item.path], -count[item.path]))
