"""The verifier's process: decisions in, rows of `verifications` out, then commit.

At least once: a batch is committed when its rows are confirmed. What is read again gives the same
rows under the same keys, so nothing counts twice in the table. Its group is its own: whatever
becomes of it, nobody else notices.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from datetime import datetime
from time import monotonic
from typing import Any, Final
from uuid import UUID

import msgspec
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from contracts.decision import Decision, KindHeaders, OriginHeaders, Reader
from sinks.jobs import Jobs
from sinks.rows.record import Record
from sinks.verifications import Abandoned, Place, RuleCount, Verification, VerificationStore
from yijian.verify.config import VerifyConfig
from yijian.verify.events import Events
from yijian.verify.figures import Figures
from yijian.verify.library import Library
from yijian.verify.model import Check, skipped
from yijian.verify.sampling import is_sampled
from yijian.verify.verifier import VERIFIER

log = logging.getLogger(__name__)

_read: Final = Reader(Decision)
_FETCH_RECORDS: Final = 500
_WAIT_S: Final = 0.2
_TOLD: Final = 20
"""Disagreements of one decision that are kept."""
_LAG_EVERY_S: Final = 5.0


class Loop:
    """One member of the verifiers' group. `run` works until it is told to stop."""

    def __init__(
        self, config: VerifyConfig, verifier: Library, store: VerificationStore, figures: Figures
    ) -> None:
        self._config = config
        self._verifier = verifier
        self._store = store
        self._figures = figures
        self._events = Events(config.bootstrap, config.kafka_options, config.prefix)
        self._writer = Jobs(1, "verify-writer")
        self._revoked = threading.Event()
        self._consumer: Consumer | None = None
        self._lag_at_s = 0.0

    def run(self, stop: threading.Event) -> None:
        """Returns when `stop` is set. Raises KafkaException, SinkError."""
        consumer = self._consumer = Consumer(self._config.consumer_settings(), logger=log)
        consumer.subscribe(
            [self._config.topic],
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_revoke,
        )
        while not stop.is_set():
            self._revoked = threading.Event()
            records = _good(consumer.consume(_FETCH_RECORDS, _WAIT_S))
            self._measure_lag()
            if records and not self._batch(records, stop):
                self._read_again(records)

    def close(self) -> None:
        """Leave the group; a batch that is not done is read again by whoever comes next."""
        self._revoked.set()
        self._writer.close()
        self._events.close()
        if self._consumer is not None:
            self._consumer.close()

    def _batch(self, records: Sequence[Record], stop: threading.Event) -> bool:
        """False where it was given up: nothing of it is committed."""
        found = self._verified(records, stop)
        if found is None:
            return False
        if found:
            token = f"{self._verifier.basis}:{self._config.share}:{_ranges(records)}"
            rows, revoked = [row for row, _ in found], self._revoked  # this batch's own
            writing = self._writer.submit(lambda: self._store.put(rows, token, revoked))
            self._keep_polling_until(writing.done, stop)
            if not writing.done():
                self._revoked.set()
                return False
            try:
                writing.result()
            except Abandoned:
                return False
        if self._revoked.is_set():
            return False
        self._commit(records)
        for _, check in found:
            self._figures.count(check)
        return True

    def _keep_polling_until(self, done: Any, stop: threading.Event) -> None:
        """Stay in the group while ClickHouse takes its time; nothing is fetched meanwhile."""
        assert self._consumer is not None
        parts = self._consumer.assignment()
        self._consumer.pause(parts)
        while not done() and not stop.is_set() and not self._revoked.is_set():
            early = self._consumer.poll(0.02)
            if early is not None:  # of a partition that was assigned in this moment
                self._read_again(_good([early]))
        still = {(p.topic, p.partition) for p in self._consumer.assignment()}
        self._consumer.resume([p for p in parts if (p.topic, p.partition) in still])

    def _read_again(self, records: Sequence[Record]) -> None:
        """Go back to these records, where they were taken from a partition that is ours.

        One call may bring a rebalance and records from before and after it.
        """
        assert self._consumer is not None
        firsts: dict[tuple[str, int], int] = {}
        for record in records:
            part = (record.topic, record.partition)
            firsts[part] = min(record.offset, firsts.get(part, record.offset))
        for at in self._consumer.position(self._consumer.assignment()):
            first = firsts.get((at.topic, at.partition))
            if first is not None and at.offset > first:
                self._consumer.seek(TopicPartition(at.topic, at.partition, first))

    def _commit(self, records: Sequence[Record]) -> None:
        assert self._consumer is not None
        ends: dict[tuple[str, int], int] = {}
        for record in records:
            ends[record.topic, record.partition] = record.offset + 1
        offsets = [TopicPartition(t, p, at) for (t, p), at in ends.items()]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:  # not a member any more: the next owner reads them again
            log.info("commit refused: %s", error.args[0].str())

    def _verified(
        self, records: Sequence[Record], stop: threading.Event
    ) -> list[tuple[Verification, Check]] | None:
        """Rows of the sampled records; None once `stop` is set."""
        sampled: list[tuple[Record, Decision]] = []
        for record in records:
            if record.header(KindHeaders.KIND) in KindHeaders.NO_DECISION:
                continue
            decision = _decision(record)
            if decision is None:
                self._figures.unreadable += 1
            elif is_sampled(decision.decision_id, self._config.share):
                sampled.append((record, decision))
            else:
                self._figures.passed += 1
        origins = [_origin(record) for record, _ in sampled]
        events = self._events.fetch([place for place in origins if place is not None], stop)
        found = []
        for (record, decision), origin in zip(sampled, origins, strict=True):
            if stop.is_set():
                return None
            event = events.get(origin) if origin is not None else None
            check = self._check(decision, event)
            found.append((_row(record, decision, check), check))
        return found

    def _check(self, decision: Decision, event: bytes | None) -> Check:
        try:
            return self._verifier.verify(decision, event)
        except Exception as error:  # a bug must not keep all other decisions from being verified
            # Its text may quote the decision: only its kind is said.
            log.error(
                "a decision cannot be verified (%s); report this as a bug", type(error).__name__
            )
            return skipped(decision.decision_id, "failed")

    def _on_assign(self, consumer: Consumer, parts: list[TopicPartition]) -> None:
        assigned: dict[str, list[int]] = {}
        for part in sorted(parts, key=lambda p: p.partition):
            assigned.setdefault(part.topic, []).append(part.partition)
        self._figures.assigned = assigned

    def _on_revoke(self, consumer: Consumer, parts: list[TopicPartition]) -> None:
        self._revoked.set()
        self._figures.assigned = {}

    def _measure_lag(self) -> None:
        assert self._consumer is not None
        now_s = monotonic()
        if now_s - self._lag_at_s < _LAG_EVERY_S:
            return
        self._lag_at_s = now_s
        lag = 0
        for part in self._consumer.position(self._consumer.assignment()):
            _, high = self._consumer.get_watermark_offsets(part, cached=True)
            if part.offset >= 0 and high >= 0:
                lag += max(high - part.offset, 0)
        self._figures.lag = lag


