"""Lines of other acts as partners of a pair: which count, until when, and what is kept of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from contracts.decision import Decision
from rules.engine.evaluator import Evaluator
from rules.memory.coverage import ALWAYS_US, Coverage
from rules.memory.horizon import DAY_US, PAIRS, Horizon
from rules.memory.partners import Partners
from rules.model import Rule
from rules.pack import Pack
from rules.words import INTERACTIONS
from spec.rules.world import make_rule
from support.remembered_patient import BASE, FINDING, Patient, again
from unit.rules.pair_world import knowledge

DAY = 24
USES = ["prescription.signed", "prescription.amended", "order.signed"]
MESSAGE = {"zh": "{pair.partner}", "en": "{pair.partner}"}
FIRST = {"act_id": "first", "items": [{"drug": "W1", "days_supply": 7}]}
SECOND = {"act_id": "second", "items": [{"drug": "F1", "days_supply": 7}]}


def pairs(name: str = "pairs", **parts: Any) -> Rule:
    usual: dict[str, Any] = {
        "id": f"spec.{name}", "on": USES, "each": INTERACTIONS,
        "when": {"pair.id": {"exists": True}}, "finding": {**FINDING, "message": MESSAGE},
    }  # fmt: skip
    return make_rule(BASE, **{**usual, **parts})


def charges(**finding: Any) -> Rule:
    return pairs(
        "charges", on=["billing.charged", "billing.amended", "billing.refunded"],
        finding={**FINDING, "message": MESSAGE, **finding},
    )  # fmt: skip


def comes(patient: Patient, day: float, **short: Any) -> Decision:
    return patient.comes(day * DAY, **short).decisions[0]


def found(decision: Decision) -> list[str]:
    return [finding.element for finding in decision.findings]


def lacks(decision: Decision) -> set[tuple[str, str]]:
    return {(group.fact, group.why) for group in decision.undetermined}


def ordered(patient: Patient, day: float, drug: str = "W1", **short: Any) -> Decision:
    usual = {"event": "order.signed", "encounter": {"id": "v1", "kind": "inpatient"}}
    return comes(patient, day, **{**usual, "items": [{"drug": drug}], **short})


def test_an_order_without_an_end_lasts_while_its_visit_goes_on() -> None:
    patient = Patient(pairs())
    ordered(patient, 0, act_id="o", starts_at="2026-03-02T00:00:00Z", ends_at=None)
    assert found(comes(patient, 30, **SECOND)) == ["1~o/1:washed"]
    comes(patient, 31, event="encounter.discharged", act_id="v1", encounter={"id": "v1"})
    after = comes(patient, 40, **{**SECOND, "act_id": "third"})
    assert lacks(after) == {("pair.in_context", "not_reported")}


def test_a_stopped_order_ends_when_it_says_and_else_when_it_was_stopped() -> None:
    for ends_at, days in ((None, 5), ("2026-03-10T00:00:00Z", 8)):
        patient = Patient(pairs())
        ordered(patient, 0, act_id="o", ends_at=None)
        ordered(patient, 5, act_id="o", event="order.stopped", revision=2, ends_at=ends_at)
        assert found(comes(patient, days + 1.5, **SECOND))  # two days of washout
        assert comes(patient, days + 3, **{**SECOND, "act_id": "third"}).verdict == "no_rules"


def test_a_later_event_about_an_act_does_not_begin_its_use_anew() -> None:
    patient = Patient(pairs())
    ordered(patient, 5, act_id="o", ends_at=None)
    ordered(patient, 9, act_id="o", event="order.executed", revision=2, ends_at=None)
    for day, is_found in ((21, True), (20, False)):  # fluoxetine, of which 14 days are to pass
        at = f"2026-02-{day}T00:00:00Z"
        item = {"drug": "F1", "days_supply": 1, "service_time": at}
        assert bool(found(comes(patient, 10, act_id=f"a{day}", items=[item]))) is is_found


def test_what_was_stopped_before_it_began_was_never_used() -> None:
    patient = Patient(pairs())
    planned = {"act_id": "o", "starts_at": "2026-03-12T00:00:00Z", "ends_at": None}
    ordered(patient, 0, **planned)
    ordered(patient, 1, event="order.stopped", revision=2, **planned)
    assert not found(comes(patient, 10, **SECOND))


def test_an_act_that_was_cancelled_counts_where_it_was_carried_out_before() -> None:
    for verbs, is_found in (((), False), (("executed",), True)):
        patient = Patient(pairs())
        ordered(patient, 0, act_id="o", ends_at=None)
        for verb in verbs:
            ordered(patient, 1, act_id="o", event=f"order.{verb}", revision=2, ends_at=None)
        ordered(patient, 2, act_id="o", event="order.cancelled", revision=3, ends_at=None)
        assert bool(found(comes(patient, 3.5, **SECOND))) is is_found


def test_a_charge_is_no_second_use_of_what_was_prescribed() -> None:
    patient = Patient(pairs(), charges())
    comes(patient, 0, event="billing.charged", act_id="b", items=[{"item": "M1"}])
    assert comes(patient, 0, items=[{"drug": "D2"}]).verdict == "no_rules"
    assert set(patient.attendant.horizon.families) == {"billing", "order", "prescription"}


def test_a_draft_meets_other_acts_and_is_no_partner_itself() -> None:
    patient = Patient(pairs(on=[*USES, "prescription.draft"]))
    comes(patient, 0, **FIRST, event="prescription.draft")
    assert not found(comes(patient, 1, **SECOND))
    comes(patient, 2, **FIRST, revision=2)
    assert found(comes(patient, 3, **SECOND, event="prescription.draft", revision=2))


def test_two_partners_of_one_name_stay_apart() -> None:
    patient = Patient(pairs())
    comes(patient, 0, **FIRST)
    ordered(patient, 0, act_id="first", ends_at=None)
    assert found(comes(patient, 1, **SECOND)) == ["1~first/1:washed", "1~first/1:washed#2"]


def test_money_covers_the_cheaper_charge_wherever_it_stands() -> None:
    for amounts, line in ((("5", "7.50"), "b1/1"), (("7.50", "5"), "1")):
        patient = Patient(charges(amount="cheaper_of_pair"))
        for number, (code, amount) in enumerate(zip(("X1", "X2"), amounts, strict=True), 1):
            item = {"item": code, "amount": amount, "fund_paid": "4"}
            decision = comes(
                patient, 0.1 * number, event="billing.charged", act_id=f"b{number}", items=[item]
            )
        money = decision.findings[0].amount
        assert money is not None
        assert [(part.line, str(part.total), str(part.fund)) for part in money.lines] == [
            (line, "5", "4")
        ]


def test_a_dose_of_another_act_is_not_kept() -> None:
    told = {**FINDING, "message": MESSAGE, "action": "remind"}
    rule = pairs(finding={**told, "key": ["patient.id"], "once_within": {"parameter": "washout"}})
    patient = Patient(rule)
    comes(patient, 0, **FIRST)
    (finding,) = comes(patient, 1, **SECOND).findings
    assert finding.facts["pair.partner_dose"] == {"unknown": "not_kept"}


def test_the_memory_is_scanned_only_for_lines_that_stand_in_a_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    patient = Patient(pairs())
    comes(patient, 0, **FIRST)
    scans: list[Partners] = []
    scan = Partners._found
    monkeypatch.setattr(Partners, "_found", lambda self: scans.append(self) or scan(self))
    comes(patient, 1, items=[{"drug": "D3"}, {"drug": "D1"}])
    assert not scans
    assert found(comes(patient, 1, **SECOND))
    assert len(scans) == 1


def test_only_lines_that_may_be_halves_of_pairs_between_acts_are_kept() -> None:
    patient = Patient(pairs())
    comes(patient, 0, items=[{"drug": "D1"}, {"drug": "W1"}, {"drug": "urn:x|1"}])
    (act,) = patient.memory.acts.values()
    assert [line.id for line in act.lines] == ["2", "3"]


def test_without_coverage_of_orders_a_prescription_alone_is_never_clean() -> None:
    patient = Patient(pairs(), is_total=False)
    comes(patient, 0, items=[{"drug": "D1"}])
    assert lacks(comes(patient, 300, **SECOND)) == {(INTERACTIONS, "not_covered")}
    ordered(patient, 301, "D1")
    assert lacks(comes(patient, 302, **{**SECOND, "act_id": "a"}))
    assert not lacks(comes(patient, 600, **{**SECOND, "act_id": "b"}))


def test_halves_are_kept_for_their_own_span_and_do_not_widen_windows() -> None:
    horizon = Horizon.of([pairs(), again(), charges()], BASE)
    spans = {held.name: held.span_us // DAY_US for held in horizon.held}
    assert spans == {
        "prescription": 3, f"prescription{PAIRS}": 194, f"order{PAIRS}": 194, f"billing{PAIRS}": 14,
    }  # fmt: skip
    assert horizon.longest_us == 194 * DAY_US


def test_what_is_kept_of_pairs_changes_the_coverage_of_pairs_alone() -> None:
    coverage = Coverage()
    coverage.keep(Horizon.of([again(), pairs()], BASE))
    coverage.hears("s", "prescription", 5)
    coverage.passes(900)
    coverage.keep(Horizon.of([again(), pairs()], knowledge()))  # with more tables
    assert coverage.held["prescription"].since_us == ALWAYS_US
    assert coverage.held[f"prescription{PAIRS}"].since_us == 900
    assert coverage.known_since("prescription") == 5
    coverage.keep(Horizon.of([again()], BASE))
    assert set(coverage.held) == {"prescription"}


def test_acts_of_a_group_are_of_several_patients_and_meet_no_others() -> None:
    rule = replace(pairs(), group_by=("practitioner.id",))
    assert not Horizon.of([rule], BASE, group="practitioner.id").families
    patient = Patient(pairs())
    comes(patient, 0, **FIRST)
    event = patient.event(DAY, **SECOND)
    asked = patient.attendant.meet(event, "", patient.memory, patient.coverage)
    grouped = Evaluator(Pack.of([rule]), BASE)
    decision = grouped.decide(event, "", msgspec.structs.replace(asked, group="practitioner.id"))
    assert not decision.findings
    assert lacks(decision) == {(INTERACTIONS, "partial_list")}


def test_a_line_of_an_unknown_drug_may_meet_one_of_a_later_day_in_its_own_act() -> None:
    patient = Patient(pairs())
    later = {"drug": "W1", "days_supply": 7, "service_time": "2026-03-03T10:00:00Z"}
    decision = comes(patient, 0, items=[{"drug": "urn:x|1"}, later])
    assert lacks(decision) == {("item.drug.ingredients", "not_in_knowledge")}
