"""Messages between identities: when they leave the worker, and what they carry."""

from __future__ import annotations

import asyncio
from typing import Any

from aiokafka.structs import ConsumerRecord

from contracts.decision import ActivityHeaders, KindHeaders, OriginHeaders
from contracts.event import Event, encode_event
from contracts.identity import partition_of
from rules.memory.groups import Attendants
from streams.origin import Origin, origin_headers
from streams.supervision import Supervisor
from support.past import again, core_of, event, tie
from unit.streams.test_remembering import AT_MS, HERE, INTAKE, TOPICS, Bench

CORE = core_of(again())
NAMES = [f"b{n}" for n in range(99) if partition_of(f"test|b{n}".encode(), 4) == HERE]
AWAY = next(f"a{n}" for n in range(99) if partition_of(f"test|a{n}".encode(), 4) != HERE)
NEAR = next(f"a{n}" for n in range(99) if partition_of(f"test|a{n}".encode(), 4) == HERE)


class Ward(Bench):
    """An agent that remembers with real rules."""

    def __init__(self) -> None:
        super().__init__()
        self.supervisor = Supervisor(CORE.evaluator, Attendants(CORE.evaluator))
        self._offset = 0

    async def takes(self, *events: Event) -> None:
        await self.work(*[self.record(encode_event(e), e.subject, INTAKE) for e in events])

    def record(self, value: bytes, subject: str, topic: str, headers: tuple[Any, ...] = ()) -> Any:
        self._offset += 1
        key = subject.encode()
        return ConsumerRecord(
            topic, HERE, self._offset, AT_MS, 1, key, value, None, len(key), len(value), headers
        )

    def message(self, kind: bytes, to: str, value: bytes = b"") -> Any:
        origin = origin_headers(Origin(INTAKE, 0, 7, AT_MS))
        headers = (*origin, (ActivityHeaders.MESSAGE, kind))
        return self.record(value, f"test|{to}", TOPICS.activities, headers)

    def kinds(self) -> list[bytes]:
        """Of the messages that left."""
        sent = self.sent(TOPICS.activities)
        return [one.headers[ActivityHeaders.MESSAGE] for one in sent]


async def test_what_is_given_away_leaves_when_it_is_written_that_it_is() -> None:
    ward, who = Ward(), NAMES[0]
    await ward.takes(event("1", 0, who), tie("merged", "m", 1, who, AWAY), event("2", 2, who))
    assert ward.kinds() == [b"go", b"forward"]
    giving = asyncio.ensure_future(ward.work(ward.message(b"go", who), topic=TOPICS.activities))
    await asyncio.sleep(0.05)
    assert not giving.done()
    assert ward.kinds() == [b"go", b"forward"]
    await ward.confirm()
    await giving
    assert ward.kinds()[2:] == [b"moved"]
    moved = ward.sent(TOPICS.activities)[-1]
    assert moved.key == f"test|{AWAY}".encode()
    assert moved.partition == partition_of(moved.key, 4)
    assert ActivityHeaders.CLOCKS in moved.headers


async def test_a_worker_that_gives_its_partition_up_does_not_wait_for_it() -> None:
    ward, who = Ward(), NAMES[0]
    await ward.takes(event("1", 0, who), tie("merged", "m", 1, who, AWAY))
    giving = asyncio.ensure_future(ward.work(ward.message(b"go", who), topic=TOPICS.activities))
    await asyncio.sleep(0.02)
    ward.lanes.close()
    await giving
    assert ward.kinds() == [b"go"]


async def test_an_event_that_was_forwarded_is_decided_for_its_own_intake_record() -> None:
    ward, other = Ward(), NAMES[1]
    giver = Ward()
    await giver.takes(event("1", 0, other), tie("linked", "m", 1, other, NEAR))
    await giver.confirm()
    await giver.work(giver.message(b"go", other), topic=TOPICS.activities)
    parcel = giver.sent(TOPICS.activities)[-1]
    clocks = (ActivityHeaders.CLOCKS, parcel.headers[ActivityHeaders.CLOCKS])
    came = ward.message(b"moved", NEAR, parcel.value or b"")
    came = came.__class__(**{**came.__dict__, "headers": (*came.headers, clocks)})
    forwarded = ward.message(b"forward", NEAR, encode_event(event("3", 2, other)))
    await ward.work(came, forwarded, topic=TOPICS.activities)
    noted, decided = ward.sent(TOPICS.decisions)
    assert noted.headers[KindHeaders.KIND] == KindHeaders.TIE
    assert noted.headers[OriginHeaders.TOPIC] == TOPICS.activities.encode()
    assert decided.key == f"test|{NEAR}".encode()
    assert b'"verdict":"findings"' in (decided.value or b"")
    assert f'"subject":"test|{other}"'.encode() in (decided.value or b"")
    assert decided.headers[OriginHeaders.TOPIC] == INTAKE.encode()
    assert decided.headers[OriginHeaders.OFFSET] == b"7"
    assert decided.headers[KindHeaders.GENERATION] == b"1"
    assert ward.figures.ties == 1


async def test_an_event_that_is_answered_elsewhere_leaves_a_note_where_it_was_taken() -> None:
    ward, who = Ward(), NAMES[0]
    await ward.takes(tie("linked", "m", 1, who, AWAY), event("2", 2, who))
    note = ward.sent(TOPICS.decisions)[-1]
    assert note.headers[KindHeaders.KIND] == KindHeaders.FORWARD
    assert note.key == f"test|{who}".encode()
    assert ward.figures.forwarded == 1
