"""Acts of many patients meet in their group, wherever each of them is evaluated."""

from __future__ import annotations

import pytest

from contracts.decision import Decision, KindHeaders, Reader
from contracts.identity import partition_of
from rules.grouping import group_key
from support.group_rules import RULE, signed
from support.streams_fakes import subject
from support.streams_worker import PARTITIONS, Installation, until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

read_decision = Reader(Decision)


def home(key: str) -> int:
    return partition_of(key.encode(), PARTITIONS)


def patients_apart() -> tuple[int, int]:
    """Two patients of different partitions."""
    first = home(subject(0))
    return 0, next(n for n in range(1, 100) if home(subject(n)) != first)


def practitioner_away(*patients: int) -> str:
    """A practitioner whose group lives in another partition than the first of the patients."""
    away = home(subject(patients[0]))
    return next(
        f"d{n}" for n in range(100) if home(group_key("practitioner.id", [f"d{n}"])) != away
    )


def feed(installation: Installation, patient: int, value: bytes) -> None:
    installation.feed([(subject(patient).encode(), value)])


def settled(installation: Installation) -> None:
    """Everything is worked through, the activities as well."""
    until(installation.all_committed, 60)
    until(lambda: installation.all_committed(installation.topics.activities), 60)


def decisions(installation: Installation) -> list[Decision]:
    return [
        read_decision(output.value or b"")
        for output in installation.read(installation.topics.decisions)
        if output.headers.get(KindHeaders.KIND) != KindHeaders.REPEAT
    ]


def alerts(installation: Installation) -> list[tuple[str, str]]:
    """Event and scope of what stands as found: the latest decision of each name counts."""
    last = {d.decision_id: d for d in decisions(installation)}
    return sorted((d.event.id, d.scope) for d in last.values() if d.findings)


def test_acts_of_two_patients_in_two_partitions_meet_in_their_group(
    installation: Installation,
) -> None:
    one, other = patients_apart()
    who = practitioner_away(one)
    with installation.workers("one", groups=True) as processes:
        feed(installation, one, signed(1, one, who))
        settled(installation)
        feed(installation, other, signed(2, other, who, "h2"))
        feed(installation, other, signed(3, other, "other", "h2"))
        settled(installation)
        assert processes.stop("one") == 0
    scope = f"group:practitioner.id={who}"
    assert alerts(installation) == [("e000000002", scope)]
    found = installation.read(installation.topics.decisions)
    of_group = [o for o in found if (o.key or b"").startswith(b"g|")]
    assert {o.partition for o in of_group if (o.key or b"").endswith(who.encode())} == {
        home(group_key("practitioner.id", [who]))
    }
    assert {o.origin.topic for o in of_group} == {installation.topics.activities}
    (alert,) = installation.read(installation.topics.alerts)
    assert alert.key == group_key("practitioner.id", [who]).encode()
    assert RULE.encode() in (alert.value or b"")


def test_a_group_is_remembered_after_a_kill_and_on_another_worker(
    installation: Installation,
) -> None:
    one, other = patients_apart()
    who = practitioner_away(one)
    with installation.workers("one", groups=True) as processes:
        feed(installation, one, signed(1, one, who))
        settled(installation)
        processes.kill("one")
        until(lambda: processes.restarts["one"] == 1)
        installation.start(processes, "two", groups=True)
        feed(installation, other, signed(2, other, who, "h2"))
        settled(installation)
        feed(installation, one, signed(1, one, who))  # again, as after an outage
        settled(installation)
    assert alerts(installation) == [("e000000002", f"group:practitioner.id={who}")]
    answered = [(d.event.id, d.scope) for d in decisions(installation)]
    assert len(answered) == len(set(answered)) == 4


def test_a_correction_of_the_key_takes_the_act_out_of_its_old_group(
    installation: Installation,
) -> None:
    one, other = patients_apart()
    who = practitioner_away(one)
    with installation.workers("one", groups=True) as processes:
        feed(installation, one, signed(1, one, who, act="a"))
        settled(installation)
        processes.kill("one")  # where the act was given to is remembered with the patient
        until(lambda: processes.restarts["one"] == 1)
        changed = signed(2, one, f"{who}-right", act="a", revision=2, verb="amended")
        feed(installation, one, changed)
        settled(installation)
        feed(installation, other, signed(3, other, who, "h2"))
        feed(installation, other, signed(4, other, f"{who}-right", "h2"))
        settled(installation)
    assert alerts(installation) == [("e000000004", f"group:practitioner.id={who}-right")]
