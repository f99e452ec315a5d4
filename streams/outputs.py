"""The outputs of one batch, from its records to what the producer is given."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from time import perf_counter
from typing import Any, Final

from contracts.backfill import Backfill
from contracts.decision import ActivityHeaders, KindHeaders, OriginHeaders, encode_record
from contracts.intake import Reason
from contracts.tie import FORWARD, MOVED
from rules.memory.taken import Activity
from rules.memory.ties import Mail
from streams.answers import (
    Answer,
    DeadLetter,
    Forwarded,
    Lapsed,
    Repeated,
    Result,
    TimerFailed,
)
from streams.lanes import Passage
from streams.means import Means
from streams.origin import Origin, origin_headers, origin_of
from streams.past import Brought, Due, activity_of, message_of
from streams.state import Memories
from streams.state.clocks import clocks_of
from streams.state.interrupted import Withdrawal
from streams.state.rereading import Reread
from streams.transport import Batch

log = logging.getLogger(__name__)

_TIMED: Final = 15
"""One evaluation of sixteen is timed: those whose offset has none of these bits."""
_MAX_KEY_BYTES: Final = 4096
"""Longer than any subject; the key of a dead letter is cut there."""
_NOW: Final = 0
"""As a record's timestamp: the time of producing."""


class Outputs:
    """The outputs of one batch's records, for the batch's own partition number.

    They wait here until `send`, in their order.
    """

    def __init__(
        self, means: Means, batch: Batch, passage: Passage, memories: Memories | None = None
    ) -> None:
        topic, partition = batch.tp
        topics = means.topics
        self.count = 0
        self.size = 0
        self._decisions = topics.decisions
        self._alerts = topics.alerts
        self._dead_letters = topics.dead_letters
        self._rekeyed = topics.rekeyed
        self._max_record_bytes = means.max_record_bytes
        self._activities = topics.activities
        self._topic = topic
        self._partition = partition
        self._is_forwarded = topic in (topics.rekeyed, topics.activities)
        self._is_tick = topic == topics.ticks
        self._placement = means.placement
        self._figures = means.figures
        self._passage = passage
        self._work = means.work
        self._supervisor = supervisor = means.supervisor()
        self._supervise: Callable[..., Result] = supervisor.supervise
        self._memories = memories
        self._past = memories if supervisor.remembers else None
        if self._past is not None:
            self._supervise = partial(supervisor.supervise, past=self._past)
        self._producer = means.producer
        self._waiting: list[tuple[Any, ...]] = []
        self._wait = self._waiting.append
        self._report = self._report_decision = passage.outputs.report
        if memories is not None:
            self._report_decision = passage.report_decision
        self._received = passage.received_ms.append
        self._topic_header = (OriginHeaders.TOPIC, topic.encode())
        self._partition_header = (OriginHeaders.PARTITION, b"%d" % partition)

    def send(self) -> None:
        """Hand everything that waits to the producer."""
        produce = self._producer.produce
        for output in self._waiting:
            produce(*output)
        self._waiting.clear()

    @property
    def handed_over(self) -> int:
        """How many outputs are with the producer."""
        return self.count - len(self._waiting)

    def answer(self, record: Any) -> None:
        """Find the answer to one record: a decision and its alerts, or where else it goes."""
        key: bytes | None = record.key
        if key and len(key) > _MAX_KEY_BYTES:
            self._bury(record, _no_subject(record.value))
            return
        if key and self._placement[key] != self._partition:
            self._rekey(record, key)
            return
        offset, received_ms = record.offset, record.timestamp
        headers = [
            self._topic_header,
            self._partition_header,
            (OriginHeaders.OFFSET, b"%d" % offset),
            (OriginHeaders.RECEIVED_MS, b"%d" % received_ms),
        ]
        if self._is_forwarded:
            origin = self._origin(record)
            received_ms, headers = origin.received_ms, origin_headers(origin)
        if offset & _TIMED:
            result = self._supervise(record.value, key, received_ms)
        else:
            started = perf_counter()
            result = self._supervise(record.value, key, received_ms)
            self._figures.evaluation.observe(perf_counter() - started)
        self._give(result, record, headers, received_ms)

    def _give(self, result: Result, record: Any, headers: list[Any], received_ms: int) -> None:
        """Hand on the answer to a record, whose origin and time are given."""
        key: bytes | None = record.key
        if type(result) is DeadLetter:
            self._bury(record, result)
            return
        self._received(received_ms)
        if type(result) is Repeated:
            self._repeat(result, key, headers)
            return
        if type(result) is Forwarded:
            self._forward(result, record, headers)
            return
        answer: Answer = result  # type: ignore[assignment]  # narrowed above
        marked = _marked(headers, answer.generation)
        self._send_decision(answer.decision_bytes, answer.alerts, key, marked)
        self._figures.answered(answer)
        for issued in answer.further:
            self._send_decision(issued.decision_bytes, issued.alerts, key, marked)
            self._figures.issued(issued.decision)
        for activity in answer.activities:
            self._tell(activity, record, headers)
        for mail in answer.mails:
            self._post(mail, headers)

    def join(self, record: Any) -> None:
        """Find what a record of the activities topic leads to in its group, or for its subject."""
        key: bytes = record.key or b""
        past = self._past
        if past is None:
            return
        told = dict(record.headers or ())
        kind = told.get(ActivityHeaders.MESSAGE)
        if kind is not None:
            self._hear(kind, record, past)
            return
        try:
            activity = activity_of(key, told)
        except UnicodeDecodeError:
            self._bury(record, _no_subject(record.value))
            return
        result = self._supervisor.join(record.value, activity, past, record.timestamp)
        if isinstance(result, DeadLetter):
            self._bury(record, result)
            return
        received_ms = self._origin(record).received_ms
        headers: list[Any] = [
            self._topic_header,
            self._partition_header,
            (OriginHeaders.OFFSET, b"%d" % record.offset),
            (OriginHeaders.RECEIVED_MS, b"%d" % received_ms),
        ]
        if isinstance(result, Repeated):
            self._repeat(result, key, headers)
            return
        for issued in result.issued:
            self._send_decision(issued.decision_bytes, issued.alerts, key, headers)
            self._figures.issued(issued.decision)
        self._figures.joined += 1

    def withdraw(self, withdrawals: Iterable[Withdrawal]) -> None:
        """Take back, before anything else, what an interrupted run decided at a timer."""
        for found in withdrawals:
            self._send_decision(found.value, (), found.key, found.headers)
            self._figures.withdrawn += 1

    def advance(self, tick: Any) -> None:
        """Let the clocks of the partition's sources go on to a tick."""
        if self._past is not None:
            self._past.tick(tick.timestamp, self._work(self._partition))

    def fire(self, tick: Any, most: int) -> bool:
        """Fire what is due, of about `most` timers; False where no more are due."""
        past = self._past
        if past is None:
            return False
        fired = 0
        while fired < most:
            dues = past.due()
            if not dues:
                return False
            for due in dues:
                self._fire(due, past, tick)
            fired += len(dues)
        return True

    def backfill(self, step: Backfill, record: Any, found: list[Reread] | None) -> None:
        """Do a step of a backfill with the records that it names; None where they are not there."""
        past = self._past
        if past is None:
            return
        is_ahead = bool(step.topic) and step.last >= past.positions.get(step.topic, 0)
        if found is None or is_ahead:
            past.coverage.reread = None  # what follows is refused, and nothing called complete
            log.warning("A backfill ends: records %d to %d of %s cannot be read again",
                        step.first, step.last, step.topic)  # fmt: skip
            return
        done = self._supervisor.backfill(step, past, self._brought(step.topic, found))
        if done is None:
            log.warning("Step %d of a backfill is not the next one and is left out", step.number)
            return
        headers: list[Any] = [
            *origin_headers(self._origin(record)),
            (KindHeaders.KIND, KindHeaders.BACKFILL),
        ]
        self._send_decision(encode_record(done), (), None, headers)
        self._figures.brought += done.brought
        self._is_tick = False  # what was brought in is remembered with this batch

    def _brought(self, topic: str, found: Iterable[Reread]) -> Iterator[Brought]:
        """The records that have their home here."""
        is_rekeyed = topic == self._rekeyed
        for one in found:
            if one.key is None or self._placement[one.key] != self._partition:
                continue
            received_ms = one.timestamp
            if is_rekeyed:
                here = Origin(topic, self._partition, one.offset, received_ms)
                received_ms = origin_of(one.headers, here).received_ms
            yield Brought(one.value, one.key, received_ms)

    def done(self, position: int) -> None:
        """What the batch changed is as of its end now: it goes out with its cut."""
        if self._past is not None:
            self._past.reached(self._topic, position, is_tick=self._is_tick)
            self._passage.cut.memories = self._past
        elif self._memories is not None:
            self._memories.forget_coverage()  # rules that remember nothing let events go by

    def _fire(self, due: Due, past: Memories, tick: Any) -> None:
        fired = self._supervisor.fire(due, past)
        if isinstance(fired, TimerFailed):
            self._figures.failed_timers += 1
            log.error("A timer could not be evaluated: %s", fired.detail)
            return
        self._figures.fired_timers += 1
        headers: list[Any] = [*origin_headers(self._origin(tick))]
        if isinstance(fired, Lapsed):
            headers.append((KindHeaders.KIND, KindHeaders.LAPSE))
            self._send_decision(fired.record, (), due.subject, headers)
            return
        headers += [
            (KindHeaders.TIMER, due.timer.encode()),
            (KindHeaders.CLOCK_US, b"%d" % due.clock_us),
        ]
        for issued in fired:
            marked = _marked(headers, issued.generation)
            self._send_decision(issued.decision_bytes, issued.alerts, due.subject, marked)
            self._figures.issued(issued.decision)

    def _send_decision(
        self, value: bytes, alerts: Sequence[bytes], key: bytes | None, headers: list[Any]
    ) -> None:
        wait, report, partition = self._wait, self._report, self._partition
        wait((self._decisions, value, key, partition, self._report_decision, None, _NOW, headers))
        self.size += len(value)
        for alert in alerts:
            wait((self._alerts, alert, key, partition, report, None, _NOW, headers))
            self.size += len(alert)
        self.count += 1 + len(alerts)

    def _repeat(self, repeated: Repeated, key: bytes | None, headers: list[Any]) -> None:
        headers = [*headers, (KindHeaders.KIND, KindHeaders.REPEAT)]
        self._send_decision(repeated.record, (), key, headers)
        self._figures.repeated += 1

    def _tell(self, activity: Activity, record: Any, headers: list[Any]) -> None:
        """Give an event to one of its groups, wherever that is remembered."""
        value: bytes = record.value
        if len(value) > self._max_record_bytes:
            self._bury(record, _too_large(value))
            return
        key = activity.subject
        if not activity.stands:
            headers = [*headers, (ActivityHeaders.SUPERSEDED, b"1")]
        home = self._placement[key]
        self._wait((self._activities, value, key, home, self._report, None, _NOW, headers))
        self._sent_one(value)
        self._figures.activities += 1

    def _hear(self, kind: bytes, record: Any, past: Memories) -> None:
        """A message for a subject, or an event that is answered here instead of at its own."""
        key: bytes = record.key or b""
        origin = self._origin(record)
        headers = origin_headers(origin)
        if kind == FORWARD.encode():
            result = self._supervise(record.value, None, origin.received_ms, at=key)
            self._give(result, record, headers, origin.received_ms)
            return
        message = message_of(kind, key, record.value, self._partition, record.offset)
        told = self._supervisor.hear(message, past)
        if isinstance(told, DeadLetter):
            self._bury(record, told)
        elif told is not None:
            here = [*origin_headers(self._here(record)), (KindHeaders.KIND, KindHeaders.TIE)]
            self._send_decision(told.record, (), key, here)
            past.clocks.hear(clocks_of(record.headers))
            for mail in told.mails:
                self._post(mail, headers)
            self._figures.ties += 1

    def _forward(self, forwarded: Forwarded, record: Any, headers: list[Any]) -> None:
        """Send an event to where its subject is remembered."""
        value: bytes = record.value
        if len(value) > self._max_record_bytes:
            self._bury(record, _too_large(value))
            return
        kind = (KindHeaders.KIND, KindHeaders.FORWARD)
        self._send_decision(forwarded.record, (), record.key, [*headers, kind])
        self._post(forwarded.mail, headers)
        self._figures.forwarded += 1

    def _post(self, mail: Mail, headers: list[Any]) -> None:
        """Tell a subject something, wherever it is remembered."""
        key = mail.to.encode("utf-8", "surrogatepass")
        headers = [*headers, (ActivityHeaders.MESSAGE, mail.kind.encode())]
        if mail.kind == MOVED and self._past is not None:
            headers.append((ActivityHeaders.CLOCKS, self._past.clocks.told()))
        home = self._placement[key]
        self._wait((self._activities, mail.value, key, home, self._report, None, _NOW, headers))
        self._sent_one(mail.value)

    def _rekey(self, record: Any, key: bytes) -> None:
        """Put a record that stands in another partition than its key's where it belongs."""
        value: bytes | None = record.value
        if value is not None and len(value) > self._max_record_bytes:
            self._bury(record, _too_large(value))
            return
        home = self._placement[key]
        headers: list[Any] = [*origin_headers(self._origin(record))]
        self._wait((self._rekeyed, value, key, home, self._report, None, _NOW, headers))
        self._sent_one(value)
        self._figures.rekeyed += 1

    def _bury(self, record: Any, letter: DeadLetter) -> None:
        value = letter.value
        if value is not None and len(value) > self._max_record_bytes:
            letter = _too_large(value)
            value = None
        headers: list[Any] = [*letter.headers(*self._origin(record))]
        key: bytes | None = record.key
        if key is not None:
            key = key[:_MAX_KEY_BYTES]  # the broker must not refuse the letter for its key
        wait, report = self._wait, self._report
        wait((self._dead_letters, value, key, self._partition, report, None, _NOW, headers))
        self._sent_one(value)
        self._figures.refused(letter)

    def _sent_one(self, value: bytes | None) -> None:
        self.count += 1
        self.size += len(value or b"")

    def _origin(self, record: Any) -> Origin:
        here = self._here(record)
        return origin_of(record.headers, here) if self._is_forwarded else here

    def _here(self, record: Any) -> Origin:
        return Origin(self._topic, self._partition, record.offset, record.timestamp)


def _marked(headers: list[Any], generation: int) -> list[Any]:
    """The headers of a decision that was made with a memory that has moved."""
    return [*headers, (KindHeaders.GENERATION, b"%d" % generation)] if generation else headers


def _too_large(value: bytes) -> DeadLetter:
    return DeadLetter(
        value, Reason.TOO_LARGE, "$", "larger than an output may be; its bytes stay in the intake"
    )


def _no_subject(value: bytes | None) -> DeadLetter:
    return DeadLetter(
        value, Reason.KEY_MISMATCH, "$.subject", "the record's key can be no subject's"
    )
