"""What must be in the tables: every record of the intake decided again, by what had decided it.

A decision names the rules and knowledge that it was computed with (`basis`): the site's files, or
a signed bundle. What it names has the word, not what is in force now. A decision whose basis
cannot be had is not recomputed, and counted as that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from contracts.decision import Basis, KindHeaders, Reader, encode_record
from contracts.identity import EventKey
from streams.supervision import Answer, DeadLetter, Supervisor
from yijian.bundles.by_basis import (
    BUNDLE_NOT_FOUND,
    ByBasis,
    LoadBundle,
    difference,
)
from yijian.composition import Core, supervisor_of
from yijian.kafka_log import LogRecord, Origin
from yijian.registry import REGISTRY_NOT_FOUND, FindRegistry, nothing_registered
from yijian.settings import Settings


class _Told(msgspec.Struct, frozen=True, gc=False):
    """The part of a decision that says what it was computed with."""

    basis: Basis


_read = Reader(_Told)


@dataclass
class Decided:
    """What the log of decisions says of each intake record."""

    bases: dict[Origin, Basis] = field(default_factory=dict)
    """Of the last decision about it."""
    disordered: list[Origin] = field(default_factory=list)
    """Records whose first decision came after that of a later record.

    A crash repeats decisions but never lets a later record overtake: the first decisions of one
    intake partition stand in the order of its records. Re-keyed records have another order.
    """


def read_decisions(records: Iterable[LogRecord]) -> Decided:
    """What the records of the decisions topic say, in the order of each partition."""
    found = Decided()
    highest: dict[tuple[str, int], int] = {}
    known: dict[Basis, Basis] = {}
    for record in records:
        if record.header(KindHeaders.KIND) == KindHeaders.REPEAT:
            continue  # it names a decision and is none
        origin = record.origin
        topic, partition, offset = origin
        is_first = origin not in found.bases
        basis = _read(record.value or b"").basis
        found.bases[origin] = known.setdefault(basis, basis)
        if not is_first or partition != record.partition:
            continue
        if offset < highest.get((topic, partition), -1):
            found.disordered.append(origin)
        else:
            highest[topic, partition] = offset
    return found


class Supervisors:
    """Decides records again as they were decided."""

    def __init__(
        self,
        settings: Settings,
        files: Core,
        load_bundle: LoadBundle,
        find_registry: FindRegistry = nothing_registered,
    ) -> None:
        self._find_registry = find_registry
        self._found = ByBasis(files, load_bundle, lambda core: supervisor_of(settings, core))

    @property
    def files(self) -> Supervisor:
        return self._found.files

    def find(self, basis: Basis) -> Supervisor | str:
        """The supervisor of a basis, or why there is none, e.g. `other_pack`."""
        found = self._found.find(basis)
        if found is None:
            return BUNDLE_NOT_FOUND
        mine = found.basis
        assert mine is not None  # evaluators of packs always tell
        if basis.profile != mine.profile:
            return "other_profile"
        other = difference(basis, mine)
        if other:
            return other
        if basis.registry != mine.registry:
            registry = self._find_registry(basis.registry)
            if registry is None:
                return REGISTRY_NOT_FOUND
            found.use(registry)
        return found


@dataclass
class Expected:
    """What the tables must hold of the intake's records."""

    records: int = 0
    accepted: dict[Origin, EventKey] = field(default_factory=dict)
    refused: dict[Origin, str] = field(default_factory=dict)
    alerts: dict[str, bytes] = field(default_factory=dict)
    not_recomputed: dict[EventKey, str] = field(default_factory=dict)
    """Events whose decision could not be made again, and why."""
    _by_event: dict[EventKey, frozenset[str]] = field(default_factory=dict)

    def decided(self, answer: Answer) -> None:
        """An event's alerts; of several records of an event the last one counts."""
        key = answer.event.key
        self._forget(key)
        findings = answer.decision.findings
        self._by_event[key] = frozenset(f.alert_id for f in findings)
        for finding in findings:
            self.alerts[finding.alert_id] = encode_record(finding)

    def unknown(self, key: EventKey, why: str) -> None:
        """Nothing can be said of an event's alerts."""
        self._forget(key)
        self.not_recomputed[key] = why

    def _forget(self, key: EventKey) -> None:
        self.not_recomputed.pop(key, None)
        for stale in self._by_event.pop(key, ()):
            self.alerts.pop(stale, None)


def expected(
    intake: Iterable[LogRecord],
    decided: Decided,
    stored: Mapping[EventKey, Basis],
    supervisors: Supervisors,
) -> Expected:
    """What must be stored of the records of the intake topics, in the order of each partition.

    `stored` has the basis of decisions that the log does not keep any more. Nothing is expected
    of a record without a decision but to be counted as lost.
    """
    found = Expected()
    for record in intake:
        found.records += 1
        where = record.place
        basis = decided.bases.get(where)
        chosen = supervisors.find(basis) if basis is not None else ""
        answer = _answer(record, chosen, supervisors.files)
        if isinstance(answer, DeadLetter):
            found.refused[where] = answer.reason
            continue
        key = answer.event.key
        found.accepted[where] = key
        if basis is None and key in stored:
            chosen = supervisors.find(stored[key])
            answer = _answer(record, chosen, supervisors.files)
        if isinstance(chosen, str):
            if chosen:
                found.unknown(key, chosen)
        elif isinstance(answer, Answer):
            found.decided(answer)
    return found


def _answer(
    record: LogRecord, chosen: Supervisor | str, otherwise: Supervisor
) -> Answer | DeadLetter:
    supervisor = otherwise if isinstance(chosen, str) else chosen
    return supervisor.supervise(record.value, record.key, record.timestamp_ms)
