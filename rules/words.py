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
PRE_RESULT: Final = "reminder"
"""What a finding before the act is, whatever the rule says of other phases."""
SUGGESTIONS: Final = ("remove", "reduce", "replace", "add", "ask")
SUGGESTED_VALUES: Final = {"reduce": "to", "replace": "with"}
"""The word that says to what, or with what, by the verb of a suggestion."""
AMOUNTS: Final = ("whole", "cheaper_of_pair", "later_of_pair")
EXCESS: Final = "excess"
EXCESSES: Final = ("quantity", "days", "price")
INTERACTIONS: Final = "item.interactions"
"""The list of pairs that `each` can name."""

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
    "group_by",
    "scope",
    "expect",
    "unless",
    "if_unknown",
    "limits",
    "authored_by",
    "checked_by",
    "reviewed_on",
    "next_review",
    "retired_because",
    "versions",
)
VERSION_REQUIRED: Final = ("version", "effective", "on", "when", "finding", "evidence")
VERSION_OPTIONAL: Final = (
    "title", "each", "group_by", "scope", "expect", "unless", "if_unknown", "limits",
)  # fmt: skip
"""An older body is whole: only the title is that of the rule where it has none of its own."""
FINDING_REQUIRED: Final = ("result", "severity", "action", "audience", "message")
FINDING_OPTIONAL: Final = ("by_phase", "key", "once_within", "suggest", "amount", "overrides")
BY_PHASE: Final = ("result", "severity", "action", "audience", "message", "key")

EQUALITY: Final = ("is", "is_not")
MEMBERSHIP: Final = ("in", "not_in")
LIST_MEMBERSHIP: Final = ("any_in", "none_in", "all_in")
ORDER: Final = ("below", "at_most", "above", "at_least")
OPERATORS: Final = (
    *EQUALITY, *MEMBERSHIP, *LIST_MEMBERSHIP, *ORDER, "between", "overlaps", "exists",
)  # fmt: skip
FRESH_WITHIN: Final = "fresh_within"
"""What may stand beside an operator."""
SOME: Final = ("in", "where")
HISTORY: Final = "history"
COMBINATORS: Final = ("all", "any", "not", "some", HISTORY)
HISTORY_KEYS: Final = (
    "of", "where", "within", "same", "before", "including",
    "count", "sum", "distinct", "exists", "none", "last",
)  # fmt: skip
AGGREGATES: Final = ("count", "sum", "distinct", "exists", "none", "last")
MEASURED: Final = ("count", "sum", "distinct")
"""Aggregates that are numbers and are compared; `including` must be said of them."""
MEASURES: Final = (*ORDER, "between")
"""What they are compared with."""
INCLUDING: Final = ("this", "others")
SAME: Final = ("day", "encounter", "prescription", "calendar_month", "calendar_year")
THIS: Final = "this."
"""Before the name of a fact of the present act, inside `history`."""
CALENDAR: Final = ("days", "months", "years")
WORKING_DAYS: Final = "working_days"
"""The unit of a parameter that is counted in working days; only a length of time has it."""
OPERANDS: Final = ("fact", "codeset", "parameter", *CALENDAR)

EXPECT: Final = "expect"
EXPECT_REQUIRED: Final = ("event", "match", "within")
EXPECT_OPTIONAL: Final = (
    "where", "from", "until", "extend", "every", "remind_before", "escalate", "grace",
)  # fmt: skip

NOT_BUILT: Final = {"rule": frozenset({"indicator"}), "conditions": frozenset({"indicator"})}
"""Words of the language's design that this version refuses by name, by where they stand.

What each needs, and what to write until it is there, stands in rules.later.
"""
PLACES: Final = {
    "expect": "beside `on`, in place of `when`",
    "group_by": "beside `on`",
    "history": "among the conditions of `when`",
    "once_within": "in `finding`",
    "overrides": "in `finding`",
    "timeline": "in the test file",
}
"""Where words stand that can mean nothing else."""
_WAITS: Final = f"what must follow is said by `expect`, which stands {PLACES['expect']}"
INSTEAD: Final = {
    "every": _WAITS,
    "repeat": _WAITS,
    "deadline": _WAITS,
    "subsumes": f"a finding stands for others by `overrides`, {PLACES['overrides']}",
    WORKING_DAYS: f"write {{parameter: …}}, of a parameter whose unit is {WORKING_DAYS}",
}
"""What to write in place of words that authors try, and that the language has not."""


def nearest(word: str, known: Iterable[str]) -> str:
    """A proposal for a misspelt word: `did you mean …?` with up to three known words, or ""."""
    found = get_close_matches(word, list(known), n=3, cutoff=0.6)
    return f"did you mean {' or '.join(found)}?" if found else ""


def listing(words: Iterable[str]) -> str:
    """The words for a message: `a, b or c`."""
    *head, last = list(words)
    return f"{', '.join(head)} or {last}" if head else last
