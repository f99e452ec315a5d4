"""The columns that the verifier's rows have are those of the table."""

from __future__ import annotations

import re

from sinks.schema import migrations
from sinks.tables import VERIFICATIONS


def test_the_columns_are_those_of_the_migration() -> None:
    text = "\n".join(s for m in migrations() for s in m.statements)
    body = text.split(f"CREATE TABLE IF NOT EXISTS {VERIFICATIONS.name}\n")[1].split("ENGINE")[0]
    for name in VERIFICATIONS.names:
        assert re.search(rf"^\s+{name.removeprefix('rules.')} ", body, re.M), name
