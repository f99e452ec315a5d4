"""From the rails of a rule to its outcome, as the design's table says."""

from __future__ import annotations

from collections.abc import Set

from rules.engine.outcomes import (
    ALERT,
    EXEMPT,
    NOT_APPLICABLE,
    NOT_EVALUABLE,
    SILENT,
    UNDETERMINED,
    UNVERIFIED,
)


def outcome_of(rails: Set[str]) -> int:
    """The outcome where these rails hold."""
    if "scope+" not in rails:
        return NOT_APPLICABLE if "scope-" in rails else UNDETERMINED
    if "when-" in rails:
        return SILENT
    if "unless+" in rails:
        return EXEMPT
    if "when+" not in rails:
        return NOT_EVALUABLE
    return ALERT if "unless-" in rails else UNVERIFIED
