"""One record in, its answer out: the step that the worker and `yijian evaluate` share.

Pure: no Kafka, no clock, no exception. What cannot be evaluated is a dead letter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Final, NamedTuple, Protocol, TypeAlias, overload

import msgspec

from contracts import tie as contracts_tie
from contracts.backfill import Backfill
from contracts.decision import Alert, Basis, Decision, encode_record
from contracts.event import EVENT_TYPES, Event
from contracts.identity import decision_id
from contracts.intake import DEFAULT_MAX_AHEAD_S, Reason, Rejected, decode
from contracts.lapse import Lapse
from contracts.tie import Tie
from knowledge_base.registry import NOTHING, Registry
from rules.grouping import facts_of_key
from rules.memory.coverage import Coverage
from rules.memory.instants import us_of
from rules.memory.taken import Activity
from rules.memory.ties import Mail
from rules.memory.uncovered import Uncovered
from streams.answers import (
    Answer,
    DeadLetter,
    Fired,
    Forwarded,
    Issued,
    Joined,
    Lapsed,
    Repeated,
    Result,
    Shared,
    Tied,
    TimerFailed,
)
from streams.cutting import fit_alert, fit_decision
from streams.errors import StateUnreadable, kind_and_place
from streams.past import Attendant, Brought, Due, Message, Past

DEFAULT_MAX_OUTPUT_BYTES: Final = 4 * 1_048_576 - 16_384
"""Of a decision's value; the rest of 4 MiB is for key, headers and the batch around it."""

Register: TypeAlias = Callable[[Registry], Basis]


class Evaluator(Protocol):
    """The rules, as the worker sees them."""

    def decide(self, event: Event, digest: str = "") -> Decision:
        """The decision about an event; the same event gives the same decision."""


