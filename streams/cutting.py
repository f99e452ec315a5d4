"""Decisions that are too large for a record, cut to a marked form that still counts everything."""

from __future__ import annotations

from typing import Final

import msgspec

from contracts.decision import Alert, Decision, Finding, encode_record

TOO_LARGE: Final = "too_large"


def fit_decision(decision: Decision, max_bytes: int) -> tuple[Decision, bytes]:
    """The decision as it can be stored, and its bytes: at most `max_bytes`, where it can be.

    Dropped in this order, until it fits: recorded facts of event and elements; the facts,
    thresholds and evidence of findings; then findings and lists of what was not checked, from
    the end. The coverage always stays whole, and `cut` says that something is missing.
    """
    encoded = encode_record(decision)
    if len(encoded) <= max_bytes:
        return decision, encoded
    smaller = msgspec.structs.replace(decision, facts={}, elements={}, cut=TOO_LARGE)
    encoded = encode_record(smaller)
    if len(encoded) <= max_bytes:
        return smaller, encoded
    smaller = msgspec.structs.replace(smaller, findings=tuple(map(_bare, smaller.findings)))
    keep = max(len(smaller.findings), len(smaller.not_evaluable), len(smaller.undetermined))
    encoded = encode_record(smaller)
    while len(encoded) > max_bytes and keep > 0:
        keep //= 2
        smaller = msgspec.structs.replace(
            smaller,
            findings=smaller.findings[:keep],
            not_evaluable=smaller.not_evaluable[:keep],
            undetermined=smaller.undetermined[:keep],
        )
        encoded = encode_record(smaller)
    if len(encoded) > max_bytes:
        smaller = msgspec.structs.replace(smaller, rules={})
        encoded = encode_record(smaller)
    return smaller, encoded


def fit_alert(alert: Alert, max_bytes: int) -> bytes:
    """The alert's bytes; without facts, thresholds and evidence where it is too large."""
    encoded = encode_record(alert)
    if len(encoded) <= max_bytes:
        return encoded
    return encode_record(msgspec.structs.replace(alert, finding=_bare(alert.finding)))


def _bare(finding: Finding) -> Finding:
    return msgspec.structs.replace(finding, facts={}, thresholds=(), evidence=(), suggest=())
