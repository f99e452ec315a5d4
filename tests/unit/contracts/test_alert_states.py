"""What became of an alert, whatever the order in which its answers arrive."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.alert_states import APPEAL, OUTCOMES, RESPONSES, AlertState, Answer, state_of

WORDS = (*RESPONSES, *APPEAL, "", "noted")
CODE = "system|code"


def said(*responses: str) -> list[Answer]:
    """Answers an hour apart; `closed:upheld` carries an outcome."""
    found = []
    for hour, text in enumerate(responses):
        response, _, outcome = text.partition(":")
        reason = CODE if response == "overridden" else ""
        found.append(Answer(hour, hour + 1, "urn:his", f"f{hour}", response, reason, outcome))
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
    found = state_of(said(*responses))
    assert (found.state, found.problems) == (state, problems)


def test_the_reason_of_the_latest_override_is_kept_and_a_missing_one_is_named() -> None:
    first = Answer(1, 1, "s", "1", "overridden", "system|one")
    second = Answer(2, 2, "s", "2", "overridden", "system|two")
    assert state_of([second, first]).reason == "system|two"
    bare = Answer(3, 3, "s", "3", "overridden")
    assert state_of([bare]) == AlertState("overridden", 3, "", ("no_reason",))


def test_since_is_the_time_of_the_answer_that_moved_it_last() -> None:
    assert state_of([]).since_ms is None
    assert state_of(said("appeal_opened", "accepted", "noted")).since_ms == 0


def test_every_order_of_a_whole_appeal_leads_to_one_state() -> None:
    answers = said("overridden", *APPEAL[:-1], "appeal_closed:withdrawn")
    assert {state_of(order) for order in permutations(answers)} == {state_of(answers)}


answers_ = st.lists(
    st.builds(
        Answer, st.integers(0, 3), st.integers(1, 2), st.just("s"), st.sampled_from("abc"),
        st.sampled_from(WORDS), st.sampled_from(["", CODE]), st.sampled_from(["", *OUTCOMES, "x"]),
    ),
    max_size=6,
)  # fmt: skip


@given(answers_, st.randoms())
def test_neither_order_nor_repetition_of_answers_matters(answers: list[Answer], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = answers * 2
    random.shuffle(shuffled)
    assert state_of(shuffled) == state_of(answers)
