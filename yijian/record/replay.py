"""The order of record once more, from nothing remembered: each step must lead to what it led to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

from contracts.backfill import Backfill
from contracts.decision import ActivityHeaders, Basis, encode_record
from contracts.event import Event
from contracts.identity import EventKey, decision_id, partition_of
from contracts.intake import Rejected, decode
from contracts.tie import FORWARD, Tie
from rules.memory.coverage import Coverage
from rules.memory.model import Memory
from rules.memory.ties import given
from streams.answers import (
    Answer,
    Fired,
    Forwarded,
    Joined,
    Lapsed,
    Repeated,
    Result,
    Tied,
    TimerFailed,
)
from streams.past import Brought, Due, Past, activity_of, message_of
from streams.state.clocks import clocks_of
from streams.supervision import Supervisor
from yijian.expected import Expected, Supervisors
from yijian.kafka_log import LogRecord, Origin
from yijian.record.order import Order, Step
from yijian.record.unfired import overdue
from yijian.remembering import Remembered

NOT_IN_LOG: Final = "record_not_found"
PAST_UNKNOWN: Final = "past_not_recomputed"
NOT_WHOLE: Final = "past_not_in_log"
"""The log begins later than what was remembered: nobody can say any more what was known."""


@dataclass
class Recomputed:
    """What came of the order of record when it was gone through once more."""

    expected: Expected = field(default_factory=Expected)
    """What must stand in the tables."""
    decisions: int = 0
    """Decisions that were compared, those of timers included."""
    timers: int = 0
    """Timers that fired again and whose decisions were compared."""
    lapsed: int = 0
    """Timers that fired again and again had nothing to say."""
    brought: int = 0
    """Past events that backfills brought in again."""
    repeats: int = 0
    """Events that came again and had to be known."""
    forwarded: int = 0
    """Events that had to be sent to where their subject is remembered."""
    ties: int = 0
    """Messages about identities that led to the same once more."""
    voided: int = 0
    """Steps of interrupted runs, which do not count."""
    of_groups: int = 0
    """Decisions about groups among them."""
    differing: list[Origin] = field(default_factory=list)
    """Decisions, by where they stand, that this order of record does not lead to."""
    unfired: list[Origin] = field(default_factory=list)
    """Intake records that set a timer whose time had passed, and of which no decision tells."""
    disordered: list[Origin] = field(default_factory=list)
    """Intake records that a later record of their partition overtook."""
    told: dict[tuple[bytes, EventKey], Origin] = field(default_factory=dict)
    """Groups that had to be told of an event, and where the event came in."""
    joined: set[tuple[bytes, EventKey]] = field(default_factory=set)
    """Groups about which something was decided, or repeated, because of an event."""
    untaken: list[Origin] = field(default_factory=list)
    """Messages about identities of which no record tells that they were taken."""
    packs: set[str] = field(default_factory=set)
    """Rules that decisions name."""
    is_whole: bool = True
    """Whether the log has everything from the beginning."""

    @property
    def unheard(self) -> list[Origin]:
        """Intake records of which a group was never told; [] where that cannot be known.

        After a change of rules a group may be one that nobody asks for any more.
        """
        if not self.is_whole or len(self.packs) > 1:
            return []
        return [origin for name, origin in self.told.items() if name not in self.joined]


class Rebuilt(NamedTuple):
    """What is remembered of a partition number where its order of record ends."""

    past: Remembered
    why: str
    """Why not everything could be gone through; "" where it could."""


class Replay:
    """Goes through the order of record of one partition number after the other."""

    def __init__(
        self,
        supervisors: Supervisors,
        stored: Mapping[EventKey, Basis],
        max_ahead_s: float,
        activities: str = "",
        partitions: int = 0,
    ) -> None:
        """`stored` has the basis of decisions that the log may not keep any more.

        `activities` is the topic whose records are about groups. `partitions` is how many the log
        has; 0 where every record stands where it belongs.
        """
        self._activities = activities
        self._partitions = partitions
        self.found = Recomputed()
        self._supervisors = supervisors
        self._stored = stored
        self._max_ahead_s = max_ahead_s
        self._past = Remembered()
        self._is_known = True
        """Whether every step could be gone through: after one that could not, nobody knows what
        is kept, nor since when anything is covered."""
        self._is_whole = True
        self._number = 0

    def partition(
        self,
        order: Order,
        intake: Sequence[LogRecord],
        rekeyed: Mapping[Origin, LogRecord] | None = None,
        *,
        number: int = 0,
        is_whole: bool = True,
    ) -> None:
        """One partition number: its steps, and its intake records.

        `rekeyed` has the records whose home it is but that stand elsewhere: in another partition,
        or among the activities of groups. `is_whole` says whether the log has
        everything from the beginning.
        """
        self._past, self._is_known, self._number = Remembered(), True, number
        self._is_whole = is_whole or not self._supervisors.files.remembers
        self.found.is_whole &= is_whole
        self.found.disordered += order.disordered
        self.found.of_groups += order.of_groups
        left = [record for record in intake if not self._is_answered(record, order)]
        keys = set(order.answered.values())
        for record in sorted(left, key=lambda r: (r.timestamp_ms, r.topic, r.offset)):
            self._unanswered(record, keys)
        values = {record.place: record for record in intake} | dict(rekeyed or {})
        for step in order.steps:
            self._note(step)
            if step.is_void:
                self.found.voided += 1
            else:
                self._take(step, values)
        self._look_for_unfired(order)
        taken = {step.origin for step in order.steps if step.kind == "tie"}
        self.found.untaken += [p for p in _messages(values) if p not in taken]

    def _note(self, step: Step) -> None:
        if step.basis is not None:
            self.found.packs.add(step.basis.pack)
        if step.origin[0] == self._activities:
            self.found.joined.add((step.subject, step.event))

    @property
    def rebuilt(self) -> Rebuilt:
        """What came of the partition number that was gone through last."""
        why = "" if self._is_whole else NOT_WHOLE
        return Rebuilt(self._past, why if self._is_known else PAST_UNKNOWN)

    def _is_answered(self, record: LogRecord, order: Order) -> bool:
        self.found.expected.records += 1
        key = order.answered.get(record.place)
        if key is not None:
            self.found.expected.accepted[record.place] = key
        return key is not None

    def _unanswered(self, record: LogRecord, answered: set[EventKey]) -> None:
        """A record without a decision in the log: refused, or older than the log, or lost."""
        expected = self.found.expected
        taken = decode(
            record.value,
            key=record.key,
            check_key=True,
            received_ms=record.timestamp_ms,
            max_ahead_s=self._max_ahead_s,
        )
        if isinstance(taken, Rejected):
            expected.refused[record.place] = taken.reason.value
            return
        key = taken.event.key
        expected.accepted[record.place] = key
        basis = self._stored.get(key)
        if basis is None or key in answered:
            return
        supervisor = self._find(basis)
        if isinstance(supervisor, str):
            self._leave_out(decision_id(key), key, supervisor)
            return
        result = self._supervise(supervisor, record)
        if isinstance(result, Answer):
            self._stands(result)

    def _take(self, step: Step, values: Mapping[Origin, LogRecord]) -> None:
        if step.kind == "withdrawn":
            self.found.expected.withdrawn(step.decision_id, step.generation)
            return
        if step.backfill is not None:
            self._backfill(step, step.backfill, values)
            return
        supervisor = self._find(step.basis)
        is_known = self._is_known and step.kind != "orphan"
        if not is_known and not isinstance(supervisor, str):
            supervisor = PAST_UNKNOWN
        record = values.get(step.origin)
        is_fired = step.kind in ("timer", "lapse")
        if record is None and not is_fired and not isinstance(supervisor, str):
            supervisor = NOT_IN_LOG
        if isinstance(supervisor, str):
            if step.kind in ("tie", "lapse"):
                self._is_known &= not self._supervisors.files.remembers
            elif step.kind not in ("repeat", "forward"):
                name, key = step.decision_id, step.event
                self._leave_out(name, key, supervisor, step.generation)
        elif is_fired:
            self._fire(step, supervisor)
        elif record is not None and step.tie is not None:
            self._hear(step, step.tie, supervisor, record)
        elif record is not None:
            self._event(step, supervisor, record)

    def _backfill(self, step: Step, told: Backfill, values: Mapping[Origin, LogRecord]) -> None:
        """What a step of a backfill brought in; without its rules nobody's past is known."""
        supervisor = self._find(step.basis)
        if isinstance(supervisor, str):
            self._is_whole = False
            return
        partition = step.recorded[0][0][1]
        places = [(told.topic, partition, n) for n in range(told.first, told.last + 1)]
        found = [values[place] for place in places if place in values]
        records = [Brought(r.value, r.key, r.timestamp_ms) for r in found if self._is_home(r)]
        asked = msgspec.structs.replace(told, brought=0, basis=None)
        done = supervisor.backfill(asked, self._past, records)
        if done is None or done.brought != told.brought:
            self.found.differing.append(step.recorded[0][0])
        self.found.brought += told.brought

    def _is_home(self, record: LogRecord) -> bool:
        """Whether a record belongs to the partition number: others were moved to theirs."""
        if record.key is None:
            return False
        return not self._partitions or partition_of(record.key, self._partitions) == self._number

    def _find(self, basis: Basis | None) -> Supervisor | str:
        if not self._is_whole:
            return NOT_WHOLE
        return self._supervisors.files if basis is None else self._supervisors.find(basis)

    def _leave_out(self, name: str, key: EventKey, why: str, generation: int = 0) -> None:
        self.found.expected.unknown(name, key, why, generation)
        self._is_known &= not self._supervisors.files.remembers

    def _event(self, step: Step, supervisor: Supervisor, record: LogRecord) -> None:
        if step.origin[0] == self._activities:
            self._group(step, supervisor, record)
            return
        if step.kind == "repeat":
            self.found.repeats += 1
            again = self._supervise(supervisor, record, step.subject, _Seen(self._past))
            self._compare(step, [again.record] if isinstance(again, Repeated) else [])
            return
        result = self._supervise(supervisor, record, step.subject)
        if step.kind == "forward":
            self.found.forwarded += 1
            self._compare(step, [result.record] if isinstance(result, Forwarded) else [])
            return
        if isinstance(result, Answer):
            self._compare(
                step, [result.decision_bytes, *(i.decision_bytes for i in result.further)]
            )
            self._stands(result)
            for activity in result.activities:
                self.found.told[activity.subject, step.event] = step.origin
        else:
            self._compare(step, [])
        self.found.decisions += len(step.recorded)

    def _group(self, step: Step, supervisor: Supervisor, record: LogRecord) -> None:
        """An event that was given to a group, whose records stand in the order of its decisions."""
        activity = activity_of(record.key or b"", dict(record.headers))
        shared = supervisor.join(record.value, activity, self._past, record.timestamp_ms)
        if step.kind == "repeat":
            self.found.repeats += 1
            self._compare(step, [shared.record] if isinstance(shared, Repeated) else [])
            return
        issued = shared.issued if isinstance(shared, Joined) else ()
        self._compare(step, [one.decision_bytes for one in issued])
        for one in issued:
            self.found.expected.decided(one.decision)
        self.found.decisions += len(step.recorded)

    def _hear(self, step: Step, told: Tie, supervisor: Supervisor, record: LogRecord) -> None:
        """A message about identities: what it brought stands in the log where it came."""
        headers, (_, partition, offset) = dict(record.headers), record.place
        kind = headers.get(ActivityHeaders.MESSAGE, b"")
        message = message_of(kind, step.subject, record.value, partition, offset)
        # What had been written by then is not told by the order; what was sent had been.
        found = supervisor.hear(message, self._past, is_written=told.step != "waits")
        made: list[bytes] = []
        if isinstance(found, Tied) and self._is_silent(told, found, supervisor):
            made.append(encode_record(msgspec.structs.replace(found.tie, timers=told.timers)))
        self._compare(step, made)
        self._past.clocks.hear(clocks_of(record.headers))
        self.found.ties += 1

    def _is_silent(self, told: Tie, found: Tied, supervisor: Supervisor) -> bool:
        """Whether timers that should have been sent away, and were not, had nothing to say.

        They may well have fired before: a log from before lapses were noted does not tell.
        """
        if not set(told.timers) <= set(found.tie.timers):
            return False
        missing = set(found.tie.timers) - set(told.timers)
        for mail in found.mails if missing else ():
            past = _Given(self._past, given(mail.value))
            for name in sorted(missing & past.memory.timers.keys()):
                due = Due(b"", name, past.memory.timers[name].fire_us)
                if not _says_nothing(supervisor.fire(due, past)):
                    return False
        return True

    def _fire(self, step: Step, supervisor: Supervisor) -> None:
        due = Due(step.subject, step.timer, step.clock_us)
        fired = supervisor.fire(due, self._past)
        if step.kind == "lapse":
            self._compare(step, [fired.record] if isinstance(fired, Lapsed) else [])
            self.found.lapsed += 1
            return
        issued = () if isinstance(fired, Lapsed | TimerFailed) else fired
        self._compare(step, [one.decision_bytes for one in issued])
        for one in issued:
            self.found.expected.decided(one.decision, one.generation)
        self.found.timers += 1
        self.found.decisions += len(step.recorded)

    def _look_for_unfired(self, order: Order) -> None:
        if not self._is_known:
            return
        for due, step, origin in overdue(order.steps, self._past):
            supervisor = self._find(step.basis)
            if isinstance(supervisor, str):
                continue
            # A log from before lapses were noted does not tell of those that had nothing to say.
            if not _says_nothing(supervisor.fire(due, self._past)):
                self.found.unfired.append(origin)

    def _supervise(
        self, supervisor: Supervisor, record: LogRecord, subject: bytes | None = None,
        past: Past | None = None,
    ) -> Result:  # fmt: skip
        """The answer to a record; to one that was forwarded as the subject's own event."""
        if past is None and supervisor.remembers:
            past = self._past
        at = subject if record.topic == self._activities else None
        return supervisor.supervise(record.value, record.key, record.timestamp_ms, past, at)

    def _stands(self, answer: Answer) -> None:
        self.found.expected.decided(answer.decision, answer.generation)
        for one in answer.further:
            self.found.expected.decided(one.decision, one.generation)

    def _compare(self, step: Step, made: Sequence[bytes]) -> None:
        for number, (place, value) in enumerate(step.recorded):
            if number >= len(made) or not is_same(value, made[number]):
                self.found.differing.append(place)
        if len(made) > len(step.recorded):
            self.found.differing.append(step.recorded[-1][0])


