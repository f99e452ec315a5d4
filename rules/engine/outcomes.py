"""How a rule can end for an element, as generated code says it."""

from __future__ import annotations

from typing import Final

NOT_APPLICABLE: Final = 0
SILENT: Final = 1
ALERT: Final = 2
UNVERIFIED: Final = 3
EXEMPT: Final = 4
NOT_EVALUABLE: Final = 5
UNDETERMINED: Final = 6
RULE_ERROR: Final = 7
"""The rule raised."""
