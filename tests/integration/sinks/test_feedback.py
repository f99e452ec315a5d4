"""What is answered to alerts, what became of them, and how rules do."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from contracts.alert_states import APPEAL, OUTCOMES, RESPONSES, Answer, state_of
from contracts.decision import Delivery, Finding, NotEvaluable, Undetermined, encode_record
from contracts.identity import EventKey, alert_id
from integration.sinks.filled_tables import Tables, _record
from integration.sinks.world import decision_of, event
from sinks.feedback import Quality, ReasonCount, quality, reasons, rule_feedback, sync_reasons
from sinks.rows import decision_rows

pytestmark = pytest.mark.integration

START = datetime(2026, 3, 2, tzinfo=UTC)
SOURCE = "urn:test:his"
REASON = {"system": "urn:r", "code": "patient-refuses"}
offsets = itertools.count(1)


def alert_of(n: int | str, rule: str = "house.rule") -> str:
    """The id of the alert that `decide` gives."""
    return alert_id(EventKey(SOURCE, f"event-{n}"), "event", rule, 1, "")


def decide(tables: Tables, n: int | str, *rules: str, **finding: Any) -> None:
    made = decision_of(event(n), rules)
    findings = tuple(msgspec.structs.replace(f, **finding) for f in made.findings)
    made = msgspec.structs.replace(made, findings=findings)
    tables.put(_record("decisions", next(offsets), b"k", encode_record(made)), decision_rows)


def answer(
    tables: Tables, alert: str, response: str | None, at_h: int = 0, verb: str = "recorded",
    **data: Any,
) -> None:  # fmt: skip
    n = next(offsets)
    time = (START + timedelta(hours=at_h)).isoformat()
    data = {"alert_id": alert, "response": response, **data}
    tables.event(event(f"f{n}", kind=f"feedback.{verb}.v1", time_=time, **data), n)


def state(tables: Tables, alert: str) -> tuple[str, datetime | None, str]:
    rows = tables.client.query(
        "SELECT state, since, reason FROM alert_states WHERE toString(alert_id) = {alert:String}",
        {"alert": alert},
    ).result_rows
    ((found, since, reason),) = rows
    return found, since, reason


def test_an_alert_is_open_until_somebody_answers(tables: Tables) -> None:
    decide(tables, 1, "house.rule")
    assert state(tables, alert_of(1)) == ("open", None, "")
    answer(tables, alert_of(1), "overridden", 3, reason=REASON)
    at = START + timedelta(hours=3)
    found, since, reason = state(tables, alert_of(1))
    assert (found, reason) == ("overridden", "urn:r|patient-refuses")
    assert since is not None
    assert since.replace(tzinfo=UTC) == at


def test_the_view_says_of_every_alert_what_the_contract_says(tables: Tables) -> None:
    choose = random.Random(7)
    words = (*RESPONSES, *APPEAL, "noted")
    alerts = [alert_of(n) for n in range(40)]
    answers: list[Answer] = []
    for n in range(40):
        decide(tables, n, "house.rule")
    for _ in range(140):
        number, hour = next(offsets), choose.randrange(4)
        alert, act = choose.randrange(40), choose.randrange(90)
        alert = alert if choose.random() < 0.3 else act % 40  # most corrections are of one alert
        response, revision = choose.choice(words), choose.randrange(1, 4)
        outcome = choose.choice(("", *OUTCOMES, "other"))
        coded, is_void = choose.random() < 0.5, choose.random() < 0.15
        time = START + timedelta(hours=hour)
        sent = event(
            f"f{number}", kind=f"feedback.{'entered_in_error' if is_void else 'recorded'}.v1",
            time_=time.isoformat(), act_id=f"answer-{act}", alert_id=alerts[alert],
            response=response, revision=revision, outcome=outcome or None,
            reason=REASON if coded else None,
        )  # fmt: skip
        tables.event(sent, number)
        tables.event(sent, next(offsets))  # and once more
        answers.append(
            Answer(
                int(time.timestamp() * 1000), revision, SOURCE, f"event-f{number}",
                f"answer-{act}", alerts[alert], response,
                "urn:r|patient-refuses" if coded else "", outcome, is_void,
            )
        )  # fmt: skip
    for alert in alerts:
        found, since, reason = state(tables, alert)
        wanted = state_of(alert, answers)
        since_ms = None if since is None else int(since.replace(tzinfo=UTC).timestamp() * 1000)
        assert (found, since_ms, reason) == (wanted.state, wanted.since_ms, wanted.reason), alert


def test_a_correction_replaces_the_answer_everywhere(tables: Tables) -> None:
    active = {"rule_status": "active"}
    for n in (1, 2):
        decide(tables, n, "house.rule", **active)
    answer(tables, alert_of(1), "appeal_closed", act_id="f", revision=1)
    answer(tables, alert_of(1), "accepted", 1, act_id="f", revision=2)
    assert state(tables, alert_of(1))[0] == "accepted"
    assert quality(tables.client) == []  # what was odd was corrected
    assert tables.column("SELECT response FROM feedback") == ["accepted"]
    assert tables.column("SELECT answers FROM alert_states ORDER BY answers") == [0, 1]
    (found,) = rule_feedback(tables.client)
    assert (found.answered, found.accepted, found.in_appeal) == (1, 1, 0)
    answer(tables, alert_of(2), "accepted", 2, act_id="f", revision=3)  # it was the other alert
    assert [state(tables, alert_of(n))[0] for n in (1, 2)] == ["open", "accepted"]


def test_an_answer_that_was_entered_in_error_was_never_given(tables: Tables) -> None:
    decide(tables, 1, "house.rule", rule_status="active")
    answer(tables, alert_of(1), "noted", act_id="f")
    answer(tables, alert_of(1), None, 1, verb="entered_in_error", act_id="f", revision=2)
    assert state(tables, alert_of(1)) == ("open", None, "")
    assert quality(tables.client) == []
    assert rule_feedback(tables.client)[0].answered == 0
    answer(tables, alert_of(1), "false_positive", act_id="f", revision=1)  # late: it is no more
    assert state(tables, alert_of(1))[0] == "open"


def test_what_is_odd_about_an_answer_is_shown_and_nothing_is_dropped(tables: Tables) -> None:
    sync_reasons(tables.client, [("urn:r", "patient-refuses", "", "患者拒绝", "refused")])
    decide(tables, 1, "house.rule", "house.other")
    decide(tables, 2, "house.rule")
    decide(tables, 2)  # made again without the alert
    answer(tables, alert_of(1), "accepted")
    answer(tables, alert_of(1, "house.other"), "overridden", reason=REASON)
    assert quality(tables.client) == []
    answer(tables, "nobody-knows-it", "accepted")
    answer(tables, alert_of(2), "accepted")
    answer(tables, alert_of(1), "noted")
    answer(tables, alert_of(1), None)
    answer(tables, alert_of(1), "overridden", 1, reason={"system": "urn:r", "code": "why-not"})
    answer(tables, alert_of(1), "overridden", 2)
    answer(tables, alert_of(1), "appeal_closed", 3)
    answer(tables, alert_of(1), "appeal_closed", 4, outcome="settled")
    found = {one.problem: one.answers for one in quality(tables.client)}
    assert found == {
        "unknown_alert": 1, "withdrawn_alert": 1, "unknown_response": 2, "unknown_reason": 1,
        "no_reason": 1, "no_outcome": 1, "unknown_outcome": 1,
    }  # fmt: skip
    assert tables.column("SELECT count() FROM feedback") == [10]
    (one,) = [one for one in quality(tables.client) if one.problem == "unknown_alert"]
    assert isinstance(one, Quality)
    assert one.example.startswith(f"{SOURCE} event-f")


def test_the_figures_of_a_rule(tables: Tables) -> None:
    active = {"rule_status": "active"}
    for n in range(4):
        decide(tables, n, "house.rule", **active)
    decide(tables, 4, "house.rule", **active, overridden_by="another")
    told = Delivery(suppressed=True, by="another", until="2026-03-05T00:00:00+00:00")
    decide(tables, 5, "house.rule", **active, delivery=told)
    decide(tables, 6, "house.rule")  # shadow
    answer(tables, alert_of(0), "accepted")
    answer(tables, alert_of(1), "overridden", reason=REASON)
    answer(tables, alert_of(1), "appeal_opened", 1)
    answer(tables, alert_of(2), "false_positive")
    (found,) = rule_feedback(tables.client, "house.rule")
    assert (found.fired, found.delivered, found.suppressed, found.gave_way) == (7, 4, 1, 1)
    answered = (found.answered, found.accepted, found.overridden, found.false_positive)
    assert answered == (3, 1, 1, 1)
    assert (found.in_appeal, found.upheld, found.withdrawn) == (1, 0, 0)
    assert found.override_rate == pytest.approx(1 / 3)
    assert found.heed_rate is None
    assert reasons(tables.client, "house.rule") == [ReasonCount("urn:r|patient-refuses", 1)]
    assert rule_feedback(tables.client, "house.none") == []
    assert [one.rule_id for one in rule_feedback(tables.client)] == ["house.rule"]


def act(
    tables: Tables, name: str, verb: str, at_h: int, *findings: Finding | str, **more: Any
) -> None:
    """A decision about an event of a prescription; findings are named by their key."""
    n = next(offsets)
    time = (START + timedelta(hours=at_h)).isoformat()
    made = decision_of(event(n, kind=f"prescription.{verb}.v1", time_=time), ("r",) * len(findings))
    ref = msgspec.structs.replace(made.event, act_id=name, revision=at_h + 1)
    keyed = tuple(
        msgspec.structs.replace(f, key=str(key), alert_id=alert_of(n, str(key)))
        for f, key in zip(made.findings, findings, strict=True)
    )
    phase = "pre" if verb == "draft" else "during"
    made = msgspec.structs.replace(made, event=ref, findings=keyed, phase=phase, **more)
    tables.put(_record("decisions", n, b"k", encode_record(made)), decision_rows)


def became(tables: Tables) -> dict[tuple[str, str], str]:
    rows = tables.client.query("SELECT act_id, key, became FROM reminders_heeded").result_rows
    return {(name, key): word for name, key, word in rows}


def test_a_reminder_is_heeded_where_the_act_went_on_without_the_finding(tables: Tables) -> None:
    act(tables, "mended", "draft", 0, "D1")
    act(tables, "mended", "draft", 1, "D1", "D2")
    act(tables, "mended", "signed", 2, "D2")
    act(tables, "left", "draft", 0, "D1")
    act(tables, "calm", "draft", 0)
    act(tables, "calm", "signed", 1, "D1")
    act(tables, "taken back", "draft", 0, "D1")
    act(tables, "taken back", "cancelled", 1)
    assert became(tables) == {
        ("mended", "D1"): "heeded",
        ("mended", "D2"): "kept",
        ("left", "D1"): "not_signed",
        ("taken back", "D1"): "not_signed",
    }
    (found,) = rule_feedback(tables.client)
    assert (found.heeded, found.kept, found.not_signed, found.unheard) == (1, 1, 2, 0)
    assert found.heed_rate == 0.5


def test_the_first_revision_after_the_last_reminder_counts(tables: Tables) -> None:
    act(tables, "one", "draft", 0, "D1")
    act(tables, "one", "signed", 1, "D1")
    act(tables, "one", "draft", 2, "D1")
    act(tables, "one", "amended", 3)
    act(tables, "one", "dispensed", 4, "D1")
    assert became(tables) == {("one", "D1"): "heeded"}


@pytest.mark.parametrize(
    "more",
    [
        {"not_evaluable": (NotEvaluable(rule_id="r", rule_version=1, element="1", missing=()),)},
        {"undetermined": (Undetermined(element="1", fact="f", why="w", rules=("q", "r")),)},
    ],
)
def test_a_finding_that_could_not_be_looked_for_is_not_heeded(
    tables: Tables, more: dict[str, Any]
) -> None:
    act(tables, "one", "draft", 0, "D1")
    act(tables, "one", "signed", 1, **more)
    assert became(tables) == {("one", "D1"): "unknown"}


def test_reasons_that_the_tables_know_already_are_not_written_again(tables: Tables) -> None:
    listed = [("urn:r", "a", "", "甲", "a"), ("urn:r", "b", "a", "乙", "b")]
    assert sync_reasons(tables.client, listed) == 2
    assert sync_reasons(tables.client, listed) == 0
    changed = [listed[0], ("urn:r", "b", "a", "丙", "c")]
    assert sync_reasons(tables.client, changed) == 1
    assert sync_reasons(tables.client, changed) == 0
