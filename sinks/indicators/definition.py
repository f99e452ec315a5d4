"""An indicator's definition, as its YAML file says it."""

from __future__ import annotations

from collections.abc import Hashable
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml
from msgspec import Meta

from contracts.acts import FAMILIES
from sinks.errors import IndicatorInvalid

Text = Annotated[str, Meta(min_length=1)]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key that is not known is refused, never ignored."""


class Words(_Part, frozen=True, kw_only=True):
    zh: Text
    en: Text


class Numerator(_Part, frozen=True, kw_only=True):
    """What is counted or summed, over acts in their latest revision that is not voided."""

    of: Literal["acts", "lines"]
    family: Text
    encounter_kind: tuple[Text, ...] = ()
    """Only acts of encounters of these kinds; empty means any."""
    category: tuple[Text, ...] = ()
    """Only lines of these categories; empty means any."""
    measure: Literal["count", "net_amount"]
    """`net_amount` is what was charged less what has been refunded so far."""


class Source(_Part, frozen=True, kw_only=True):
    """Where the definition comes from. `operating_definition` is this project's own."""

    kind: Literal["regulation", "catalogue", "operating_definition"]
    zh: Text
    en: Text


class Definition(_Part, frozen=True, kw_only=True):
    """One indicator."""

    id: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*$")]
    title: Words
    unit: Words
    numerator: Numerator
    day_of: Literal["started_at", "ended_at", "charged_at"]
    """The instant whose calendar day in the institution's time zone the figure belongs to."""
    dimensions: tuple[Literal["institution", "department", "day"], ...]
    source: Source
    notes: Words


def load_definitions(folder: Path | None = None) -> dict[str, Definition]:
    """Every definition of a folder by id, by default the shipped ones.

    Raises IndicatorInvalid, which names the file and the field.
    """
    files = (folder or resources.files("sinks.indicators") / "definitions").iterdir()
    texts = {f.name: f.read_text(encoding="utf-8") for f in files if f.name.endswith(".yaml")}
    found = (_parse(name, texts[name]) for name in sorted(texts))
    return {definition.id: definition for definition in found}


def _parse(name: str, text: str) -> Definition:
    try:
        plain = yaml.load(text, _Strict)
        definition = msgspec.convert(plain, Definition)
    except yaml.YAMLError as error:
        raise IndicatorInvalid(f"{name}: not YAML that can be read: {error}") from None
    except msgspec.ValidationError as error:
        raise IndicatorInvalid(f"{name}: {error}") from None
    _check(name, definition)
    return definition


def _check(name: str, definition: Definition) -> None:
    numerator = definition.numerator
    if name != f"{definition.id}.yaml":
        raise IndicatorInvalid(f"{name}: the id is {definition.id!r}; id and file name must agree")
    if numerator.family not in FAMILIES:
        raise IndicatorInvalid(
            f"{name}: $.numerator.family: {numerator.family!r} is no family; "
            f"expected one of {', '.join(FAMILIES)}"
        )
    if (numerator.of == "lines") != (numerator.measure == "net_amount"):
        raise IndicatorInvalid(f"{name}: $.numerator: acts are counted, lines are summed")
    if numerator.category and numerator.of != "lines":
        raise IndicatorInvalid(f"{name}: $.numerator.category: only lines have a category")
    if numerator.of == "lines" and numerator.family != "billing":
        raise IndicatorInvalid(f"{name}: $.numerator.family: only billing acts have lines")


class _Strict(yaml.SafeLoader):
    """SafeLoader that refuses a key given twice, where YAML's readers let the last one win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is given twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)
