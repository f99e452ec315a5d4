"""One rule file becomes a Rule; everything that is wrong with it is reported with its line."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final

from knowledge_base import KnowledgeBase
from knowledge_base.strict_yaml import Node, Problem, read, read_text
from rules import words
from rules.model import Rule
from rules.reading.body import EVENT_NAMES, Body, read_body, required_of
from rules.reading.check_ids import ID, RETIRED, REVIEW
from rules.reading.fields import Fields
from rules.reading.versions import read_versions

__all__ = ["EVENT_NAMES", "read_rule", "read_rule_text"]


_REVIEWERS: Final = ("authored_by", "checked_by")
_REVIEWS: Final = ("reviewed_on", "next_review")


def read_rule(path: Path, knowledge: KnowledgeBase, problems: list[Problem]) -> Rule | None:
    """The rule of a file, or None where there is any problem; they are appended."""
    found: list[Problem] = []
    return _rule(read(path, found), path, knowledge, problems, found)


def read_rule_text(
    text: str, path: Path, knowledge: KnowledgeBase, problems: list[Problem]
) -> Rule | None:
    """The same for text; `path` gives the id that is expected, and the place in messages."""
    found: list[Problem] = []
    return _rule(read_text(text, path, found), path, knowledge, problems, found)


def _rule(
    node: Node | None,
    path: Path,
    knowledge: KnowledgeBase,
    problems: list[Problem],
    found: list[Problem],
) -> Rule | None:
    rule = _Reader(node, path, knowledge, found).rule() if node is not None else None
    problems.extend(found)
    return None if found else rule


class _Reader:
    def __init__(
        self, node: Node, path: Path, knowledge: KnowledgeBase, problems: list[Problem]
    ) -> None:
        self.fields = Fields(node, "a rule", problems)
        self.path = path
        self.knowledge = knowledge
        self.problems = problems

    def rule(self) -> Rule | None:
        f = self.fields
        required = required_of(f, words.RULE_REQUIRED)
        if not f.expect(required, (*words.RULE_OPTIONAL, "when"), words.NOT_BUILT["rule"]):
            return None
        rule_id, title = self._id(), f.names("title")
        status = f.choice("status", words.STATUSES, "draft")
        body = read_body(f, self.knowledge)
        taxonomy = self._taxonomy()
        # Nobody has reviewed a new rule: its author may leave these entries empty.
        author, checker = (f.text(name, may_be_empty=True) for name in _REVIEWERS)
        reviewed_on, next_review = (f.day(name, may_be_empty=True) for name in _REVIEWS)
        retired_because = f.text("retired_because", may_be_empty=True)
        self._review(status, author, checker)
        self._reviewed(checker, reviewed_on, next_review)
        self._retired(status, retired_because)
        older = read_versions(f, body, self.knowledge)
        self._precedence(rule_id, (body, *older))
        if self.problems or body is None:
            return None

        def made(part: Body, versions: tuple[Rule, ...] = ()) -> Rule:
            return Rule(
                id=rule_id,
                title=part.title or title,
                status=status,
                taxonomy=taxonomy,
                authored_by=author,
                checked_by=checker,
                reviewed_on=reviewed_on,
                next_review=next_review,
                retired_because=retired_because,
                versions=versions,
                version=part.version,
                effective=part.effective,
                on=part.on,
                each=part.each,
                scope=part.scope,
                when=part.when,
                unless=part.unless,
                finding=part.finding,
                evidence=part.evidence,
                if_unknown=part.if_unknown,
                limits=part.limits,
                expect=part.expect,
                group_by=part.group_by,
            )

        return made(body, tuple(made(part) for part in older))

    def _precedence(self, rule_id: str, bodies: tuple[Body | None, ...]) -> None:
        if any(body is not None and rule_id in body.finding.overrides for body in bodies):
            node = self.fields.get("finding") or self.fields.node
            text = "a finding does not stand for itself"
            self.fields.report(node, text, f"remove {rule_id} from `overrides`")

    def _id(self) -> str:
        found = self.fields.text("id")
        expected = f"{self.path.parent.name}.{self.path.stem}"
        if found and found != expected:
            node = self.fields.get("id") or self.fields.node
            fix = f"expected folder.file: {expected}"
            self.fields.report(node, f"the id is {found}", fix, ID)
        return found

    def _taxonomy(self) -> dict[str, str]:
        node = self.fields.get("taxonomy")
        if node is None:
            return {}
        if not node.is_mapping:
            self.fields.report(node, "`taxonomy` is no mapping", "e.g. {nhsa: GZ10000301003000}")
            return {}
        found = {}
        for name, _, value in node.items():
            if not isinstance(value.value, str):
                self.fields.report(value, f"the code of {name} is {value.kind}", "write text")
            else:
                found[name] = value.value
        return found

    def _review(self, status: str, author: str, checker: str) -> None:
        node = self.fields.get("status") or self.fields.node
        if author and author == checker:
            fix = "somebody else checks it"
            self.fields.report(node, "authored_by and checked_by are the same person", fix, REVIEW)
        elif status == "active" and not (author and checker):
            fix = "name authored_by and checked_by, or ship the rule as shadow"
            text = "an active rule has no named author and reviewer"
            self.fields.report(node, text, fix, REVIEW)

    def _reviewed(self, checker: str, on: date | None, following: date | None) -> None:
        f = self.fields
        if on is not None and not checker:
            fix = "name checked_by, or remove the date"
            f.report(f.get("reviewed_on") or f.node, "reviewed by nobody", fix, REVIEW)
        if following is not None and (on is None or following <= on):
            fix = "`reviewed_on` is the last review, `next_review` a day after it"
            where = f.get("next_review") or f.node
            f.report(where, "no review lies before the next one", fix, REVIEW)

    def _retired(self, status: str, because: str) -> None:
        f = self.fields
        if status == "retired" and not because:
            fix = "add `retired_because: …`: the rule is kept, with the reason"
            f.report(f.get("status") or f.node, "a retired rule does not say why", fix, RETIRED)
        elif because and status != "retired":
            fix = "remove it, or write `status: retired`"
            f.report(f.get("retired_because") or f.node, f"the rule is {status}", fix, RETIRED)
