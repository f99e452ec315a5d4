"""From YAML files to a knowledge base, or to every problem they have at once.

A file holds any of the sections below; `source`, `locator`, `from` and `system` at its top are
the defaults of its entries. Entries of one key may stand in several files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from knowledge_base import catalogue, classes, pair_tables, profiles, reasons, reference
from knowledge_base.base import KnowledgeBase, Pair
from knowledge_base.canonical import digest
from knowledge_base.errors import KnowledgeError
from knowledge_base.fields import Context, Defaults, Fields
from knowledge_base.histories import Rows
from knowledge_base.model import (
    Analyte,
    CodeSet,
    Device,
    Drug,
    Institution,
    Parameter,
    Practitioner,
    ServiceItem,
    Source,
)
from knowledge_base.pairs import PairBook, PairTable
from knowledge_base.profiles import SourceProfile
from knowledge_base.reasons import OverrideReason
from knowledge_base.strict_yaml import Node, Problem, read

V = TypeVar("V", Source, Parameter, CodeSet, Analyte)

DATA: Final = Path(__file__).parent / "data"
"""The knowledge that ships. Its folder `demo` holds the invented catalogue."""

_SECTIONS: Final = (
    "sources",
    "parameters",
    "codesets",
    "analytes",
    "pair_tables",
    "source_profiles",
    "override_reasons",
    "drugs",
    "items",
    "practitioners",
    "institutions",
    "devices",
)
_HEAD: Final = ("notice", "source", "locator", "from", "system")


def default_paths(demo: bool = True) -> tuple[Path, ...]:
    """The shipped knowledge, with or without the invented demonstration catalogue."""
    if demo:
        return (DATA,)
    return tuple(entry for entry in sorted(DATA.iterdir()) if entry.name != "demo")


def load(paths: Sequence[Path]) -> KnowledgeBase:
    """The knowledge of these files, and of the YAML files below these folders.

    Raises KnowledgeError with every problem, each with file, line and column.
    """
    gathered = _Gathered()
    for path in _files(paths, gathered.context):
        root = read(path, gathered.context.problems)
        if root is not None:
            gathered.file(root)
    return gathered.knowledge()


def _files(paths: Sequence[Path], context: Context) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(path.rglob("*.yaml"))
        elif path.is_file():
            yield path
        else:
            context.problems.append(Problem(path, 1, 1, "no such file or folder"))


class _Gathered:
    """The entries of all files read so far."""

    def __init__(self) -> None:
        self.context = Context()
        self.sources: dict[str, Source] = {}
        self.parameters: dict[str, Parameter] = {}
        self.codesets: dict[str, CodeSet] = {}
        self.analytes: dict[str, Analyte] = {}
        self.by_code: dict[Pair, Analyte] = {}
        self.pair_tables: dict[str, PairTable] = {}
        self.profiles: dict[str, SourceProfile] = {}
        self.reasons: dict[str, OverrideReason] = {}
        self.drugs: Rows[Pair, Drug] = Rows()
        self.items: Rows[Pair, ServiceItem] = Rows()
        self.practitioners: Rows[Pair, Practitioner] = Rows()
        self.institutions: Rows[str, Institution] = Rows()
        self.devices: Rows[Pair, Device] = Rows()
        self._pair_ids: dict[str, str] = {}
        self._reason_nodes: dict[str, Node] = {}
        self._drug_keys: list[tuple[str, Node]] = []

    def file(self, root: Node) -> None:
        f = Fields(root, self.context, (*_HEAD, *_SECTIONS))
        defaults = Defaults(f.get("source"), f.get("locator"), f.get("from"), f.get("system"))
        readers: dict[str, Callable[[Node, Defaults], object]] = {
            "sources": lambda n, d: self._unique(self.sources, reference.source, n, d),
            "parameters": lambda n, d: self._unique(self.parameters, reference.parameter, n, d),
            "codesets": lambda n, d: self._unique(self.codesets, reference.codeset, n, d),
            "analytes": self._analyte,
            "pair_tables": self._pair_table,
            "source_profiles": self._profile,
            "override_reasons": self._reason,
            "drugs": self._drug,
            "items": self._item,
            "practitioners": self._practitioner,
            "institutions": self._institution,
            "devices": self._device,
        }
        for section, reader in readers.items():
            for child in f.elements(section):
                reader(child, defaults)

    def _unique(
        self,
        known: dict[str, V],
        reader: Callable[[Node, Context, Defaults], V],
        node: Node,
        defaults: Defaults,
    ) -> V | None:
        entry = reader(node, self.context, defaults)
        if entry.id in known:
            self.context.report(node, f"the id `{entry.id}` is taken already", "choose another id")
            return None
        known[entry.id] = entry
        return entry

    def _analyte(self, node: Node, defaults: Defaults) -> None:
        entry = self._unique(self.analytes, reference.analyte, node, defaults)
        for pair in entry.codes if entry is not None else ():
            if pair in self.by_code:
                self.context.report(node, f"the code {pair[1]} names two analytes")
            elif entry is not None:
                self.by_code[pair] = entry

    def _pair_table(self, node: Node, defaults: Defaults) -> None:
        table = pair_tables.pair_table(node, self.context, defaults)
        if table.id in self.pair_tables:
            self.context.report(node, f"the id `{table.id}` is taken already", "choose another id")
        self.pair_tables.setdefault(table.id, table)
        for row_id in table.rows:
            other = self._pair_ids.setdefault(row_id, table.id)
            if other != table.id:
                fix = "a finding names the pair by it: choose another id"
                self.context.report(node, f"the pair `{row_id}` stands in `{other}` too", fix)

    def _profile(self, node: Node, defaults: Defaults) -> None:
        entry = profiles.profile(node, self.context, defaults)
        if entry.sender in self.profiles:
            fix = "write its intervals into one profile"
            self.context.report(node, f"`{entry.sender}` has a profile already", fix)
        self.profiles.setdefault(entry.sender, entry)

    def _reason(self, node: Node, defaults: Defaults) -> None:
        entry = reasons.override_reason(node, self.context, defaults)
        if entry.key in self.reasons:
            fix = "write each reason once"
            self.context.report(node, f"the reason `{entry.key}` is there already", fix)
        self.reasons.setdefault(entry.key, entry)
        self._reason_nodes.setdefault(entry.key, node)

    def _drug(self, node: Node, defaults: Defaults) -> None:
        entry = catalogue.drug(node, self.context, defaults)
        self.drugs.add((entry.value.system, entry.value.code), entry, node)

    def _item(self, node: Node, defaults: Defaults) -> None:
        entry = catalogue.item(node, self.context, defaults)
        self.items.add((entry.value.system, entry.value.code), entry, node)
        if entry.value.drug is not None:
            self._drug_keys.append((entry.value.drug, node))

    def _practitioner(self, node: Node, defaults: Defaults) -> None:
        for entry in catalogue.practitioner(node, self.context, defaults):
            self.practitioners.add((entry.value.institution, entry.value.id), entry, node)

    def _institution(self, node: Node, defaults: Defaults) -> None:
        entry = catalogue.institution(node, self.context, defaults)
        self.institutions.add(entry.value.id, entry, node)

    def _device(self, node: Node, defaults: Defaults) -> None:
        entry = catalogue.device(node, self.context, defaults)
        self.devices.add((entry.value.institution, entry.value.id), entry, node)

    def knowledge(self) -> KnowledgeBase:
        context = self.context
        dated: dict[str, Any] = {
            "_drugs": self.drugs.histories(context, "drug"),
            "_items": self.items.histories(context, "item"),
            "_practitioners": self.practitioners.histories(context, "practitioner"),
            "_institutions": self.institutions.histories(context, "institution"),
            "_devices": self.devices.histories(context, "device"),
        }
        self.codesets = classes.resolve(self.codesets, context)
        pair_tables.check(context, self.codesets, self.parameters)
        reasons.check(self.reasons, self._reason_nodes, context)
        self._references(dated)
        if context.problems:
            raise KnowledgeError(sorted(set(context.problems)))
        plain: dict[str, Any] = {
            "sources": self.sources,
            "parameters": self.parameters,
            "codesets": self.codesets,
            "profiles": self.profiles,
            "override_reasons": self.reasons,
        }
        content = {**plain, **dated, "analytes": self.analytes, "pair_tables": self.pair_tables}
        pairs = PairBook(self.pair_tables, self.codesets, self.parameters)
        return KnowledgeBase(
            digest=digest(content), _analytes=self.by_code, pairs=pairs, **plain, **dated
        )

    def _references(self, dated: dict[str, Any]) -> None:
        """What one entry says of another must exist: sources, drugs, places of work."""
        for source_id, node in self.context.citations:
            if source_id and source_id not in self.sources:
                self.context.report(node, f"no source `{source_id}`", "add it to a `sources:` list")
        keys = {f"{system}|{code}" for system, code in dated["_drugs"]}
        for key, node in self._drug_keys:
            if key not in keys:
                self.context.report(node, f"no drug `{key}`", "write system|code of a known drug")
        known = {
            institution_id: {d.id for entry in history for d in entry.value.departments}
            for institution_id, history in dated["_institutions"].items()
        }
        for (institution_id, _), entry, node in self.practitioners.all():
            if institution_id not in known:
                self.context.report(node, f"no institution `{institution_id}`")
            elif entry.value.department not in known[institution_id]:
                name = entry.value.department
                self.context.report(node, f"no department `{name}` in `{institution_id}`")
        for (institution_id, _), _, node in self.devices.all():
            if institution_id not in known:
                self.context.report(node, f"no institution `{institution_id}`")
