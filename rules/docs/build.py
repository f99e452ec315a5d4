"""Which pages there are, and writing them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from knowledge_base import KnowledgeBase
from rules.docs.checks import checks_page
from rules.docs.codesets import codesets_page
from rules.docs.facts import facts_page
from rules.docs.rules import rule_pages
from rules.docs.tests import tests_page
from rules.language import reference
from rules.pack import Pack

NOTE = "<!-- Written by `yijian rules docs`; change the rules or the knowledge, not this page. -->"


def pages(pack: Pack, knowledge: KnowledgeBase) -> dict[str, str]:
    """File name to Markdown."""
    catalogue = rule_pages(pack, knowledge)
    found = {
        "README.md": _index(pack, catalogue),
        "facts.md": facts_page(),
        "codesets.md": codesets_page(knowledge),
        "checks.md": checks_page(),
        "tests.md": tests_page(knowledge),
        "language.md": reference(),
        **catalogue,
    }
    return {name: f"{NOTE}\n\n{text.strip()}\n" for name, text in found.items()}


def build(pack: Pack, knowledge: KnowledgeBase, out: Path) -> list[Path]:
    """Write the pages into a folder; the files, sorted. Raises OSError."""
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in sorted(pages(pack, knowledge).items()):
        path = out / name
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def _index(pack: Pack, catalogue: Iterable[str]) -> str:
    lines = [
        "# Reference 参考",
        "",
        "- [facts.md](facts.md): everything that a rule can ask for 事实目录",
        "- [codesets.md](codesets.md): the lists that a rule can name 代码集",
        "- [language.md](language.md): the rule language, sentence by sentence 规则语言",
        "- [tests.md](tests.md): events in tests, and the drugs, items and analytes 测试写法",
        "- [checks.md](checks.md): what `yijian rules check` looks for 检查项",
        "",
        "## Rules 规则",
        "",
    ]
    for name in sorted(catalogue):
        folder = name.removeprefix("rules-").removesuffix(".md")
        count = sum(rule.id.startswith(f"{folder}.") for rule in pack.rules)
        lines.append(f"- [{folder}]({name}): {count} rules")
    return "\n".join(lines)
