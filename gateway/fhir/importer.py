"""The import itself: read twice, once for what is referred to and once for the events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from contracts.event import Envelope, Event, encode_event
from contracts.identity import derived_id
from contracts.intake import Rejected, decode
from gateway.errors import SettingError, UnreadableInput
from gateway.fhir.case import Case, Draft, Origin
from gateway.fhir.index import Index
from gateway.fhir.mapping import FACTS, MAPPINGS, REFERENCED_ONLY, patients
from gateway.fhir.outcome import Imported, Outcome, Refusal, Skip, Skipped
from gateway.fhir.reading import Entry, is_bulk, read
from gateway.fhir.validation import validate as validate_r4

_MAX_ID = 512


def import_bundles(
    paths: Sequence[Path],
    source: str,
    zone: str,
    institution: str,
    *,
    validate: bool = True,
    namespace: str | None = None,
    systems: Mapping[str, str] | None = None,
) -> Iterator[Outcome]:
    """Events of FHIR R4 bundles and bulk files, and what was left out and why.

    One bundle file at a time; all NDJSON files together, since bulk exports have a file a type.
    Within each, what was skipped comes first in the order of the input, then the events by time
    (at the same time: statements on the patient, openings, acts, closings; then id). The same
    input always gives the same events.

    `source` names the system (`urn:fhir:<name>`) and, unless `namespace` says otherwise, whose
    patient ids these are; `zone` (`Asia/Shanghai`) places dates that have no offset;
    `institution` is the id in the registry that every act gets; `systems` renames code systems.
    References may cross files. Raises UnreadableInput and SettingError, before anything is read.
    """
    origin = _origin(source, zone, institution, namespace or source, systems or {})
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise UnreadableInput(
            f"{', '.join(missing)}: no such file; expected FHIR R4 in JSON or NDJSON"
        )
    return _outcomes(list(paths), origin, validate)


def _origin(
    source: str, zone: str, institution: str, namespace: str, systems: Mapping[str, str]
) -> Origin:
    try:
        known_zone = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SettingError(
            f"zone {zone!r}: not a time zone; expected a name such as Asia/Shanghai"
        ) from None
    for name, value in (("source", source), ("institution", institution), ("namespace", namespace)):
        if not value or (name == "namespace" and "|" in value):
            raise SettingError(f"{name} {value!r}: expected a text without '|'")
    return Origin(source, known_zone, institution, namespace, systems)


def _outcomes(paths: list[Path], origin: Origin, validate: bool) -> Iterator[Outcome]:
    index = _index(paths, origin)
    numbered = list(enumerate(paths, 1))
    bulk = [(n, p) for n, p in numbered if is_bulk(p)]
    units = [[(n, p)] for n, p in numbered if not is_bulk(p)]
    for unit in (*units, bulk):
        if unit:
            yield from _Unit(origin, index, validate).run(unit)


def _index(paths: Iterable[Path], origin: Origin) -> Index:
    """What references can lead to. A resource that cannot be read is reported when it is mapped."""
    index = Index()
    for position, path in enumerate(paths, 1):
        for entry in read(path, position):
            if isinstance(entry, Skipped) or (facts_of := FACTS.get(entry.type)) is None:
                continue
            case = Case(entry, origin, index)
            try:
                facts = facts_of(case)
            except Refusal:
                continue
            if facts is not None:
                index.add(entry.type, case.id, entry.scope, entry.full_url, facts)
    index.settle()
    return index


class _Unit:
    """Files whose events are put in order together."""

    def __init__(self, origin: Origin, index: Index, validate: bool) -> None:
        self._origin = origin
        self._index = index
        self._validate = validate
        self._events: list[Imported] = []
        self._patients: list[Entry] = []
        self._first_seen: dict[str, datetime] = {}
        self._ids: set[str] = set()

    def run(self, files: list[tuple[int, Path]]) -> Iterator[Outcome]:
        for position, path in files:
            for entry in read(path, position):
                if isinstance(entry, Skipped):
                    yield entry
                elif entry.type == "Patient":
                    self._patients.append(entry)
                elif (skipped := self._take(entry)) is not None:
                    yield skipped
        for entry in self._patients:  # last: a patient can be dated by their first other event
            if (skipped := self._take(entry)) is not None:
                yield skipped
        self._events.sort(key=_order)
        yield from self._events

    def _take(self, entry: Entry) -> Skipped | None:
        """Keep the events of one resource, all of them or none; None, or why none."""
        case = Case(entry, self._origin, self._index)
        try:
            subject, drafts = self._map(case)
            events = [
                self._event(case, subject, draft, part) for part, draft in enumerate(drafts, 1)
            ]
        except Refusal as e:
            return Skipped(entry.type, entry.place, e.reason, e.path, e.detail)
        if events[0].event.id in self._ids:
            detail = "an earlier entry of this input is the same resource in the same version"
            return Skipped(entry.type, entry.place, Skip.DUPLICATE, "$", detail)
        self._ids.update(imported.event.id for imported in events)
        first = min(imported.event.time for imported in events)
        self._first_seen[subject] = min(first, self._first_seen.get(subject, first))
        self._events.extend(events)
        return None

    def _map(self, case: Case) -> tuple[str, list[Draft]]:
        """The subject and the drafts of the resource; refuses what gives no event."""
        kind = case.entry.type
        mapping = MAPPINGS.get(kind)
        if mapping is None and kind != "Patient":
            reason = Skip.REFERENCED_ONLY if kind in REFERENCED_ONLY else Skip.TYPE_NOT_MAPPED
            raise Refusal(reason, "$.resourceType", "resources of this type give no event")
        if self._validate:
            validate_r4(kind, case.entry.resource)
        if mapping is None:
            subject = f"{self._origin.namespace}|{case.id}"
            return subject, patients.events(case, self._first_seen.get(subject))
        subject = case.subject(case.patient(mapping.subject))
        return subject, mapping.events(case)

    def _event(self, case: Case, subject: str, draft: Draft, part: int) -> Imported:
        """The event in its envelope, accepted by the contract; else refuses the resource."""
        event: Event = Envelope(
            specversion="1.0",
            id="-",
            source=self._origin.source,
            type=draft.type,
            time=draft.time,
            subject=subject,
            data=draft.data,
        )
        try:
            event = msgspec.structs.replace(event, id=_event_id(case, event))
            value = encode_event(event)
        except UnicodeEncodeError:
            raise Refusal(Skip.CONTRACT, "$", "a text that is not Unicode") from None
        answer = decode(value)
        if isinstance(answer, Rejected):
            raise Refusal(Skip.CONTRACT, answer.path, f"{answer.reason}: {answer.detail}")
        entry = case.entry
        return Imported(event, value, entry.type, entry.place, part, tuple(case.notes))


def _event_id(case: Case, event: Event) -> str:
    """`Encounter/e1/3/admitted`: type, id, version and verb of what the event was made from.

    Without a version, a digest over the whole event stands in: other content, other event. So
    it does for a patient, whose first event can be dated by whatever else the input holds.
    """
    version = "" if event.type.startswith("patient.") else case.version
    version = version or f"~{sha256(encode_event(event)).hexdigest()[:16]}"
    verb = event.type.split(".")[1]
    readable = f"{case.entry.type}/{case.id}/{version}/{verb}"
    return readable if len(readable) <= _MAX_ID else derived_id("fhir", readable)


_RANKS = {"patient": 0, "allergy": 1, "condition": 2}


def _order(imported: Imported) -> tuple[datetime, int, int, str]:
    """Event time; then what is known of the patient, openings, acts, closings; revision; id."""
    event = imported.event
    family, verb, _ = event.type.split(".")
    rank = _RANKS.get(family, 4)
    if family == "encounter":
        rank = 3 if verb in ("started", "admitted") else 5
    return event.time, rank, event.data.revision, event.id
