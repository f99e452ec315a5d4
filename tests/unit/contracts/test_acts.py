"""What the verb of an event says of the life of its act."""

from __future__ import annotations

import pytest

from contracts.acts import VERBS, phase_of


@pytest.mark.parametrize("verb", ["signed", "amended", "executed", "dispensed", "charged"])
def test_from_its_signature_until_it_is_carried_out_an_act_is_during(verb: str) -> None:
    assert phase_of(verb) == "during"


@pytest.mark.parametrize("verb", ["returned", "refunded", "discharged", "ended"])
def test_what_is_given_back_and_the_end_of_a_visit_are_post(verb: str) -> None:
    assert phase_of(verb) == "post"


def test_only_a_draft_is_pre() -> None:
    assert {v for verbs in VERBS.values() for v in verbs if phase_of(v) == "pre"} == {"draft"}
