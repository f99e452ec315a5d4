"""What was expected and what came, part by part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from contracts.decision import Finding
from rules import words
from rules.engine.messages import show


@dataclass(frozen=True)
class Difference:
    """One part in which expected and got differ; `part` is "" for the outcome."""

    part: str
    expected: str
    got: str

    def lines(self) -> tuple[str, str]:
        head = f"{self.part}: " if self.part else ""
        return f"{head}expected {self.expected}", f"{head}got      {self.got}"


def alerts_differ(
    wanted: Sequence[dict[str, Any]], findings: Sequence[Finding], head: str = ""
) -> list[Difference]:
    """The parts in which findings are not as wanted; `head` stands before each."""
    if len(findings) != len(wanted):
        return [Difference(head.removesuffix(": "), f"{len(wanted)} alerts", _listed(findings))]
    found: list[Difference] = []
    for number, (parts, finding) in enumerate(zip(wanted, findings, strict=True), 1):
        inner: list[Difference] = []
        for name in parts:
            if name not in Finding.__struct_fields__:
                fix = words.nearest(name, Finding.__struct_fields__)
                inner.append(Difference(name, "part of an alert", f"an alert has none; {fix}"))
        known = {name: part for name, part in parts.items() if name in Finding.__struct_fields__}
        compare(known, written(finding), "", inner)
        many = f"alert {number}: " if len(wanted) > 1 else ""
        found += [Difference(f"{head}{many}{d.part}", d.expected, d.got) for d in inner]
    return found


def _listed(findings: Sequence[Finding]) -> str:
    shown = "; ".join(f"{f.element or 'event'}: {f.message.en}" for f in findings)
    return f"{len(findings)} alerts ({shown})" if findings else "0 alerts"


def written(record: msgspec.Struct) -> dict[str, Any]:
    """A record as tests write it, with what its own encoding leaves out as usual."""

    def of(value: Any) -> Any:
        if isinstance(value, msgspec.Struct):
            return {name: of(getattr(value, name)) for name in value.__struct_fields__}
        if isinstance(value, list | tuple):
            return [of(one) for one in value]
        return msgspec.to_builtins(value)

    return {name: of(getattr(record, name)) for name in record.__struct_fields__}


def compare(wanted: Any, got: Any, path: str, found: list[Difference]) -> None:
    """Append each part that differs; mappings may be subsets, numbers may be written freely."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        for name, value in wanted.items():
            compare(value, got.get(name), f"{path}.{name}" if path else name, found)
        return
    if isinstance(wanted, list) and isinstance(got, list | tuple) and len(wanted) == len(got):
        for number, (one, other) in enumerate(zip(wanted, got, strict=True)):
            compare(one, other, f"{path}[{number}]", found)
        return
    is_nothing = got is None or got in ("", [], {})
    if is_nothing and wanted in ("", [], {}):
        return
    if wanted != (list(got) if isinstance(got, tuple) else got) and not _equal(wanted, got):
        found.append(Difference(path, plain(wanted), "nothing" if is_nothing else plain(got)))


def _equal(wanted: Any, got: Any) -> bool:
    """Whether two amounts are equal: `25`, `25.0` and the text `25.00` are one amount."""
    if isinstance(wanted, bool) or isinstance(got, bool):
        return False
    if isinstance(wanted, str) and isinstance(got, str) and "." not in wanted + got:
        return False  # codes: `01` is not `1`
    try:
        return Decimal(str(wanted)) == Decimal(str(got))
    except InvalidOperation:
        return False


def plain(value: Any) -> str:
    """A value as a test file would write it."""
    if isinstance(value, str):
        return repr(value)
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(plain, value))}]"
    if isinstance(value, dict):
        if set(value) == {"unknown"}:
            return f"unknown ({value['unknown']})"
        return f"{{{', '.join(f'{name}: {plain(v)}' for name, v in value.items())}}}"
    return show(value, "en")
