"""The record of one visit while it is written: its clock, its people, its acts and their ids."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from random import Random
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from msgspec import UNSET
from msgspec.structs import replace

from contracts.acts import VOIDING, AnyAct, Charge, Encounter
from contracts.event import Envelope, Event
from contracts.values import Actor, Diagnosis, EncounterRef
from simulation.catalogue import Catalogue, Desk
from simulation.day import DAY_S, Frame
from simulation.labels import Label
from simulation.people import Person

SOURCE_PREFIX: Final = "urn:yijian:simulation:"
"""How the source of every simulated event begins; labels and false alerts count these only."""

_OTHER_OFFSETS: Final = (UTC, timezone(timedelta(hours=9)))
_OTHER_OFFSET_SHARE: Final = 0.06


class Step(NamedTuple):
    """One event to be, at its place in time."""

    epoch_s: float
    family: str
    event: Event
    labels: tuple[Label, ...]


class Start(NamedTuple):
    """Where and when a visit begins. `ago` are whole days that it began before the day."""

    number: int
    kind: str
    desk: Desk
    offset_s: float
    ago: int = 0


class Chart:
    """One visit. Its clock only moves forward; each act is written through a `Life`."""

    def __init__(
        self,
        run: str,
        start: Start,
        person: Person,
        catalogue: Catalogue,
        frame: Frame,
        rng: Random,
        diagnoses: tuple[Diagnosis, ...],
        is_rescue: bool = False,
    ) -> None:
        self.start = start
        self.person = person
        self.catalogue = catalogue
        self.fees = catalogue.fees(start.kind)
        self.rng = rng
        self.diagnoses = diagnoses
        self.day: date = catalogue.day
        self.frame = frame
        self.zone = _zone_of(start.desk.institution.time_zone, rng)
        self.offset_s = start.offset_s
        self.institution = start.desk.institution.id
        self.source = f"{SOURCE_PREFIX}{self.institution}:his"
        self._prefix = f"{run}-{start.number}"
        self._events = 0
        self._acts = 0
        self.doctor = rng.choice(start.desk.practitioners)
        self.medicines = catalogue.medicines_for(self.doctor)
        self.started_at = self.now() - timedelta(days=start.ago)
        self.snapshot = person.snapshot()
        self.bills: dict[str, Charge] = {}
        """What the visit was charged and still stands, by act id."""
        self.ref = EncounterRef(
            id=self.act_id("enc"),
            kind=start.kind,
            started_at=self.started_at,
            ended_at=None,  # the source says that the visit is under way
            is_rescue=is_rescue,
        )
        self.visit = Life(
            self,
            "encounter",
            Encounter(
                **self.common(),
                act_id=self.ref.id,
                revision=1,
                kind=start.kind,
                started_at=self.started_at,
                ward=f"{start.desk.department.id}-W1" if start.kind == "inpatient" else UNSET,
                is_rescue=is_rescue,
                diagnoses=diagnoses,
            ),
        )

    def now(self) -> datetime:
        """The present instant of the visit, as its source writes it."""
        return self.frame.instant(self.offset_s, self.zone)

    def wait(self, mean_s: float) -> None:
        """Let time pass; toward the end of the day less and less, so that it never passes it."""
        gap = mean_s * (0.3 + 1.4 * self.rng.random())
        if self.offset_s < DAY_S:
            gap = min(gap, (DAY_S - self.offset_s) / 2)
        self.offset_s += gap

    def act_id(self, word: str) -> str:
        self._acts += 1
        return f"{self._prefix}-{word}{self._acts}"

    def common(self) -> dict[str, Any]:
        """The fields that every act of the visit shares."""
        desk = self.start.desk
        return {
            "institution": self.institution,
            "department": desk.department.id,
            "practitioner": Actor(self.doctor.id, "attending"),
            "encounter": self.ref,
            "patient": self.snapshot,
        }

    def step(
        self, family: str, verb: str, act: AnyAct, labels: Iterable[Label] = (), place: str = ""
    ) -> Step:
        """The event that says that `verb` happened to the act, now.

        It is about the patient, or about a place of the institution.
        """
        self._events += 1
        if isinstance(act, Charge) and verb != "draft":
            self.bills[act.act_id] = act
            if verb in VOIDING:
                del self.bills[act.act_id]
        event: Event = Envelope(
            specversion="1.0",
            id=f"{self._prefix}-e{self._events}",
            source=self.source,
            type=f"{family}.{verb}.v1",
            time=self.now(),
            subject=f"institution:{self.institution}|{place}" if place else self.person.subject,
            data=act,
        )
        return Step(self.frame.epoch_s(self.offset_s), family, event, tuple(labels))


class Life:
    """One act through its revisions, each a full snapshot."""

    __slots__ = ("_place", "_written", "act", "chart", "family")

    def __init__(self, chart: Chart, family: str, act: Any, place: str = "") -> None:
        self.chart = chart
        self.family = family
        self.act = act
        self._place = place
        self._written = False

    def say(self, verb: str, labels: Iterable[Label] = (), **changes: Any) -> Step:
        """The event of the next revision: the act with `changes`, after `verb` happened."""
        if self._written:
            changes["revision"] = self.act.revision + 1
        if changes:
            self.act = replace(self.act, **changes)
        self._written = True
        return self.chart.step(self.family, verb, self.act, labels, self._place)


def _zone_of(name: str, rng: Random) -> tzinfo:
    """The institution's zone; some systems write the same instants with another UTC offset."""
    if rng.random() < _OTHER_OFFSET_SHARE:
        return rng.choice(_OTHER_OFFSETS)
    return ZoneInfo(name)
