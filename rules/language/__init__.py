"""The meaning of the rule language as tables: run on every engine, and printed as the reference.

    for table in tables():
        for row in table.rows: ...

The tables are YAML files beside this module, their invented knowledge is world.yaml. A new
meaning of a word is a new row.
"""

from rules.language.reference import reference
from rules.language.rows import decide_row, event_of_row, rule_of_row
from rules.language.tables import Row, Table, tables, world

__all__ = [
    "Row",
    "Table",
    "decide_row",
    "event_of_row",
    "reference",
    "rule_of_row",
    "tables",
    "world",
]
