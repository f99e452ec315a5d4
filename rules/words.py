"""The closed vocabulary of the rule language: the words, and the words that are not built yet."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

STATUSES: Final = ("draft", "shadow", "active", "retired")
EVALUATED: Final = frozenset({"shadow", "active"})
PHASES: Final = ("pre", "during", "post")

RESULTS: Final = ("violation", "suspected", "reminder")
SEVERITIES: Final = ("critical", "warning", "info")
ACTIONS: Final = ("block", "require_second_signature", "require_reason", "remind")
AUDIENCES: Final = (
    "prescriber",
    "attending",
    "pharmacist",
    "department",
    "insurer",
    "regulator",
)
IF_UNKNOWN: Final = ("count", "remind")
SUGGESTIONS: Final = ("remove", "reduce", "replace", "add", "ask")

RULE_REQUIRED: Final = (
    "id",
    "version",
    "title",
    "status",
    "effective",
    "on",
    "when",
    "finding",
    "evidence",
)
RULE_OPTIONAL: Final = (
    "taxonomy",
    "each",
    "scope",
    "unless",
    "if_unknown",
    "limits",
    "authored_by",
    "checked_by",
    "reviewed_on",
    "next_review",
)
FINDING_REQUIRED: Final = ("result", "severity", "action", "audience", "message")
FINDING_OPTIONAL: Final = ("by_phase", "key", "suggest")
BY_PHASE: Final = ("result", "severity", "action", "audience", "message")

EQUALITY: Final = ("is", "is_not")
MEMBERSHIP: Final = ("in", "not_in")
LIST_MEMBERSHIP: Final = ("any_in", "none_in", "all_in")
ORDER: Final = ("below", "at_most", "above", "at_least")
OPERATORS: Final = (*EQUALITY, *MEMBERSHIP, *LIST_MEMBERSHIP, *ORDER, "between", "exists")
COMBINATORS: Final = ("all", "any", "not")
OPERANDS: Final = ("fact", "codeset", "parameter")

NOT_BUILT: Final = {
    "rule": frozenset({"versions", "expect", "group_by", "indicator", "overrides"}),
    "finding": frozenset({"once_within", "amount", "overrides"}),
    "conditions": frozenset({"history", "expect", "some", "indicator", "group_by"}),
    "operators": frozenset({"overlaps", "fresh_within", "some"}),
    "operands": frozenset({"days", "months", "years", "hours", "quantity", "duration"}),
    "tests": frozenset({"timeline"}),
}
"""Words of the language's design that this version refuses by name, by where they stand."""


def nearest(word: str, known: Iterable[str]) -> str:
    """A proposal for a misspelt word: `did you mean …?` with up to three known words, or ""."""
    found = get_close_matches(word, list(known), n=3, cutoff=0.6)
    return f"did you mean {' or '.join(found)}?" if found else ""


def listing(words: Iterable[str]) -> str:
    """The words for a message: `a, b or c`."""
    *head, last = list(words)
    return f"{', '.join(head)} or {last}" if head else last
