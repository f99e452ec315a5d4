"""Fixtures that every test may use."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

pytest_plugins = ["plugins.kafka", "plugins.clickhouse", "plugins.shipped"]


def pytest_collection_finish() -> None:
    """Thousands of collected tests stay to the end: no collection need look at them again."""
    gc.collect()
    gc.freeze()
