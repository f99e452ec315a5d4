"""Operating indicators: defined in YAML, compiled to SQL over the current acts.

No indicator is fed by an additive view: each is computed from the last state of every act, so a
redelivery, a duplicate or a rebuild changes no figure, and a late event restates the day it
belongs to.
"""

from sinks.indicators.definition import Definition, load_definitions
from sinks.indicators.figures import DIMENSIONS, Figure, query, sync_institutions, today
from sinks.indicators.statement import Statement, compile_statement

__all__ = [
    "DIMENSIONS",
    "Definition",
    "Figure",
    "Statement",
    "compile_statement",
    "load_definitions",
    "query",
    "sync_institutions",
    "today",
]
