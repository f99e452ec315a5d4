"""From the fields of an event to the three shapes of a fact."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, tzinfo
from typing import Any, Final

from msgspec import UNSET

from contracts.values import Coding, Diagnosis, is_icd10
from rules.facts.base import (
    NOT_REPORTED,
    STATED_ABSENT,
    UNRECOGNISED,
    Context,
    Element,
    Value,
    partial,
)

NOTED: Final = "(text)"
"""The recorded value of a free text: its words stay in the event."""

_MASS: Final = {"ng": 1e-9, "ug": 1e-6, "mcg": 1e-6, "µg": 1e-6, "μg": 1e-6, "mg": 1e-3,
                "g": 1.0, "kg": 1e3}  # fmt: skip
_VOLUME: Final = {"uL": 1e-6, "mL": 1e-3, "ml": 1e-3, "dL": 1e-1, "L": 1.0, "l": 1.0}
_ALIASES: Final = {"": "1", "/d": "1/d", "元": "CNY", "mL/min/1.73 m²": "mL/min/{1.73_m2}",
                   "mL/min/1.73m2": "mL/min/{1.73_m2}"}  # fmt: skip


def absent(value: Any) -> Value:
    """The unknown value of a field that is None or UNSET."""
    return NOT_REPORTED if value is UNSET else STATED_ABSENT


def reported(value: Any) -> Value:
    """The field's value, or why it is unknown."""
    return absent(value) if value is None or value is UNSET else value


def text(value: Any) -> Value:
    """The same for text, where the empty word says as little as none."""
    if type(value) is str:
        return value or NOT_REPORTED
    return absent(value)


def other_word(value: Any) -> Value:
    """What a value outside a closed vocabulary is: unrecognised, where it is a word at all."""
    return UNRECOGNISED if type(value) is str and value else text(value)


def word_of(coding: Any, vocabulary: tuple[str, ...]) -> Value:
    """A code that is a word of the vocabulary; another one is unrecognised."""
    code = code_of(coding)
    return code if code in vocabulary else other_word(code) if type(code) is str else code


class WordField:
    """Reads a field with a closed vocabulary; compiled code reads it in place."""

    def __init__(self, name: str, vocabulary: tuple[str, ...]) -> None:
        self.name = name
        self.vocabulary = vocabulary

    def __call__(self, c: Context, x: Element) -> Value:
        value = getattr(x.of, self.name)
        return value if value in self.vocabulary else other_word(value)


class ItemField:
    """Reads a field of the element; compiled code reads it in place."""

    def __init__(self, name: str, *, is_text: bool = False) -> None:
        self.name = name
        self.is_text = is_text

    def __call__(self, c: Context, x: Element) -> Value:
        value = getattr(x.of, self.name)
        return text(value) if self.is_text else reported(value)


def note(value: Any) -> Value:
    """Whether a free text is there; its words are not taken over."""
    if isinstance(value, str):
        return NOTED if value.strip() else STATED_ABSENT
    return absent(value)


def words(value: Any) -> Value:
    """A list of text; a list that is stated absent is the empty complete one."""
    return NOT_REPORTED if value is UNSET else tuple(value or ())


def key_of(coding: Any) -> Value:
    """A code with its system, `system|code`: how the knowledge base keys drugs and items."""
    return f"{coding.system}|{coding.code}" if type(coding) is Coding else absent(coding)


def code_of(coding: Any) -> Value:
    """The bare code."""
    return coding.code if type(coding) is Coding else absent(coding)


def icd(listed: Iterable[Diagnosis]) -> Value:
    """ICD-10 codes in upper case; partial where a diagnosis has no code of ICD-10."""
    codes: list[str] = []
    complete = True
    for diagnosis in listed:
        code = icd_code(diagnosis)
        if type(code) is str:
            codes.append(code)
        else:
            complete = False
    found = tuple(codes)
    return found if complete else partial(found)


def icd_code(diagnosis: Diagnosis) -> Value:
    """One ICD-10 code in upper case; unrecognised where its system or its form is another."""
    coding = diagnosis.code
    code = coding.code.strip().upper()
    if not is_icd10(coding.system):
        return UNRECOGNISED
    if len(code) >= 3 and code[0].isascii() and code[0].isalpha() and code[1].isdigit():
        return code
    return UNRECOGNISED


def local_day(at: datetime, zone: tzinfo) -> date:
    """The calendar day of an instant in a time zone."""
    return at.astimezone(zone).date()


def unit_name(unit: str) -> str:
    """One spelling for units that are written in several ways."""
    return _ALIASES.get(unit, unit)


def convert(value: float, unit: str, wanted: str) -> float | None:
    """The amount in another unit of mass or volume; None where the units do not belong together."""
    if unit == wanted:
        return value
    for scale in (_MASS, _VOLUME):
        if unit in scale and wanted in scale:
            return value * scale[unit] / scale[wanted]
    return value if unit_name(unit) == unit_name(wanted) else None