class Supervisor:
    """Answers records with an evaluator, and with an attendant where there is a past.

    `register` puts a registry under the rules and tells what they decide with then. `check_key`
    compares a record's key with the event's subject (records from Kafka).
    """

    def __init__(
        self,
        evaluator: Evaluator,
        attendant: Attendant | None = None,
        *,
        register: Register | None = None,
        check_key: bool = True,
        max_output_bytes: int = DEFAULT_MAX_OUTPUT_BYTES,
        max_ahead_s: float = DEFAULT_MAX_AHEAD_S,
    ) -> None:
        self._decide = evaluator.decide
        self.basis: Basis | None = getattr(evaluator, "basis", None)
        """What decisions are computed with, where the evaluator tells."""
        self._register = register
        self._registry = NOTHING
        self._attendant = attendant
        self._check_key = check_key
        self._max_output_bytes = max_output_bytes
        self._max_ahead_s = max_ahead_s

    def use(self, registry: Registry) -> None:
        """From the next record on decide with this registry; between two batches."""
        if registry is not self._registry and self._register is not None:
            self.basis = self._register(registry)
        self._registry = registry

    @property
    def remembers(self) -> bool:
        """Whether it makes use of a past."""
        return self._attendant is not None

    @overload
    def supervise(
        self, value: bytes | None, key: bytes | None = None, received_ms: int | None = None
    ) -> Answer | DeadLetter: ...

    @overload
    def supervise(
        self,
        value: bytes | None,
        key: bytes | None = None,
        received_ms: int | None = None,
        past: Past | None = None,
        at: bytes | None = None,
    ) -> Result: ...

    def supervise(
        self,
        value: bytes | None,
        key: bytes | None = None,
        received_ms: int | None = None,
        past: Past | None = None,
        at: bytes | None = None,
    ) -> Result:
        """The answer to one record. `received_ms` is when the broker took it, where it did.

        Without a past each event is judged by itself. An event that was forwarded is judged `at`
        another subject, as which its own is remembered. Raises StateUnreadable.
        """
        try:
            taken = decode(
                value,
                key=key,
                check_key=self._check_key and at is None,
                received_ms=received_ms,
                max_ahead_s=self._max_ahead_s,
            )
            if type(taken) is Rejected:
                return DeadLetter(value, taken.reason, taken.path, taken.detail)
            event, unknown = taken.event, taken.unknown_fields  # type: ignore[union-attr]
            if past is None or self._attendant is None:
                return self._answer(event, value or b"", unknown)
            asked = _Asked(event, value or b"", unknown, received_ms)
            return self._attend(self._attendant, past, asked, at)
        except StateUnreadable:
            raise  # of the whole partition: no record can be decided
        except Exception as error:  # a bug must neither lose the record nor stop the partition
            return _failed(value, error)

    def join(
        self, value: bytes | None, activity: Activity, past: Past, received_ms: int | None = None
    ) -> Shared:
        """What an event leads to in one of its groups. Raises StateUnreadable."""
        attendant = self._attendant
        try:
            taken = decode(value)
            if type(taken) is Rejected:  # another version may have taken it
                return DeadLetter(value, taken.reason, taken.path, taken.detail)
            event: Event = taken.event  # type: ignore[union-attr]
            if attendant is None:
                return Joined(event, ())
            return self._join(attendant, past, event, value or b"", activity, received_ms)
        except StateUnreadable:
            raise
        except Exception as error:
            return _failed(value, error)

    def hear(
        self, told: Message, past: Past, *, is_written: bool | None = None
    ) -> Tied | DeadLetter | None:
        """What a message of a subject's identities leads to; None where it was heard before.

        `is_written` says whether what is remembered of the subject is written; None: ask the
        past. Raises StateUnreadable.
        """
        attendant = self._attendant
        if attendant is None:
            return None
        written = past.is_written(told.subject) if is_written is None else is_written
        memory = past.recall(told.subject)
        try:
            found = attendant.hear(
                told.kind, told.value, told.mark, memory, past.coverage, named(told.subject),
                is_written=written,
            )  # fmt: skip
        except Exception as error:
            past.undo(told.subject)
            return _failed(told.value, error)
        if found is None:
            return None
        past.keep(told.subject)
        tie = Tie(
            message=told.kind, step=found.step, subject=named(told.subject), digest=found.digest,
            timers=found.timers, basis=self.basis,
        )  # fmt: skip
        return Tied(tie, encode_record(tie), found.mails)

    def tell_groups(self, answer: Answer, value: bytes, past: Past) -> Iterator[Shared]:
        """What an event leads to in its groups, where these are remembered at the same place.

        Without Kafka, and in replay: the worker does it through the activities topic.
        """
        for activity in answer.activities:
            yield self.join(value, activity, past)

    def fire(self, due: Due, past: Past) -> Fired:
        """What a timer leads to. Raises StateUnreadable."""
        attendant = self._attendant
        if attendant is None:
            return ()
        memory = past.recall(due.subject)
        try:
            taken = attendant.fire(memory, past.coverage, due.timer, due.clock_us)
            issued = tuple(self._issue(one, memory.generation) for one in taken.decisions)
        except Exception as error:  # a bug must not stop the partition
            past.undo(due.subject)
            return TimerFailed(_told(error))
        if not taken.changed:
            return issued
        past.keep(due.subject)
        if issued:
            return issued
        lapse = Lapse(timer=due.timer, clock_us=due.clock_us, basis=self.basis)
        return Lapsed(encode_record(lapse))

    def uncovered(self, coverage: Coverage) -> Sequence[Uncovered]:
        """The rules that look back further than is known; from any thread."""
        return () if self._attendant is None else self._attendant.uncovered(coverage)

    def backfill(self, step: Backfill, past: Past, records: Iterable[Brought]) -> Backfill | None:
        """Do a step of a backfill with its records; as it stands in the order of record then.

        None where it is not the next step, or its rules are others now: it is not done. Records
        that intake refuses are left out, as they were. Raises StateUnreadable.
        """
        attendant = self._attendant
        if attendant is None or not attendant.step(past.coverage, step):
            return None
        brought = 0
        for record in records:
            try:
                brought += self._bring(attendant, step, past, record)
            except StateUnreadable:
                raise
            except Exception:  # a bug: it was a dead letter, or is left out
                continue
        return msgspec.structs.replace(step, brought=brought, basis=self.basis)

    def _bring(self, attendant: Attendant, step: Backfill, past: Past, record: Brought) -> bool:
        taken = decode(
            record.value,
            key=record.key,
            check_key=self._check_key,
            received_ms=record.received_ms,
            max_ahead_s=self._max_ahead_s,
        )
        if type(taken) is Rejected:
            return False
        event: Event = taken.event  # type: ignore[union-attr]
        family = EVENT_TYPES[event.type].family
        if family not in step.families or us_of(event.time) < step.from_us:
            return False
        subject = event.subject.encode()
        memory = past.recall(subject)
        try:
            changed = attendant.bring(event, _digest(record.value or b""), memory, past.coverage)
        except Exception:
            past.undo(subject)
            raise
        if changed:
            past.keep(subject)
        return changed

    def _answer(self, event: Event, value: bytes, unknown: tuple[str, ...]) -> Answer:
        issued = self._issue(self._decide(event, _digest(value)))
        return Answer(event, issued.decision, issued.decision_bytes, issued.alerts, unknown)

    def _attend(self, attendant: Attendant, past: Past, asked: _Asked, at: bytes | None) -> Result:
        event, value, unknown, received_ms = asked
        subject = event.subject.encode() if at is None else at
        memory, known = past.recall(subject), past.coverage.as_now(event.source)
        try:
            taken = attendant.take(event, _digest(value), memory, past.coverage, named(subject))
            issued = [self._issue(one, memory.generation) for one in taken.decisions]
        except Exception:
            past.undo(subject)
            past.coverage.restore(known)
            raise
        if taken.forwarded:
            return _forwarded(event, value, taken.forwarded)
        if taken.reused:
            return _reused(value)
        past.heard(event, received_ms)
        if taken.repeat is not None:
            return Repeated(event, encode_record(taken.repeat))
        if taken.changed:
            past.keep(subject)
        own, *further = issued
        return Answer(
            event, own.decision, own.decision_bytes, own.alerts, unknown, tuple(further),
            taken.activities, taken.mails, own.generation,
        )  # fmt: skip

    def _join(
        self,
        attendant: Attendant,
        past: Past,
        event: Event,
        value: bytes,
        activity: Activity,
        received_ms: int | None,
    ) -> Shared:
        group = activity.subject
        facts = facts_of_key(activity.key)
        memory, known = past.recall(group), past.coverage.as_now(event.source, facts)
        try:
            taken = attendant.join(event, _digest(value), memory, past.coverage, activity)
            issued = tuple(map(self._issue, taken.decisions))
        except Exception:
            past.undo(group)
            past.coverage.restore(known)
            raise
        if taken.reused:
            return _reused(value)
        past.heard(event, received_ms)
        if taken.changed:  # also by an event that came again: its act may have left the group
            past.keep(group)
        if taken.repeat is not None:
            return Repeated(event, encode_record(taken.repeat))
        return Joined(event, issued)

    def _issue(self, decision: Decision, generation: int = 0) -> Issued:
        stored, encoded = fit_decision(decision, self._max_output_bytes)
        findings = decision.findings
        if not findings:
            return Issued(stored, encoded, (), generation)
        alerts = tuple(
            [
                fit_alert(
                    Alert(
                        decision_id=decision.decision_id,
                        event=decision.event,
                        subject=decision.subject,
                        phase=decision.phase,
                        finding=finding,
                    ),
                    self._max_output_bytes,
                )
                for finding in findings
            ]
        )
        return Issued(stored, encoded, alerts, generation)


