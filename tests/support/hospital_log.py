"""Several partition numbers and their worker without Kafka, with crashes at any point.

Outputs wait until they are confirmed, in any order between partitions; what is remembered is
written when all are; a crash loses what is not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from contracts.decision import ActivityHeaders, KindHeaders
from contracts.event import Event, encode_event
from contracts.identity import partition_of
from contracts.tie import FORWARD, GO
from rules.memory.coverage import Coverage
from rules.memory.instants import us_of
from rules.memory.model import Memory, decode
from rules.memory.ties import Mail
from streams.answers import DeadLetter, Forwarded, Issued, Repeated, Result, Tied
from streams.past import message_of
from streams.state.clocks import Clocks
from support.past import SITE
from support.past_log import ACTIVITIES, TOPIC, Headers, origin_of
from yijian.composition import Core, supervisor_of
from yijian.expected import Supervisors
from yijian.kafka_log import LogRecord
from yijian.record import Recomputed, Replay, order_of
from yijian.record.log import at_home, is_forwarded
from yijian.remembering import Remembered

DECISIONS = "decisions"
Pick = Callable[[list[int]], int]


class Written(NamedTuple):
    """What a partition number remembers, as it was written last."""

    values: dict[bytes, bytes]
    coverage: bytes
    clocks: bytes
    done: dict[str, int]


class Past(Remembered):
    """What is remembered, of which it is known what changed since it was written."""

    def __init__(self) -> None:
        super().__init__()
        self.touched: set[bytes] = set()

    def keep(self, subject: bytes) -> None:
        super().keep(subject)
        self.touched.add(subject)

    def is_written(self, subject: bytes) -> bool:
        return subject not in self.touched

    def written(self, done: dict[str, int]) -> Written:
        self.touched.clear()
        encode = msgspec.msgpack.encode
        return Written(dict(self._values), encode(self.coverage), encode(self.clocks), dict(done))

    @classmethod
    def read(cls, written: Written) -> Past:
        past = cls()
        past._values = dict(written.values)
        past.coverage = msgspec.msgpack.decode(written.coverage, type=Coverage)
        past.clocks = msgspec.msgpack.decode(written.clocks, type=Clocks)
        return past


class Ward:
    """One partition number."""

    def __init__(self) -> None:
        self.logs: dict[str, list[LogRecord]] = {TOPIC: [], ACTIVITIES: [], DECISIONS: []}
        self.past = Past()
        self.done = {TOPIC: 0, ACTIVITIES: 0}
        self.waiting: list[tuple[int, str, LogRecord]] = []
        """Outputs that are not confirmed: for which partition number, and topic."""
        self.written = self.past.written(self.done)

    def ready(self) -> list[str]:
        return [topic for topic, at in self.done.items() if at < len(self.logs[topic])]


class Hospital:
    """All partition numbers."""

    def __init__(self, core: Core, partitions: int = 3) -> None:
        self.core = core
        self.wards = [Ward() for _ in range(partitions)]
        self._by = supervisor_of(SITE, core)

    def home(self, subject: str) -> int:
        return partition_of(subject.encode(), len(self.wards))

    def comes(self, event: Event) -> None:
        number = self.home(event.subject)
        at_ms = us_of(event.time) // 1000
        self._append(
            number, TOPIC,
            LogRecord(TOPIC, number, 0, at_ms, event.subject.encode(), encode_event(event), ()),
        )  # fmt: skip

    def takes(self, number: int, topic: str) -> None:
        """The worker takes the next record of a topic."""
        ward = self.wards[number]
        record = ward.logs[topic][ward.done[topic]]
        kind = dict(record.headers).get(ActivityHeaders.MESSAGE, b"")
        if kind == GO.encode():
            self.writes(number)  # the agent waits for it
        ward.done[topic] += 1
        if kind == FORWARD.encode():
            _, moved = at_home(record)
            result = self._by.supervise(
                record.value, None, moved.timestamp_ms, ward.past, record.key
            )
            self._answered(number, record, result, origin_headers_of(record))
        elif kind:
            message = message_of(kind, record.key or b"", record.value, number, record.offset)
            told = self._by.hear(message, ward.past)
            assert not isinstance(told, DeadLetter), told
            if isinstance(told, Tied):
                tie = (KindHeaders.KIND, KindHeaders.TIE)
                self._decides(number, record.key, told.record, (*origin_of(record), tie))
                for mail in told.mails:
                    self._posts(number, mail, origin_headers_of(record))
        else:
            result = self._by.supervise(
                record.value, record.key, record.timestamp_ms, past=ward.past
            )
            self._answered(number, record, result, origin_of(record))

    def _answered(self, number: int, record: LogRecord, result: Result, headers: Headers) -> None:
        assert not isinstance(result, DeadLetter), result
        key = record.key
        if isinstance(result, Repeated):
            kind = (KindHeaders.KIND, KindHeaders.REPEAT)
            self._decides(number, key, result.record, (*headers, kind))
        elif isinstance(result, Forwarded):
            kind = (KindHeaders.KIND, KindHeaders.FORWARD)
            self._decides(number, key, result.record, (*headers, kind))
            self._posts(number, result.mail, headers)
        else:
            own = Issued(result.decision, result.decision_bytes, result.alerts, result.generation)
            for one in (own, *result.further):
                mark = (KindHeaders.GENERATION, b"%d" % one.generation)
                self._decides(
                    number,
                    key,
                    one.decision_bytes,
                    (*headers, mark) if mark[1] != b"0" else headers,
                )
            for mail in result.mails:
                self._posts(number, mail, headers)

    def _decides(self, number: int, key: bytes | None, value: bytes, headers: Headers) -> None:
        record = LogRecord(DECISIONS, number, 0, 0, key, value, headers)
        self.wards[number].waiting.append((number, DECISIONS, record))

    def _posts(self, number: int, mail: Mail, headers: Headers) -> None:
        to, kind = self.home(mail.to), (ActivityHeaders.MESSAGE, mail.kind.encode())
        record = LogRecord(ACTIVITIES, to, 0, 0, mail.to.encode(), mail.value, (*headers, kind))
        self.wards[number].waiting.append((to, ACTIVITIES, record))

    def confirms(self, number: int, pick: Pick) -> None:
        """The first output for one of the partitions is confirmed."""
        waiting = self.wards[number].waiting
        places = list(dict.fromkeys((to, topic) for to, topic, _ in waiting))
        if not places:
            return
        place = places[pick(list(range(len(places))))]
        at = next(n for n, (to, topic, _) in enumerate(waiting) if (to, topic) == place)
        self._append(*waiting.pop(at))

    def writes(self, number: int) -> None:
        """All outputs are confirmed, then what is remembered is written."""
        ward = self.wards[number]
        for output in ward.waiting:
            self._append(*output)
        ward.waiting.clear()
        ward.written = ward.past.written(ward.done)

    def crashes(self, number: int, *, half_written: bool = False) -> None:
        """What was not confirmed or written is lost.

        `half_written`: all outputs were confirmed, and some of what is remembered was written, but
        for how far the topics were read.
        """
        ward = self.wards[number]
        if half_written:
            for output in ward.waiting:
                self._append(*output)
            touched = sorted(ward.past.touched)[::2]
            values = ward.written.values | {key: ward.past.values[key] for key in touched}
            ward.written = ward.written._replace(values=values)
        ward.waiting.clear()
        ward.past, ward.done = Past.read(ward.written), dict(ward.written.done)

    def drains(self, pick: Pick) -> None:
        """Everything is taken and written."""
        for _ in range(20_000):
            ready = [(n, topic) for n, ward in enumerate(self.wards) for topic in ward.ready()]
            if not ready:
                for number in range(len(self.wards)):
                    self.writes(number)
                if not any(ward.ready() for ward in self.wards):
                    return
                continue
            self.takes(*ready[pick(list(range(len(ready))))])
        raise AssertionError("messages go round for ever")

    def replayed(self) -> Recomputed:
        """The order of record of all partition numbers once more."""
        supervisors = Supervisors(SITE, self.core, lambda digest: None)
        replay = Replay(supervisors, {}, SITE.max_ahead_s, ACTIVITIES, len(self.wards))
        for number, ward in enumerate(self.wards):
            elsewhere = {}
            for record in ward.logs[ACTIVITIES]:
                elsewhere[record.place] = record
                if is_forwarded(record):
                    elsewhere |= (at_home(record),)
            order = order_of(ward.logs[DECISIONS])
            replay.partition(order, ward.logs[TOPIC], elsewhere, number=number)
            assert _opened(replay.rebuilt.past) == _opened(ward.past)
        return replay.found

    def _append(self, number: int, topic: str, record: LogRecord) -> None:
        log = self.wards[number].logs[topic]
        log.append(record._replace(offset=len(log)))


def _opened(past: Remembered) -> dict[bytes, Memory]:
    return {subject: decode(value) for subject, value in past.values.items()}


def origin_headers_of(record: LogRecord) -> Headers:
    """The headers about where a record that was moved came in."""
    return tuple(header for header in record.headers if header[0].startswith("yijian-origin"))
