"""What became of an alert: a state, from everything that was answered to it.

open → accepted | overridden | false_positive
     → appeal_opened → appeal_first_review (初审) → appeal_lodged (申诉)
     → appeal_second_review (复审) → upheld | withdrawn | partly_upheld

Answers come from several systems and late: the state depends on what they say and when they
happened, never on the order in which they arrive. No answer is dropped: one that does not follow
from the one before moves the state all the same, because the missing one may still come, and it is
named. Once there is an appeal it says the state: a response to the alert says nothing of it.

An answer is an act: of its revisions the latest counts, in the place of all before, and one that
was entered in error was never given. The steps of an appeal may be acts of their own or revisions
of one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

OPEN: Final = "open"
RESPONSES: Final = ("accepted", "overridden", "false_positive")
"""What whoever was told answers."""
CLOSED: Final = "appeal_closed"
APPEAL: Final = (
    "appeal_opened", "appeal_first_review", "appeal_lodged", "appeal_second_review", CLOSED,
)  # fmt: skip
"""The steps of an appeal, in their order."""
OUTCOMES: Final = ("upheld", "withdrawn", "partly_upheld")
"""What the closing of an appeal finds; the state from then on."""

UNKNOWN_RESPONSE: Final = "unknown_response"
UNKNOWN_OUTCOME: Final = "unknown_outcome"
NO_OUTCOME: Final = "no_outcome"
NO_REASON: Final = "no_reason"
OUT_OF_TURN: Final = "out_of_turn"

_SETTLED: Final = frozenset({OPEN, *RESPONSES, *OUTCOMES, CLOSED})
_FOLLOWS: Final[dict[str, frozenset[str]]] = {
    "appeal_opened": _SETTLED,
    "appeal_first_review": frozenset({"appeal_opened"}),
    "appeal_lodged": frozenset({"appeal_first_review"}),
    "appeal_second_review": frozenset({"appeal_lodged"}),
    CLOSED: frozenset({"appeal_first_review", "appeal_second_review"}),
}
"""After which states a step of an appeal is in its turn; it may end with the first review."""


class Answer(NamedTuple):
    """One feedback event. They are ordered as their fields are."""

    time_ms: int
    revision: int
    source: str
    id: str
    act_id: str
    alert_id: str
    response: str
    reason: str = ""
    """`system|code`."""
    outcome: str = ""
    is_void: bool = False
    """Whether it says that the answer was entered in error."""


class AlertState(NamedTuple):
    """The state of an alert, since when, and what was odd about its answers."""

    state: str
    since_ms: int | None
    reason: str
    """The coded reason of the latest override, "" where there is none."""
    problems: tuple[str, ...]
    """Each once, sorted."""


def state_of(alert_id: str, answers: Iterable[Answer]) -> AlertState:
    """The state of an alert after all answers, in whatever order and however often they are given.

    Answers to other alerts matter where they correct one to this alert.
    """
    state, since, reason = OPEN, None, ""
    problems: set[str] = set()
    in_appeal = False
    for answer, before in _standing(alert_id, answers):
        response = answer.response
        problems.update(problems_of(answer))
        if response == "overridden":
            reason = answer.reason or reason
        if response in RESPONSES:
            if in_appeal:
                problems.add(OUT_OF_TURN)
                continue
            state = response
        elif response in APPEAL:
            if _FOLLOWS[response].isdisjoint({state, *before}):
                problems.add(OUT_OF_TURN)
            in_appeal = True
            is_found = response == CLOSED and answer.outcome in OUTCOMES
            state = answer.outcome if is_found else response
        else:
            continue
        since = answer.time_ms
    return AlertState(state, since, reason, tuple(sorted(problems)))


def _standing(alert_id: str, answers: Iterable[Answer]) -> list[tuple[Answer, set[str]]]:
    """In their order: the latest revision of each act, and what the act answered before."""
    acts: dict[tuple[str, str], list[Answer]] = {}
    for answer in set(answers):
        acts.setdefault((answer.source, answer.act_id), []).append(answer)
    found = []
    for revisions in acts.values():
        *before, latest = sorted(
            revisions, key=lambda one: (one.revision, one.time_ms, one.id, one)
        )
        if latest.alert_id == alert_id and not latest.is_void:
            found.append((latest, {one.response for one in before}))
    return sorted(found, key=lambda one: one[0])


def problems_of(answer: Answer) -> tuple[str, ...]:
    """What is odd about an answer by itself."""
    found = []
    if answer.response not in (*RESPONSES, *APPEAL):
        found.append(UNKNOWN_RESPONSE)
    if answer.outcome and answer.outcome not in OUTCOMES:
        found.append(UNKNOWN_OUTCOME)
    if answer.response == CLOSED and not answer.outcome:
        found.append(NO_OUTCOME)
    if answer.response == "overridden" and not answer.reason:
        found.append(NO_REASON)
    return tuple(found)
