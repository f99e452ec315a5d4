"""Fixtures that every test may use."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

pytest_plugins = ["plugins.kafka", "plugins.clickhouse"]