def _says_nothing(fired: Fired) -> bool:
    """Whether a timer had nothing to say."""
    return isinstance(fired, Lapsed) or fired == ()


def _messages(records: Mapping[Origin, LogRecord]) -> Iterator[Origin]:
    """Where messages about identities stand; events that were forwarded are none."""
    for place, record in records.items():
        kind = dict(record.headers).get(ActivityHeaders.MESSAGE)
        if kind is not None and kind != FORWARD.encode():
            yield place


class _Seen:
    """A past that an event which came before can be shown, and that nothing changes."""

    def __init__(self, past: Remembered) -> None:
        self._past = past
        self.coverage = msgspec.convert(msgspec.to_builtins(past.coverage), Coverage)

    def recall(self, subject: bytes) -> Memory:
        return self._past.recall(subject)

    def keep(self, subject: bytes) -> None: ...

    def undo(self, subject: bytes) -> None: ...

    def is_written(self, subject: bytes) -> bool:
        return True

    def heard(self, event: Event, received_ms: int | None) -> None: ...


class _Given(_Seen):
    """A past of which one memory is known, whoever asks: what was given away."""

    def __init__(self, past: Remembered, memory: Memory) -> None:
        super().__init__(past)
        self.memory = memory

    def recall(self, subject: bytes) -> Memory:
        return self.memory


def is_same(recorded: bytes, made: bytes) -> bool:
    """Whether two decisions say the same; by which engine is no part of that.

    How many findings are not told again stands in the findings too: older records do not count it.
    """
    if recorded == made:
        return True
    one, other = msgspec.json.decode(recorded), msgspec.json.decode(made)
    for decision in (one, other):
        if isinstance(decision, dict):
            decision.pop("basis", None)
            decision.get("coverage", {}).pop("suppressed", None)
    return bool(one == other)