class _Asked(NamedTuple):
    """An event that is to be answered."""

    event: Event
    value: bytes
    unknown: tuple[str, ...]
    received_ms: int | None


def named(subject: bytes) -> str:
    """A subject as events name it."""
    return subject.decode("utf-8", "surrogatepass")


_PIECE: Final = 2047
"""hashlib gives the interpreter away for more, and winning it back costs more than hashing."""


def _digest(value: bytes) -> str:
    # Most processors compute SHA-256 themselves, which no other good hash can match.
    digest = sha256(value[:_PIECE], usedforsecurity=False)
    for start in range(_PIECE, len(value), _PIECE):
        digest.update(value[start : start + _PIECE])
    return digest.hexdigest()[:16]


def _forwarded(event: Event, value: bytes, home: str) -> Forwarded:
    record = contracts_tie.Forwarded(
        decision_id=decision_id(event.key), source=event.source, id=event.id, home=home
    )
    return Forwarded(event, encode_record(record), Mail(contracts_tie.FORWARD, home, value))


def _reused(value: bytes) -> DeadLetter:
    return DeadLetter(
        value,
        Reason.ID_REUSED,
        "$.id",
        "an event of this source and id came before with other content; expected a new id for "
        "every event",
    )


def _failed(value: bytes | None, error: Exception) -> DeadLetter:
    return DeadLetter(value, Reason.EVALUATION_FAILED, "$", _told(error))


def _told(error: Exception) -> str:
    return f"{kind_and_place(error)}; report this as a bug"
