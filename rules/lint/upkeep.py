"""Checks of a rule's words, review, version and knowledge."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from knowledge_base import KnowledgeBase
from knowledge_base.model import Names
from knowledge_base.strict_yaml import Problem
from rules.authoring import lock
from rules.engine.messages import NAMED_THRESHOLD, PLACEHOLDER, THRESHOLD
from rules.facts import CATALOGUE
from rules.lint.base import Check, Material, Subject
from rules.lint.logic import cases_of
from rules.model import (
    History,
    ParameterOperand,
    Rule,
    Test,
    limits_of,
)
from rules.reading import check_ids


class SameInBoth(Check):
    id = "YJ302"
    title = Names("中英文占位符一致", "Both languages show the same")
    doc = (
        "The Chinese and the English message must have the same placeholders: else one group of "
        "readers is told less."
    )

    def rule(self, subject: Subject) -> Iterable[Problem]:
        for message in _messages(subject.rule):
            zh, en = (set(PLACEHOLDER.findall(text)) for text in (message.zh, message.en))
            if zh != en:
                names = ", ".join(f"{{{name}}}" for name in sorted(zh ^ en))
                place = subject.place("finding")
                yield self.at(place, f"only one language shows {names}", "show it in both")


_ADD_THRESHOLD: Final = "add {threshold}, or {threshold:PARAMETER} where there are several"


class ThresholdShown(Check):
    id = "YJ303"
    level = "warning"
    title = Names("界限应显示", "The limit is shown")
    doc = (
        "A rule that always compares with a parameter should show `{threshold}`: who is told that "
        "a value is too high asks how high it may be. It shows the limits of the first condition "
        "with a limit that is met; `{threshold:PARAMETER}` shows one parameter by its id. How old "
        "a value may be (`fresh_within`) is no limit, and is shown only by its id."
    )

    def rule(self, subject: Subject) -> Iterable[Problem]:
        rule = subject.rule
        shown = {name for m in _messages(rule) for name in PLACEHOLDER.findall(m.zh)}
        named = any(name.startswith(NAMED_THRESHOLD) for name in shown)
        if _always_compares(rule) and THRESHOLD not in shown and not named:
            place = subject.place("finding")
            yield self.at(place, "the message does not show the limit", _ADD_THRESHOLD)


def _always_compares(rule: Rule) -> bool:
    """Whether `when` is never true without a comparison with a parameter."""
    cases = cases_of(rule.when) or ()
    return bool(cases) and all(
        any(isinstance(atom.test, Test | History) and limits_of(atom.test) for atom in case)
        for case in cases
    )


def _messages(rule: Rule) -> Iterable[Names]:
    yield rule.finding.message
    for change in rule.finding.by_phase.values():
        if change.message is not None:
            yield change.message


class ReviewDue(Check):
    id = "YJ403"
    title = Names("复核未过期", "The review is not overdue")
    doc = (
        "`next_review` must not have passed: a label or a law may have changed since. Review the "
        "rule, then set `reviewed_on` and `next_review`. The day of the check is passed in."
    )

    def together(self, material: Material) -> Iterable[Problem]:
        for subject in material.subjects:
            due = subject.rule.next_review
            is_alive = subject.rule.status in ("shadow", "active")
            if material.today is not None and due is not None and due < material.today and is_alive:
                message = f"the review was due on {due}"
                fix = "review the rule, then set reviewed_on and next_review"
                yield self.at(subject.place("next_review"), message, fix)


class Locked(Check):
    id = check_ids.LOCK
    title = Names("内容改变须升版本", "A changed rule has a new version")
    doc = (
        "The lock file beside the packs (`rules.lock`) holds a digest of each rule's content at "
        "its version. A change of content without a higher version is an error: decisions name "
        "the version they were made with. Raise `version`, then run `yijian rules lock`. Layout, "
        "comments, status and review do not count as content; a deleted rule does: retire it. "
        "Drafts are free of the lock until their status says `shadow`."
    )

    def together(self, material: Material) -> Iterable[Problem]:
        for path, known in material.locks:
            root = path.parent
            below = {
                s.rule.id: (s.rule.version, s.node)
                for s in material.subjects
                if s.path.resolve().is_relative_to(root)
            }
            is_whole = root in material.folders
            yield from lock.compare(known, path, below, material.unreadable, is_whole=is_whole)


class UnusedParameters(Check):
    id = "YJ407"
    level = "warning"
    title = Names("参数有人用", "Parameters are used")
    doc = (
        "A parameter that no rule, no pair table and no fact uses is either forgotten or misspelt. "
        "Remove it, or use it. Not asked while a rule cannot be read: it may be the one that uses "
        "it."
    )

    def together(self, material: Material) -> Iterable[Problem]:
        used = {operand.parameter for rule in material.pack.rules for body in rule.bodies
                for operand in body.operands if isinstance(operand, ParameterOperand)}  # fmt: skip
        used |= set(_gaps(material.knowledge))
        used |= {name for fact in CATALOGUE.values() for name in fact.parameters}
        if material.unreadable:  # a rule that cannot be read may be the one that uses it
            return
        for name, node in material.parameters.items():
            if name not in used:
                fix = "remove it, or use it in a rule"
                yield self.at(node, f"no rule uses the parameter `{name}`", fix)


def _gaps(knowledge: KnowledgeBase) -> Iterable[str]:
    """The parameters that say how long the effect of one half of a pair lasts."""
    for table in knowledge.pairs.tables.values():
        for history in table.rows.values():
            for entry in history:
                gaps = (entry.value.gap_after_a, entry.value.gap_after_b)
                yield from (gap.parameter for gap in gaps if gap is not None)


UPKEEP_CHECKS: Final = (
    SameInBoth, ThresholdShown, ReviewDue, Locked, UnusedParameters,
)  # fmt: skip
