"""One record in, its answer out: the step that the worker and `yijian evaluate` share.

Pure: no Kafka, no clock, no exception. What cannot be evaluated is a dead letter.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final, Protocol

import msgspec

from contracts.decision import Alert, Basis, DeadLetterHeaders, Decision
from contracts.event import Event
from contracts.intake import DEFAULT_MAX_AHEAD_S, Reason, Rejected, decode
from streams.cutting import fit_alert, fit_decision

DEFAULT_MAX_OUTPUT_BYTES: Final = 4 * 1_048_576 - 16_384
"""Of a decision's value; the rest of 4 MiB is for key, headers and the batch around it."""

Headers = list[tuple[str, bytes]]


class Evaluator(Protocol):
    """The rules, as the worker sees them."""

    def decide(self, event: Event, digest: str = "") -> Decision:
        """The decision about an event; the same event gives the same decision."""


class Answer(msgspec.Struct, frozen=True, gc=False):
    """A decision with its bytes and those of its alerts, one a finding."""

    event: Event
    decision: Decision
    decision_bytes: bytes
    alerts: tuple[bytes, ...]
    unknown_fields: tuple[str, ...]


class DeadLetter(msgspec.Struct, frozen=True, gc=False):
    """A record that was not evaluated: its bytes as they came, and why."""

    value: bytes | None
    reason: Reason
    path: str
    detail: str

    def headers(self, topic: str, partition: int, offset: int, received_ms: int) -> Headers:
        """The headers of the record in the dead-letter topic, for the place it came from."""
        names = DeadLetterHeaders
        return [
            (names.TOPIC, topic.encode()),
            (names.PARTITION, b"%d" % partition),
            (names.OFFSET, b"%d" % offset),
            (names.REASON, self.reason.value.encode()),
            (names.PATH, self.path.encode("utf-8", "backslashreplace")),
            (names.DETAIL, self.detail.encode("utf-8", "backslashreplace")),
            (names.RECEIVED_MS, b"%d" % received_ms),
        ]


class Supervisor:
    """Answers records with an evaluator.

    `check_key` compares a record's key with the event's subject (records from Kafka).
    """

    def __init__(
        self,
        evaluator: Evaluator,
        *,
        check_key: bool = True,
        max_output_bytes: int = DEFAULT_MAX_OUTPUT_BYTES,
        max_ahead_s: float = DEFAULT_MAX_AHEAD_S,
    ) -> None:
        self._decide = evaluator.decide
        self.basis: Basis | None = getattr(evaluator, "basis", None)
        """What decisions are computed with, where the evaluator tells."""
        self._check_key = check_key
        self._max_output_bytes = max_output_bytes
        self._max_ahead_s = max_ahead_s

    def supervise(
        self, value: bytes | None, key: bytes | None = None, received_ms: int | None = None
    ) -> Answer | DeadLetter:
        """The answer to one record. `received_ms` is when the broker took it, where it did."""
        try:
            taken = decode(
                value,
                key=key,
                check_key=self._check_key,
                received_ms=received_ms,
                max_ahead_s=self._max_ahead_s,
            )
            if type(taken) is Rejected:
                return DeadLetter(value, taken.reason, taken.path, taken.detail)
            return self._answer(taken.event, value or b"", taken.unknown_fields)  # type: ignore[union-attr]
        except Exception as error:  # a bug must neither lose the record nor stop the partition
            return _failed(value, error)

    def _answer(self, event: Event, value: bytes, unknown: tuple[str, ...]) -> Answer:
        decision = self._decide(event, _digest(value))
        stored, encoded = fit_decision(decision, self._max_output_bytes)
        findings = decision.findings
        if not findings:
            return Answer(event, stored, encoded, (), unknown)
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
        return Answer(event, stored, encoded, alerts, unknown)


_PIECE: Final = 2047
"""hashlib gives the interpreter away for more, and winning it back costs more than hashing."""


def _digest(value: bytes) -> str:
    # Most processors compute SHA-256 themselves, which no other good hash can match.
    digest = sha256(value[:_PIECE], usedforsecurity=False)
    for start in range(_PIECE, len(value), _PIECE):
        digest.update(value[start : start + _PIECE])
    return digest.hexdigest()[:16]


def _failed(value: bytes | None, error: Exception) -> DeadLetter:
    # The error's text may quote the event: only its kind and place leave the process.
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at line {trace.tb_lineno} of {trace.tb_frame.f_code.co_name}" if trace else ""
    return DeadLetter(
        value, Reason.EVALUATION_FAILED, "$", f"{type(error).__name__}{where}; report this as a bug"
    )
