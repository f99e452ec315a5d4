"""From the fields of an event to the three shapes of a fact."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, tzinfo
from functools import lru_cache
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
from rules.units import convert, unit_name

__all__ = [
    "NOTED", "ItemField", "WordField", "absent", "as_of", "code_of", "convert", "icd", "icd_code",
    "icd_form", "judged_at", "key_of", "local_day", "note", "other_word", "reported", "start_of",
    "text", "unit_name", "word_of", "words",
]  # fmt: skip

NOTED: Final = "(text)"
"""The recorded value of a free text: its words stay in the event."""


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
    """One ICD-10 code as `icd_form` spells it; unrecognised in another system or form."""
    coding = diagnosis.code
    return _icd_code(coding.system, coding.code)


@lru_cache(maxsize=8192)
def _icd_code(system: str, code: str) -> Value:
    return (icd_form(code) if is_icd10(system) else "") or UNRECOGNISED


def icd_form(code: str) -> str:
    """The one spelling of an ICD-10 code that is compared; "" for what is none.

    Exports leave the dot out: Z340 is Z34.0, and would be found in no set as it stands.
    """
    code = code.strip().upper()
    if len(code) < 3 or "/" in code:  # M8000/3 is a morphology, not a disease
        return ""
    if not (code[0].isascii() and code[0].isalpha() and code[1].isdigit()):
        return ""
    return f"{code[:3]}.{code[3:]}" if code[3:4].isalnum() else code


def local_day(at: datetime, zone: tzinfo) -> date:
    """The calendar day of an instant in a time zone."""
    return at.astimezone(zone).date()


def start_of(day: date, zone: tzinfo) -> datetime:
    """The first instant of a calendar day in a time zone."""
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def judged_at(c: Context, x: Element | None) -> datetime:
    """The time at which the freshness of a value is judged: that of the rule's own element."""
    while x is not None:
        at = getattr(x.of, "service_time", None)
        if type(at) is datetime:
            return at
        x = x.outer
    return as_of(c, None)


def as_of(c: Context, x: Element | None) -> datetime:
    """The time that a condition is judged at: the item's service time, the act's, the event's."""
    at = getattr(x.of, "service_time", None) if x is not None else None
    if type(at) is not datetime:
        at = c.data.service_time
    return at if type(at) is datetime else c.event.time
