"""The small values that clinical events are made of.

A field of type `Reported[T]` tells three things apart: known (a T), stated absent (None: the
source says there is none) and not reported (UNSET: the source says nothing).
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Final, Generic, TypeAlias, TypeVar, Union

import msgspec
from msgspec import UNSET, Meta, UnsetType

T = TypeVar("T")

Reported: TypeAlias = Union[T, None, UnsetType]  # noqa: UP007, RUF036 (alias)
"""Known, stated absent, or not reported."""

Instant = Annotated[datetime, Meta(tz=True)]
"""A point in time with its UTC offset; a naive one is refused."""

Text = Annotated[str, Meta(min_length=1)]
Identifier = Annotated[str, Meta(min_length=1, max_length=512)]
Word = Annotated[str, Meta(max_length=512)]
"""A code or a word of a vocabulary; free text is a plain str."""
Money = Decimal
"""An amount in the institution's currency, carried as a decimal string."""


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Base of all parts of an event: immutable, and unable to form a cycle."""


class Coding(Value, frozen=True):
    """A code as its source wrote it; `system` says which catalogue it is from."""

    system: Word
    code: Word
    display: Reported[str] = UNSET


_ICD10_ROOTS: Final = (
    "2.16.840.1.113883.6.3",  # WHO; its branches are national editions
    "2.16.840.1.113883.6.90",  # ICD-10-CM
    "2.16.156.10011.2.3.3.11",  # China: the diagnosis code tables of shared documents
)
_ICD10_NAMES: Final = ("icd10", "14396")
"""What stands in the name of such a system; 14396 is GB/T 14396, China's edition."""
_PROCEDURES: Final = ("icd10pcs", "cms.gov/medicare/coding/icd10")
"""Systems that share the name, but hold procedures."""
_AS_ONE_WORD: Final = str.maketrans("", "", "-_ ")


@lru_cache(maxsize=1024)
def is_icd10(system: str) -> bool:
    """Whether a code system is ICD-10 or a national edition of it, by its URI, OID or name.

    Other systems have codes of the same shape: only the system says what `I10.01` means.
    """
    oid = system.removeprefix("urn:oid:")
    if any(oid == root or oid.startswith(f"{root}.") for root in _ICD10_ROOTS):
        return True
    word = system.lower().translate(_AS_ONE_WORD)
    return any(name in word for name in _ICD10_NAMES) and not any(p in word for p in _PROCEDURES)


class Quantity(Value, frozen=True):
    """A measured amount with its unit, in UCUM where the source uses it."""

    value: float
    unit: Word


class Amount(Value, frozen=True):
    """A quantity that cannot be negative: a dose, a number of packs."""

    value: Annotated[float, Meta(ge=0)]
    unit: Word


class Listing(Value, Generic[T], frozen=True):
    """A list with what it claims: complete (nothing else exists) or only what is known.

    `{"complete": true, "items": []}` is the statement "none known".
    """

    items: tuple[T, ...] = ()
    complete: bool = False


class Allergy(Value, frozen=True):
    """A substance that the patient reacts to."""

    substance: Coding
    reaction: Reported[str] = UNSET
    severity: Reported[Word] = UNSET
    recorded_at: Reported[Instant] = UNSET
    line_id: Reported[Word] = UNSET


class Diagnosis(Value, frozen=True):
    """A coded diagnosis of an act or an encounter."""

    code: Coding
    line_id: Reported[Word] = UNSET
    role: Reported[Word] = UNSET
    """`principal`, `secondary`, `admission` …, as the source names it."""


class Measurement(Value, frozen=True):
    """One observed or measured value with its time."""

    code: Coding
    value: Reported[Quantity] = UNSET
    text: Reported[str] = UNSET
    """The value where it is not a quantity: a word or a code's text."""
    at: Reported[Instant] = UNSET
    line_id: Reported[Word] = UNSET


class PatientSnapshot(Value, frozen=True):
    """What the source knew of the patient when it sent the event. Carries no name or address."""

    birth_date: Reported[date] = UNSET
    sex: Reported[Word] = UNSET
    """`female`, `male`, `other`; another word travels raw and is unrecognised."""
    pregnant: Reported[bool] = UNSET
    lactating: Reported[bool] = UNSET
    weight: Reported[Amount] = UNSET
    chronic_pain: Reported[bool] = UNSET
    """Cancer pain or moderate to severe chronic pain, as the narcotics regulation asks."""
    allergies: Reported[Listing[Allergy]] = UNSET
    conditions: Reported[Listing[Diagnosis]] = UNSET
    observations: Reported[Listing[Measurement]] = UNSET


class EncounterRef(Value, frozen=True):
    """The visit or stay in which an act happens, as far as the act's source knows it."""

    id: Identifier
    kind: Reported[Word] = UNSET
    """`outpatient`, `emergency`, `inpatient`, `internet`; another word is unrecognised."""
    started_at: Reported[Instant] = UNSET
    ended_at: Reported[Instant] = UNSET
    is_rescue: Reported[bool] = UNSET


class Actor(Value, frozen=True):
    """Who did it: a practitioner's id in the institution's registry."""

    id: Identifier
    role: Reported[Word] = UNSET
