"""The reference page of the language, written from the tables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from knowledge_base import KnowledgeBase
from knowledge_base.model import CodeSet, Parameter
from rules.language.tables import Row, Table, tables, world

_PLAIN: Final = re.compile(r"[\w一-鿿][\w一-鿿./+-]*(?: [\w./+-]+)*")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off"})
_HEAD: Final = """\
# 规则语言参考 · The rule language

每一行都在每个引擎上运行;知识是虚构的(rules/language/world.yaml),不是医学陈述。
Every row of the tables in rules/language runs on every engine. The knowledge is invented
(world.yaml there): no value is a medical statement. A row shows what differs from the event and the
rule above its table; a row without a name shows nothing but what it writes. The drugs, items,
analytes, parameters and code sets that the rows name are those of the invented knowledge; the
values of the last two stand above each table.

"""


def reference() -> str:
    """The page: every table with its title, its words, what it stands on, and its rows."""
    base = world()
    listed = tables()
    parts = [_HEAD, *_world(base), *_contents(listed)]
    for table in listed:
        parts += _table(table, base)
    return "".join(parts)


def _world(base: KnowledgeBase) -> Iterator[str]:
    """What the names of the invented knowledge stand for."""
    drugs = [f"`{d.code}` ({', '.join(d.ingredients)})" for d in base.drugs()]
    yield f"药品 drugs (`urn:yijian:demo:drug|…`): {'; '.join(drugs)}.\n"
    items = [f"`{i.code}` ({i.name.en})" for i in base.items()]
    yield f"项目 items (`urn:yijian:demo:item|…`): {'; '.join(items)}.\n"
    analytes = [
        f"`{a.id}` ({', '.join(f'`{system}|{code}`' for system, code in a.codes)}, {a.unit})"
        for a in base.analytes()
    ]
    yield f"检验指标 analytes: {'; '.join(analytes)}.\n\n"


def _contents(listed: Iterable[Table]) -> Iterator[str]:
    for table in listed:
        heading = f"{table.title.zh} · {table.title.en}"
        yield f"- [{heading}](#{_anchor(heading)})\n"
    yield "\n"


def _anchor(heading: str) -> str:
    kept = re.sub(r"[^\w\s-]", "", heading.lower())
    return kept.replace(" ", "-")


def _table(table: Table, base: KnowledgeBase) -> Iterator[str]:
    yield f"## {table.title.zh} · {table.title.en}\n\n"
    yield f"{table.explanation.zh}\n\n{table.explanation.en}\n\n"
    yield f"事件 event: `{_flow(table.base)}`\n\n"
    if table.rule:
        yield f"规则 rule: `{_flow(table.rule)}`\n\n"
    used = _used(table, base)
    if used:
        yield "知识 knowledge: " + "; ".join(used) + "\n\n"
    yield "| | 规则 rule | 事件 event | 结果 result |\n| --- | --- | --- | --- |\n"
    for row in table.rows:
        yield f"| {row.name} | {_parts(row)} | {_events(row)} | {_result(row)} |\n"
    yield "\n"


def _parts(row: Row) -> str:
    if set(row.parts) == {"when"} and row.truth:
        return _code(row.parts["when"])
    return _code(row.parts)


def _events(row: Row) -> str:
    """What came before, in its order, and what of the event is the row's own."""
    since = [f"known since 已知自 `{row.known_since}`"] if row.known_since else []
    before = [f"before 此前 {_code(event) or 'the same 相同'}" for event in row.past]
    own = [_code(row.given)] if row.given else []
    return "<br>".join((*since, *before, *own))


def _result(row: Row) -> str:
    outcome = "does not apply" if row.outcome == "not_applicable" else row.outcome
    said = row.truth or outcome.replace("_", " ")
    details: list[str] = [f"{fact} {why}" for fact, why in row.missing.items()]
    if row.outcome == "refused":
        details.append(str(row.details[0]["message"]))
    else:
        details += [_inner(detail) for detail in row.details if detail]
    if row.decision:
        details.append(_inner(row.decision))
    return f"**{said}**" + "".join(f"<br>{_escaped(detail)}" for detail in details)


def _used(table: Table, base: KnowledgeBase) -> list[str]:
    """The parameters and code sets that the rows name, with their values."""
    text = json.dumps([row.rule for row in table.rows], ensure_ascii=False)
    names = dict.fromkeys(re.findall(r'"(parameter|codeset)": "([^"]+)"', text))
    found: list[str] = []
    for kind, name in names:
        parameter = base.parameter(name) if kind == "parameter" else None
        codeset = base.codeset(name) if kind == "codeset" else None
        if parameter is not None:
            found.append(f"`{name}` = {_values(parameter)}")
        elif codeset is not None:
            found.append(f"`{name}` = {_members(codeset)}")
    return found


def _values(parameter: Parameter) -> str:
    shown = []
    for key, history in parameter.rows.items():
        of = f"{' '.join(key)}: " if key else ""
        for entry in history:
            value = f"{of}{_inner(entry.value.value)} {parameter.unit}"
            shown.append(value + _since(entry.valid_from.isoformat()))
    return ", ".join(shown)


def _members(codeset: CodeSet) -> str:
    return ", then ".join(
        f"{{{', '.join(sorted(entry.value.codes))}}}" + _since(entry.valid_from.isoformat())
        for entry in codeset.history
    )


def _since(day: str) -> str:
    return "" if day == "1900-01-01" else f" from {day}"


def _code(value: Any) -> str:
    return f"`{_escaped(_inner(value))}`" if value else ""


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _inner(value: Any) -> str:
    """A mapping without its outer braces; anything else as it is."""
    text = _flow(value)
    return text[1:-1] if isinstance(value, dict) else text


def _flow(value: Any) -> str:
    """A value as an author writes it on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value not in _WORDS:
        return str(value)
    return json.dumps(value, ensure_ascii=False)
