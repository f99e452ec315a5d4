"""The page of all facts."""

from __future__ import annotations

from collections.abc import Iterator

from rules import words
from rules.docs.markdown import code, codes, table
from rules.facts import CATALOGUE, LISTS, Fact
from rules.facts.base import Type
from rules.facts.vocabulary import chinese_words
from rules.reading.checks import FITTING


def facts_page() -> str:
    """Every fact by what it belongs to, with type, unit, meaning and event families."""
    groups: dict[str, list[Fact]] = {}
    for fact in CATALOGUE.values():
        groups.setdefault(fact.name.partition(".")[0], []).append(fact)
    lines = [
        "# Facts 事实",
        "",
        "What a condition can ask for. `of` names the list of `each:` whose elements have the "
        "fact; families are the events that have it. The same list: `yijian rules facts`.",
        "",
        "## Types and the operators that fit 类型与算符",
        "",
        *table(
            ["type", "operators"],
            ([code(kind.value), codes(FITTING[kind])] for kind in Type if kind in FITTING),
        ),
        "",
        f"`each:` can name {words.listing([code(name) for name in LISTS])}, or any fact of type "
        "`list` of the event.",
    ]
    for name, facts in groups.items():
        lines += ["", f"## {name}", "", *_table(facts)]
    return "\n".join(lines)


def _table(facts: list[Fact]) -> Iterator[str]:
    yield from table(
        ["fact", "type", "unit", "含义", "meaning", "of", "families", "words"],
        (
            [
                code(fact.name), fact.type.value, fact.unit, fact.zh, fact.en, fact.of,
                ", ".join(fact.families), _words(fact),
            ]
            for fact in facts
        ),
    )  # fmt: skip


def _words(fact: Fact) -> str:
    """The closed vocabulary, each word with its Chinese."""
    chinese = chinese_words(fact)
    return ", ".join(f"{code(word)} {chinese.get(word, '')}".rstrip() for word in fact.words)
