"""A worker's log without Kafka: intake records, and the decisions that it makes of them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from contracts.backfill import Backfill
from contracts.decision import ActivityHeaders, KindHeaders, OriginHeaders, encode_record
from contracts.event import Event, encode_event
from rules.memory.instants import us_of
from rules.memory.taken import Activity
from streams.answers import Answer, DeadLetter, Issued, Joined, Lapsed, Repeated, TimerFailed
from streams.past import Brought, Due, activity_of
from streams.state.interrupted import Tail
from streams.supervision import Supervisor
from support.past import SITE
from yijian.composition import Core, supervisor_of
from yijian.kafka_log import LogRecord
from yijian.record import Recomputed, Replay, order_of
from yijian.remembering import Remembered
from yijian.settings import Settings

ACTIVITIES = "yijian.activities.v1"
TICKS = "yijian.ticks.v1"
TOPIC = "yijian.in.prescription.his.v1"
OTHER = "yijian.in.prescription.lis.v1"
Headers = tuple[tuple[str, bytes], ...]


class Forgetting(Remembered):
    """A past of which a crash may take a part."""

    def forget(self, subject: bytes) -> None:
        """Nothing of a subject was written."""
        del self._values[subject]


class Log:
    """One partition number: what came in, and what was decided."""

    def __init__(self, core: Core, settings: Settings = SITE, partition: int = 0) -> None:
        self.core = core
        self.settings = settings
        self.partition = partition
        self.intake: list[LogRecord] = []
        self.activities: list[LogRecord] = []
        self.decisions: list[LogRecord] = []
        self.past = Forgetting()
        self.bundles: dict[str, Core] = {}
        """By digest what decides where a decision names it."""
        self._ticks = 0
        self._by: Supervisor = supervisor_of(settings, core)

    def restart(self, core: Core | None = None) -> None:
        """The process ends; nothing was remembered. Another core may take over."""
        self.past = Forgetting()
        self._by = supervisor_of(self.settings, core or self.core)

    def goes_on_with(self, core: Core, bundle: str = "") -> None:
        """Other rules, with what is remembered; with a digest they came as a bundle."""
        if bundle:
            basis = core.evaluator.basis
            core.evaluator.basis = msgspec.structs.replace(basis, bundle=bundle)
            self.bundles[bundle] = core
        self._by = supervisor_of(self.settings, core)

    def comes(self, event: Event, topic: str = TOPIC) -> LogRecord:
        """An intake record, not yet looked at."""
        offset = sum(record.topic == topic for record in self.intake)
        at_ms = us_of(event.time) // 1000
        key = event.subject.encode()
        record = LogRecord(topic, self.partition, offset, at_ms, key, encode_event(event), ())
        self.intake.append(record)
        return record

    def takes(self, *what: Event | LogRecord) -> None:
        """The worker decides; events come in first."""
        for one in what:
            record = one if isinstance(one, LogRecord) else self.comes(one)
            past = self.past if self._by.remembers else None
            result = self._by.supervise(record.value, record.key, record.timestamp_ms, past=past)
            headers = origin_of(record)
            if isinstance(result, DeadLetter):
                continue
            if isinstance(result, Repeated):
                kind = (KindHeaders.KIND, KindHeaders.REPEAT)
                self._write(record.key, result.record, (*headers, kind))
            elif isinstance(result, Answer):
                self._write(record.key, result.decision_bytes, headers)
                self._issue(record.key, result.further, headers)
                for activity in result.activities:
                    self.joins(self._given(activity, record))

    def joins(self, record: LogRecord) -> None:
        """The worker decides what an activity means for its group, which lives here as well."""
        activity = activity_of(record.key or b"", dict(record.headers))
        result = self._by.join(record.value, activity, self.past, record.timestamp_ms)
        headers = origin_of(record)
        if isinstance(result, Joined):
            self._issue(record.key, result.issued, headers)
        elif isinstance(result, Repeated):
            kind = (KindHeaders.KIND, KindHeaders.REPEAT)
            self._write(record.key, result.record, (*headers, kind))

    def _given(self, activity: Activity, record: LogRecord) -> LogRecord:
        headers = () if activity.stands else ((ActivityHeaders.SUPERSEDED, b"1"),)
        found = record._replace(
            topic=ACTIVITIES, offset=len(self.activities), key=activity.subject, headers=headers
        )
        self.activities.append(found)
        return found

    def passes(self, until: Event) -> None:
        """A tick: what is due at an event's time fires."""
        self._ticks += 1
        tick = LogRecord(TICKS, self.partition, self._ticks, 0, None, b"", ())
        while (due := self.past.due(us_of(until.time))) is not None:
            self._fire(due, tick)

    def backfills(self, *records: LogRecord, number: int = 1, tick: int = 0) -> bool:
        """A whole backfill of prescriptions out of records of one topic; False if none is done.

        `tick` is where its first step stands: the same place again is a step that comes again.
        """
        told = {"id": "b", "from_us": 0, "families": ("prescription",)}
        offsets = [record.offset for record in records]
        piece = {"topic": records[0].topic, "first": min(offsets), "last": max(offsets)}
        steps = [
            Backfill(number=0, **told),
            Backfill(number=number, **told, **piece),
            Backfill(number=number + 1, complete={"prescription": 0}, **told),
        ]
        for n, step in enumerate(steps):
            read = records if step.topic else ()
            brought = [Brought(r.value, r.key, r.timestamp_ms) for r in read]
            done = self._by.backfill(step, self.past, brought)
            if done is None:
                return False
            place = LogRecord(TICKS, self.partition, tick + n, 0, None, b"", ())
            kind = (KindHeaders.KIND, KindHeaders.BACKFILL)
            self._write(None, encode_record(done), (*origin_of(place), kind))
        return True

    def withdraws(self, covered: int = 0) -> None:
        """What a restarted worker does first about timers of the run before.

        Of so many decisions is remembered that they were made.
        """
        tail = Tail()
        for record in self.decisions[covered:]:
            tail.take(record.key or b"", record.value or b"", dict(record.headers))
        for found in tail.withdrawals():
            self._write(found.key, found.value, tuple(found.headers))

    def replayed(self, *others: Log, core: Core | None = None) -> Recomputed:
        """The order of record of this log and others once more."""
        return self._replay(*others, core=core).found

    def rebuilt(self) -> Remembered:
        """What is remembered where the order of record ends."""
        found = self._replay().rebuilt
        assert not found.why
        return found.past

    def _replay(self, *others: Log, core: Core | None = None) -> Replay:
        from yijian.expected import Supervisors

        supervisors = Supervisors(self.settings, core or self.core, self.bundles.get)
        replay = Replay(supervisors, {}, self.settings.max_ahead_s, ACTIVITIES)
        for log in (self, *others):
            elsewhere = {record.place: record for record in log.activities}
            replay.partition(order_of(log.decisions), log.intake, elsewhere)
        return replay

    def _fire(self, due: Due, tick: LogRecord) -> None:
        issued = self._by.fire(due, self.past)
        assert not isinstance(issued, TimerFailed)
        if isinstance(issued, Lapsed):
            kind = (KindHeaders.KIND, KindHeaders.LAPSE)
            self._write(due.subject, issued.record, (*origin_of(tick), kind))
            return
        headers = (
            *origin_of(tick),
            (KindHeaders.TIMER, due.timer.encode()),
            (KindHeaders.CLOCK_US, b"%d" % due.clock_us),
        )
        self._issue(due.subject, issued, headers)

    def _issue(self, key: bytes | None, issued: Iterable[Issued], headers: Headers) -> None:
        for one in issued:
            self._write(key, one.decision_bytes, headers)

    def _write(self, key: bytes | None, value: bytes, headers: Headers) -> None:
        offset = len(self.decisions)
        record = LogRecord("decisions", self.partition, offset, 0, key, value, headers)
        self.decisions.append(record)


def origin_of(record: LogRecord) -> Headers:
    return (
        (OriginHeaders.TOPIC, record.topic.encode()),
        (OriginHeaders.PARTITION, b"%d" % record.partition),
        (OriginHeaders.OFFSET, b"%d" % record.offset),
        (OriginHeaders.RECEIVED_MS, b"%d" % record.timestamp_ms),
    )
