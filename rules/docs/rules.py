"""The pages of the rules: one a pack folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from knowledge_base import KnowledgeBase, ParameterValue
from rules.authoring.operand_values import said_operand
from rules.authoring.testing import read_cases
from rules.docs.conditions import conditions_in_words
from rules.docs.expectations import expected_in_words
from rules.docs.markdown import code, codes, table
from rules.finding_model import FindingSpec
from rules.model import (
    CodeSetOperand,
    Effective,
    ParameterOperand,
    Rule,
)
from rules.pack import TEST_SUFFIX, Pack


def rule_pages(pack: Pack, knowledge: KnowledgeBase) -> dict[str, str]:
    """File name to page; `rules-<folder>.md`."""
    folders: dict[str, list[Rule]] = {}
    for rule in pack.rules:
        folders.setdefault(rule.id.rpartition(".")[0], []).append(rule)
    return {
        f"rules-{folder}.md": "\n".join([f"# {folder}", *_sections(rules, pack, knowledge)])
        for folder, rules in folders.items()
    }


def _sections(rules: list[Rule], pack: Pack, knowledge: KnowledgeBase) -> Iterator[str]:
    yield ""
    yield from table(
        ["rule", "规则", "title", "status", "result", "severity", "action"],
        (
            [
                f"[{code(rule.id)}](#{_anchor(rule)})", rule.title.zh, rule.title.en, rule.status,
                rule.finding.result, rule.finding.severity, rule.finding.action,
            ]
            for rule in rules
        ),
    )  # fmt: skip
    for rule in rules:
        yield ""
        yield f'<a id="{_anchor(rule)}"></a>'
        yield ""
        yield f"## {rule.title.zh} {rule.title.en}"
        for body in rule.bodies:
            yield from _body(body, pack, knowledge)
        yield from _life(rule)
        yield from _tests(rule, pack)


def _anchor(rule: Rule) -> str:
    return rule.id.rpartition(".")[2].replace("_", "-")


def _body(rule: Rule, pack: Pack, knowledge: KnowledgeBase) -> Iterator[str]:
    finding = rule.finding
    yield ""
    yield f"{code(rule.id)} version {rule.version}, {rule.status}, {_days(rule.effective)}"
    yield ""
    yield f"- on 事件: {codes(rule.on)}" + (f"; each of {code(rule.each)}" if rule.each else "")
    if rule.group_by:
        yield f"- group_by 按组: the acts of one 同一 {codes(rule.group_by)}"
    if rule.expect is not None:
        yield from expected_in_words(rule.expect)
    for part, tree in zip(("scope 范围", "when 条件", "unless 豁免"), rule.trees, strict=True):
        lines = conditions_in_words(tree)
        if lines:
            yield f"- {part}"
            yield from (f"  {line}" for line in lines)
    yield (
        f"- finding 结论: {finding.result}, {finding.severity}, {finding.action}; to "
        f"{', '.join(finding.audience)}"
    )
    yield f"  - {finding.message.zh}"
    yield f"  - {finding.message.en}"
    for phase, change in finding.by_phase.items():
        parts = [str(p) for p in (change.result, change.severity, change.action) if p]
        yield f"  - {phase}: {', '.join(parts) or 'another message or audience'}"
    yield from _further(finding)
    if subsumed := subsumed_by(rule.id, pack):
        yield f"  - subsumed by 可被取代: {codes(subsumed)}"
    yield from _knowledge(rule, knowledge)
    yield ""
    yield "Evidence 依据:"
    yield ""
    for evidence in rule.evidence:
        source = knowledge.source(evidence.source)
        title = f"{source.title.zh} {source.title.en}" if source is not None else evidence.source
        yield f"- {title}: {evidence.locator}"
    if rule.limits:
        yield ""
        yield f"Limits 局限: {rule.limits.strip()}"


def subsumed_by(rule_id: str, pack: Pack) -> tuple[str, ...]:
    """The rules whose findings stand for those of this one."""
    return tuple(rule.id for rule in pack.rules if rule_id in rule.finding.overrides)


def _further(finding: FindingSpec) -> Iterator[str]:
    """What only some findings have: a severity that is read, money, and things to do."""
    if finding.severity_from is not None:
        pairs = ", ".join(f"{word} → {severity}" for word, severity in finding.severity_from.words)
        yield f"  - severity from {code(finding.severity_from.fact)}: {pairs}"
    if finding.amount is not None:
        amount, over = finding.amount, finding.amount.over
        of = f"{amount.of} of {amount.excess}" if amount.excess else amount.of
        yield f"  - amount 金额: {of}" + (f" over {said_operand(over)}" if over is not None else "")
    if finding.once_within is not None:
        yield f"  - told once within 不重复提示: {said_operand(finding.once_within)}"
    if finding.overrides:
        yield f"  - stands for 取代: {codes(finding.overrides)}"
    for suggestion in finding.suggest:
        value = suggestion.value
        words = f" {said_operand(value)}" if value is not None else ""
        yield f"  - suggest 建议: {suggestion.verb} {suggestion.target}{words}"


def _knowledge(rule: Rule, knowledge: KnowledgeBase) -> Iterator[str]:
    """The parameters and code sets that the conditions name, with values and sources."""
    operands = rule.operands
    parameters = dict.fromkeys(o.parameter for o in operands if isinstance(o, ParameterOperand))
    codesets = dict.fromkeys(o.codeset for o in operands if isinstance(o, CodeSetOperand))
    rows = [row for name in parameters for row in _parameter(name, knowledge)]
    if rows:
        yield ""
        yield from table(["parameter", "key", "value", "unit", "from", "to", "source"], rows)
    sets = [row for name in codesets for row in _codeset(name, knowledge)]
    if sets:
        yield ""
        yield from table(["code set", "members", "from", "to", "source"], sets)


def _parameter(name: str, knowledge: KnowledgeBase) -> Iterator[list[object]]:
    parameter = knowledge.parameter(name)
    for key, history in parameter.rows.items() if parameter is not None else ():
        for entry in history:
            value: ParameterValue = entry.value
            yield [
                code(name), ", ".join(key), value.value, value.unit, entry.valid_from,
                entry.valid_to or "", f"{value.source}: {value.locator}",
            ]  # fmt: skip


def _codeset(name: str, knowledge: KnowledgeBase) -> Iterator[list[object]]:
    codeset = knowledge.codeset(name)
    for entry in codeset.history if codeset is not None else ():
        members = sorted(entry.value.codes)
        shown = codes(members[:8]) + (f" … {len(members)} in all" if len(members) > 8 else "")
        basis = entry.value.basis
        yield [
            code(name), shown, entry.valid_from, entry.valid_to or "",
            f"{basis.source}: {basis.locator}",
        ]  # fmt: skip


def _days(effective: Effective) -> str:
    end = f" to {effective.end}" if effective.end is not None else ""
    return f"for service dates from {effective.start}{end}"


def _life(rule: Rule) -> Iterator[str]:
    people = [
        f"{word} {who}"
        for word, who in (("authored by", rule.authored_by), ("checked by", rule.checked_by))
        if who
    ]
    yield ""
    yield (
        f"Review 审核: {', '.join(people) or 'nobody has signed it 尚未签署'}"
        + (f"; reviewed on {rule.reviewed_on}" if rule.reviewed_on else "")
        + (f"; next review {rule.next_review}" if rule.next_review else "")
    )


def _tests(rule: Rule, pack: Pack) -> Iterator[str]:
    path: Path | None = pack.path(rule.id)
    sibling = path.with_name(f"{path.stem}{TEST_SUFFIX}") if path is not None else None
    cases = read_cases(sibling, pack, []) if sibling is not None and sibling.exists() else []
    if not cases:
        return
    yield ""
    yield "Tests 测试:"
    yield ""
    for case in cases:
        yield f"- {case.name} → {case.expect.outcome or 'by element'}"
