"""Pairs of lines: which are found, in which context, under which name, and what is never clean."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.decision import Decision
from rules import Evaluator
from rules.authoring.shorthand import event_of
from rules.facts.pair_search import MAX_LINES
from rules.pack import Pack
from unit.rules.pair_world import FINDING, INTERACTIONS, decide, knowledge, pair_rule

OPIOID, QUINOLONE, PENICILLIN, GINSENG = "D4", "D2", "D1", "H1"
ITEM = "urn:yijian:demo:item"


def only(table: str) -> dict[str, Any]:
    return {"scope": {"pair.table": {"is": table}}}


def items(*drugs: str, **more: Any) -> list[dict[str, Any]]:
    return [{"drug": drug, **more} for drug in drugs]


def missing(decision: Decision) -> list[tuple[str, str, str]]:
    return [(group.element, group.fact, group.why) for group in decision.undetermined]


def test_a_pair_of_lines_is_found_once_with_its_row() -> None:
    rule = pair_rule(**only("act_pairs"))
    decision = decide(rule, items=items(OPIOID, QUINOLONE))
    (finding,) = decision.findings
    assert finding.element == "1~2:own_opioid_quinolone"
    assert finding.pair is not None
    assert (finding.pair.table, finding.pair.id) == ("act_pairs", "own_opioid_quinolone")
    assert (finding.pair.item, finding.pair.partner) == ("2", "1")
    assert finding.message.zh == "药D2与药D4:机制"
    assert finding.message.en == "drug D2 with drug D4: mechanism"
    assert finding.key == "test|patient-1|own_opioid_quinolone"
    assert decision.elements["1~2:own_opioid_quinolone"]["pair.in_context"] is True


def test_the_name_of_a_pair_does_not_depend_on_the_order_of_its_lines() -> None:
    rule = pair_rule(**only("act_pairs"))
    lines = [{"drug": OPIOID, "line_id": "a"}, {"drug": QUINOLONE, "line_id": "b"}]
    one, other = (decide(rule, items=listed).findings[0] for listed in (lines, lines[::-1]))
    assert one.element == other.element == "a~b:own_opioid_quinolone"
    assert one.alert_id == other.alert_id


def test_a_class_holds_the_members_of_its_subclasses_as_of_the_day() -> None:
    rule = pair_rule(**only("act_pairs"))
    assert decide(rule, items=items("OWN2", QUINOLONE)).verdict == "findings"
    assert decide(rule, items=items("OWN1", QUINOLONE)).verdict == "no_rules"
    later = decide(rule, at="2027-01-01T10:00+08:00", items=items("OWN1", QUINOLONE))
    assert later.verdict == "findings"


def test_two_members_of_one_class_are_a_pair_and_a_line_is_none_with_itself() -> None:
    rule = pair_rule(**only("act_pairs"))
    assert decide(rule, items=items("D3")).verdict == "no_rules"
    (finding,) = decide(rule, items=items("D1", "D3")).findings
    assert (finding.element, finding.severity) == ("1~2:own_penicillins", "info")


def test_the_severity_of_a_finding_is_read_from_the_table() -> None:
    rule = pair_rule(**only("act_pairs"))
    assert decide(rule, items=items(OPIOID, QUINOLONE)).findings[0].severity == "warning"
    assert decide(rule, items=items(PENICILLIN, "D3")).findings[0].severity == "info"


def test_one_table_feeds_an_interrupting_and_a_quiet_rule() -> None:
    loud = pair_rule(
        "loud",
        scope={"pair.table": {"is": "act_pairs"}, "pair.severity": {"is": "major"}},
        finding={**FINDING, "severity": "critical", "action": "block"},
    )
    quiet = pair_rule(
        "quiet", scope={"pair.table": {"is": "act_pairs"}, "pair.severity": {"is": "minor"}},
        finding={**FINDING, "severity": "info", "action": "remind"},
    )  # fmt: skip
    decision = decide(loud, quiet, items=items(OPIOID, QUINOLONE, PENICILLIN, "D3"))
    said = {(f.rule_id, f.element) for f in decision.findings}
    assert said == {
        ("spec.loud", "1~2:own_opioid_quinolone"),
        ("spec.quiet", "3~4:own_penicillins"),
    }


@pytest.mark.parametrize(
    ("one", "other", "outcome"),
    [
        ({"infusion_group": "a"}, {"infusion_group": "a"}, "findings"),
        ({"infusion_group": "a"}, {"infusion_group": "b"}, "no_rules"),
        ({"infusion_group": "a"}, {"infusion_group": None}, "no_rules"),
        ({"infusion_group": "a"}, {}, "incomplete"),
        ({}, {"infusion_group": None}, "no_rules"),
        ({}, {}, "incomplete"),
        ({"route": "intravenous"}, {"route": "oral"}, "no_rules"),
        ({"route": "intravenous"}, {"route": "intravenous"}, "incomplete"),
    ],
)
def test_a_bag_is_shown_by_the_group_of_its_lines(
    one: dict[str, Any], other: dict[str, Any], outcome: str
) -> None:
    decision = decide(
        pair_rule(**only("own_mixtures")),
        items=[{"drug": OPIOID, **one}, {"drug": GINSENG, **other}],
    )
    assert decision.verdict == outcome
    if outcome == "incomplete":
        assert missing(decision) == [("1~2:own_in_bag", "pair.in_context", "not_reported")]


def used(drug: str, day: str, **more: Any) -> dict[str, Any]:
    return {"drug": drug, "service_time": f"{day}T10:00+08:00", **more}


@pytest.mark.parametrize(
    ("lines", "is_found"),
    [
        # After ginseng 14 days must pass; its 7 days end before the 9th.
        ([used(GINSENG, "2026-03-02", days_supply=7), used(QUINOLONE, "2026-03-22")], True),
        ([used(GINSENG, "2026-03-02", days_supply=7), used(QUINOLONE, "2026-03-23")], False),
        # After the quinolone 35 days: the gap of the other order.
        ([used(QUINOLONE, "2026-03-02", days_supply=7), used(GINSENG, "2026-04-12")], True),
        ([used(QUINOLONE, "2026-03-02", days_supply=7), used(GINSENG, "2026-04-13")], False),
        # The order of the lines in the act does not matter, the order of use does.
        ([used(QUINOLONE, "2026-03-22"), used(GINSENG, "2026-03-02", days_supply=7)], True),
        ([used(QUINOLONE, "2026-03-23"), used(GINSENG, "2026-03-02", days_supply=7)], False),
        # Used on one day, both are there, whatever the supply.
        ([used(GINSENG, "2026-03-02"), used(QUINOLONE, "2026-03-02")], True),
        # Within the gap after the begin it is one, though nobody knows the end.
        ([used(GINSENG, "2026-03-02"), used(QUINOLONE, "2026-03-15")], True),
        ([used(GINSENG, "2026-03-02"), used(QUINOLONE, "2026-03-17")], None),
    ],
)
def test_a_washout_gap_follows_the_order_of_use(
    lines: list[dict[str, Any]], is_found: bool | None
) -> None:
    decision = decide(pair_rule(**only("own_washouts")), items=lines)
    assert bool(decision.findings) == bool(is_found)
    unknown = ("1~2:own_ginseng_quinolone", "pair.in_context", "not_reported") in missing(decision)
    assert unknown == (is_found is None)


def test_the_later_line_is_the_item_and_the_gap_is_that_of_the_day() -> None:
    message = {"zh": "{pair.partner}→{item.drug.name} {pair.washout}", "en": "{pair.washout}"}
    rule = pair_rule(**only("own_washouts"), finding={**FINDING, "message": message})
    listed = [used(QUINOLONE, "2027-01-10"), used(GINSENG, "2026-12-28", days_supply=7)]
    (finding,) = decide(rule, at="2026-12-28T10:00+08:00", items=listed).findings
    assert finding.message.zh == "药H1→药D2 21 d"  # the parameter of 2027, the day of the pair
    assert finding.pair is not None
    assert (finding.pair.item, finding.pair.partner) == ("1", "2")


def test_a_line_whose_drug_is_unknown_leaves_the_rules_about_pairs_undetermined() -> None:
    rule = pair_rule(**only("act_pairs"))
    decision = decide(rule, items=items(OPIOID, "urn:x|1"))
    assert decision.verdict == "incomplete"
    assert missing(decision) == [("2", "item.drug.ingredients", "not_in_knowledge")]


def test_the_other_half_may_stand_in_an_act_that_is_not_seen() -> None:
    beyond = pair_rule("beyond", **only("own_washouts"))
    here = pair_rule("here", **only("act_pairs"))
    decision = decide(beyond, here, items=items(QUINOLONE))
    assert decision.verdict == "incomplete"
    (group,) = decision.undetermined
    assert (group.element, group.fact, group.why) == ("1", INTERACTIONS, "partial_list")
    assert group.rules == ("spec.beyond",)  # pairs within one act are all seen
    assert decide(beyond, here, items=items("D3")).verdict == "no_rules"


def test_lines_beyond_those_that_are_compared_are_named_and_cost_little() -> None:
    rule = pair_rule(**only("act_pairs"))
    decision = decide(rule, items=items(*["OWN1"] * 5_000, *[OPIOID] * MAX_LINES, QUINOLONE))
    assert not decision.findings
    assert missing(decision) == [(str(5_001 + MAX_LINES), INTERACTIONS, "too_many")]
    one_less = decide(rule, items=items(*["OWN1"] * 5_000, *[OPIOID] * (MAX_LINES - 1), QUINOLONE))
    assert len(one_less.findings) == MAX_LINES - 1
    assert one_less.coverage.undetermined == 0


def test_only_rules_about_such_pairs_are_undetermined() -> None:
    mild = pair_rule("mild", scope={"pair.severity": {"in": ["minor", "moderate"]}})
    assert decide(mild, items=items(QUINOLONE)).verdict == "no_rules"


def test_a_pair_is_judged_as_of_the_day_of_its_later_line() -> None:
    rule = pair_rule(effective={"from": "2026-03-05"}, **only("act_pairs"))
    early = [used(OPIOID, "2026-03-02"), used(QUINOLONE, "2026-03-04")]
    late = [used(OPIOID, "2026-03-02"), used(QUINOLONE, "2026-03-05")]
    assert decide(rule, items=early).verdict == "no_rules"
    decision = decide(rule, items=late)
    assert [f.element for f in decision.findings] == ["1~2:own_opioid_quinolone"]
    assert decision.rules == {"spec.pairs": 1}


def test_facts_of_the_later_line_can_be_asked_for() -> None:
    exempt = {"item.drug.kind": {"is": "western"}, "pair.partner_line": {"is": "1"}}
    rule = pair_rule(**only("act_pairs"), unless=exempt)
    assert decide(rule, items=items(OPIOID, QUINOLONE)).coverage.exempt == 1


def test_charges_are_pairs_by_their_codes() -> None:
    message = {"zh": "{item.name}", "en": "{pair.partner}"}
    told = {**FINDING, "message": message}
    rule = pair_rule(on=["billing.charged"], finding=told, **only("own_charges"))
    decision = decide(rule, event="billing.charged", items=[{"item": "OWN3"}, {"item": "S1"}])
    (finding,) = decision.findings
    assert (finding.element, finding.message.zh, finding.message.en) == (
        "1~2:own_s1_s2", "项目S1", "item OWN3",
    )  # fmt: skip


def test_a_fault_in_the_tables_fails_the_rules_about_pairs_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def explode(*_: Any) -> Any:
        raise RuntimeError("a fault in the tables")

    monkeypatch.setattr("rules.engine.pairing.find_pairs", explode)
    other = pair_rule("other", each=None, when={"event.item_count": {"above": 0}},
                      finding={**FINDING, "severity": "info", "key": ["patient.id"],
                               "message": {"zh": "有", "en": "found"}})  # fmt: skip
    decision = decide(pair_rule(), other, items=items(OPIOID, QUINOLONE))
    assert [f.rule_id for f in decision.findings] == ["spec.other"]
    assert decision.not_evaluable[0].missing[0].why == "rule_error"


def test_an_act_without_a_table_for_its_day_has_no_pairs() -> None:
    assert not knowledge().pairs.on_day(knowledge().pairs.boundaries[0].replace(year=1899))


def test_many_rules_about_pairs_are_found_by_tables_as_one_by_one() -> None:
    rows = ("own_opioid_quinolone", "own_penicillins", "own_in_bag", "other")
    made = [
        pair_rule(
            f"r{n}", scope={"pair.id": {"is": rows[n % 4]}, "item.drug.kind": {"exists": True}}
        )
        for n in range(60)
    ]
    event = event_of(
        {"event": "prescription.signed", "items": items(OPIOID, QUINOLONE, PENICILLIN, "D3")},
        knowledge(),
    )
    always, never = (
        Evaluator(Pack.of(made), knowledge(), index=how).decide(event)
        for how in ("always", "never")
    )
    assert len(always.findings) == 30
    assert always == never


@given(st.permutations([OPIOID, QUINOLONE, PENICILLIN, "D3", GINSENG, "OWN2", "urn:x|1"]))
def test_the_pairs_of_an_act_do_not_depend_on_the_order_of_its_lines(drugs: list[str]) -> None:
    lines = [{"drug": drug, "line_id": drug} for drug in drugs]
    decision = decide(pair_rule(), items=lines)
    straight = decide(pair_rule(), items=sorted(lines, key=lambda line: line["line_id"]))
    for one in (decision, straight):
        assert len({finding.alert_id for finding in one.findings}) == len(one.findings)
    assert {f.alert_id for f in decision.findings} == {f.alert_id for f in straight.findings}
    assert set(missing(decision)) == set(missing(straight))