def _good(messages: Sequence[Message]) -> list[Record]:
    found = []
    for message in messages:
        error = message.error()
        if error is None:
            found.append(Record.of(message))
        elif error.fatal():
            raise KafkaException(error)
        else:
            log.warning("Kafka: %s", error.str())
    return found


def _decision(record: Record) -> Decision | None:
    """None where it is no decision of a worker, which has its place in the tables too."""
    try:
        decision = _read(record.value or b"")
        UUID(decision.decision_id)
        known = datetime.fromisoformat(decision.event.time).tzinfo is not None
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return decision if known else None


def _origin(record: Record) -> Place | None:
    """Where the event of a decision stands; None where the headers do not say.

    A decision that a timer led to names the tick.
    """
    if record.header_text(KindHeaders.TIMER):
        return None
    partition = record.header_int(OriginHeaders.PARTITION)
    offset = record.header_int(OriginHeaders.OFFSET)
    topic = record.header_text(OriginHeaders.TOPIC)
    if not topic or partition is None or offset is None:
        return None
    if not (0 <= partition < 2**31 and 0 <= offset < 2**63):
        return None
    return Place(topic, partition, offset)


def _ranges(records: Sequence[Record]) -> str:
    """Names exactly these records."""
    spans: dict[tuple[str, int], list[int]] = {}
    for record in records:
        spans.setdefault((record.topic, record.partition), []).append(record.offset)
    return ",".join(f"{t}:{p}:{o[0]}-{o[-1]}:{len(o)}" for (t, p), o in sorted(spans.items()))


def _row(record: Record, decision: Decision, check: Check) -> Verification:
    return Verification(
        place=Place(record.topic, record.partition, record.offset),
        decision=decision,
        verifier=VERIFIER,
        result=check.result,
        reason=check.reason,
        rules=tuple(
            RuleCount(rule, t.version, t.agreed, t.disagreed, t.skipped)
            for rule, t in check.rules.items()
        ),
        unchecked=check.unchecked,
        derived=check.derived,
        disagreements=tuple(msgspec.to_builtins(d) for d in check.disagreements[:_TOLD]),
    )
