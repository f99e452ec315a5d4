"""What became of an alert, whatever the order in which its answers arrive."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.alert_states import APPEAL, OUTCOMES, RESPONSES, AlertState, Answer, state_of

WORDS = (*RESPONSES, *APPEAL, "", "noted")
CODE = "system|code"
ALERT = "alert"


def told(
    hour: int, response: str, act: str, revision: int = 1, reason: str = "", outcome: str = "",
    *, to: str = ALERT, is_void: bool = False,
) -> Answer:  # fmt: skip
    """An answer of an act; its event is named by act and revision."""
    name = f"{act}/{revision}"
    return Answer(hour, revision, "urn:his", name, act, to, response, reason, outcome, is_void)


def said(*responses: str) -> list[Answer]:
    """Answers an hour apart, each an act; `closed:upheld` carries an outcome."""
    found = []
    for hour, text in enumerate(responses):
        response, _, outcome = text.partition(":")
        reason = CODE if response == "overridden" else ""
        found.append(told(hour, response, f"f{hour}", 1, reason, outcome))
    return found


@pytest.mark.parametrize(
    ("responses", "state", "problems"),
    [
        ([], "open", ()),
        (["accepted"], "accepted", ()),
        (["overridden"], "overridden", ()),
        (["false_positive"], "false_positive", ()),
        (["overridden", "accepted"], "accepted", ()),
        (["appeal_opened"], "appeal_opened", ()),
        (["accepted", "appeal_opened"], "appeal_opened", ()),
        (["appeal_opened", "appeal_first_review"], "appeal_first_review", ()),
        (["appeal_opened", "appeal_first_review", "appeal_closed:withdrawn"], "withdrawn", ()),
        ([*APPEAL[:-1], "appeal_closed:upheld"], "upheld", ()),
        ([*APPEAL[:-1], "appeal_closed:partly_upheld"], "partly_upheld", ()),
        ([*APPEAL[:-1], "appeal_closed:upheld", "appeal_opened"], "appeal_opened", ()),
        ([*APPEAL], "appeal_closed", ("no_outcome",)),
        ([*APPEAL[:-1], "appeal_closed:settled"], "appeal_closed", ("unknown_outcome",)),
        (["appeal_second_review"], "appeal_second_review", ("out_of_turn",)),
        (["appeal_opened", "appeal_lodged"], "appeal_lodged", ("out_of_turn",)),
        (["appeal_opened", "appeal_closed:upheld"], "upheld", ("out_of_turn",)),
        (["appeal_opened", "accepted"], "appeal_opened", ("out_of_turn",)),
        (["noted"], "open", ("unknown_response",)),
        (["accepted", "noted"], "accepted", ("unknown_response",)),
    ],
)
def test_the_state_after(responses: list[str], state: str, problems: tuple[str, ...]) -> None:
    found = state_of(ALERT, said(*responses))
    assert (found.state, found.problems) == (state, problems)


def test_the_reason_of_the_latest_override_is_kept_and_a_missing_one_is_named() -> None:
    first = told(1, "overridden", "1", 1, "system|one")
    second = told(2, "overridden", "2", 1, "system|two")
    assert state_of(ALERT, [second, first]).reason == "system|two"
    bare = told(3, "overridden", "3")
    assert state_of(ALERT, [bare]) == AlertState("overridden", 3, "", ("no_reason",))


def test_since_is_the_time_of_the_answer_that_moved_it_last() -> None:
    assert state_of(ALERT, []).since_ms is None
    assert state_of(ALERT, said("appeal_opened", "accepted", "noted")).since_ms == 0


REVISED: list[tuple[str, list[Answer], str]] = [
    (
        "it was no appeal",
        [told(1, "appeal_opened", "f"), told(2, "accepted", "f", 2)],
        "accepted",
    ),
    (
        "the higher revision, although its time is earlier",
        [told(2, "accepted", "f"), told(1, "overridden", "f", 2, CODE)],
        "overridden",
    ),
    (
        "of equal revisions the later",
        [told(2, "accepted", "f"), told(1, "false_positive", "f")._replace(id="zz")],
        "accepted",
    ),
    (
        "of equal times the greater name",
        [told(1, "accepted", "f"), told(1, "false_positive", "f")._replace(id="zz")],
        "false_positive",
    ),
    (
        "what was entered in error was never given",
        [told(1, "false_positive", "f"), told(2, "", "f", 2, is_void=True)],
        "open",
    ),
    (
        "and the answer before it stands again",
        [
            told(1, "accepted", "f"),
            told(2, "appeal_opened", "g"),
            told(3, "", "g", 2, is_void=True),
        ],
        "accepted",
    ),
    (
        "it was another alert that was answered",
        [told(1, "accepted", "f"), told(2, "accepted", "f", 2, to="another")],
        "open",
    ),
    (
        "and that was this one",
        [told(1, "accepted", "f", to="another"), told(2, "accepted", "f", 2)],
        "accepted",
    ),
    (
        "another source may number its acts alike",
        [told(1, "accepted", "f")._replace(source="urn:lis"), told(0, "false_positive", "f", 2)],
        "accepted",
    ),
]


@pytest.mark.parametrize(
    ("answers", "state"), [one[1:] for one in REVISED], ids=[one[0] for one in REVISED]
)
def test_of_an_act_the_latest_revision_counts(answers: list[Answer], state: str) -> None:
    for order in permutations(answers):
        found = state_of(ALERT, order)
        assert (found.state, found.problems) == (state, ())


def test_the_steps_of_an_appeal_may_be_revisions_of_one_act() -> None:
    steps = [*APPEAL[:-1], "appeal_closed"]
    one = [told(n, step, "f", n + 1, "", "upheld" * (n == 4)) for n, step in enumerate(steps)]
    assert state_of(ALERT, one) == AlertState("upheld", 4, "", ())
    assert state_of(ALERT, one[:3]) == AlertState("appeal_lodged", 2, "", ())
    skipped = [one[0], one[2]]
    assert state_of(ALERT, skipped).problems == ("out_of_turn",)


def test_the_reason_of_an_answer_that_was_replaced_is_none() -> None:
    answers = [told(1, "overridden", "f", 1, CODE), told(2, "accepted", "f", 2)]
    assert state_of(ALERT, answers) == AlertState("accepted", 2, "", ())


def test_every_order_of_a_whole_appeal_leads_to_one_state() -> None:
    answers = said("overridden", *APPEAL[:-1], "appeal_closed:withdrawn")
    assert {state_of(ALERT, order) for order in permutations(answers)} == {state_of(ALERT, answers)}


answers_ = st.lists(
    st.builds(
        Answer, st.integers(0, 3), st.integers(1, 2), st.just("s"), st.sampled_from("abc"),
        st.sampled_from("xyz"), st.sampled_from([ALERT, "another"]), st.sampled_from(WORDS),
        st.sampled_from(["", CODE]), st.sampled_from(["", *OUTCOMES, "x"]), st.booleans(),
    ),
    max_size=6,
)  # fmt: skip


@given(answers_, st.randoms())
def test_neither_order_nor_repetition_of_answers_matters(answers: list[Answer], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = answers * 2
    random.shuffle(shuffled)
    assert state_of(ALERT, shuffled) == state_of(ALERT, answers)
