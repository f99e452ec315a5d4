"""What the reader of files finds; these ids stand on its problems."""

from __future__ import annotations

from typing import Final

from knowledge_base.model import Names
from rules.lint.base import Check
from rules.reading import check_ids


class Yaml(Check):
    id = check_ids.YAML
    title = Names("严格的 YAML", "Strict YAML")
    doc = (
        "Files are read strictly: no tabs, no duplicate keys, no anchors, aliases, tags or merge "
        "keys, one document, and none of the scalars that programs read differently (`no`, `010`, "
        "`12:30`, `1e5`). The message says what to write instead; codes and times go in quotes."
    )


class Words(Check):
    id = check_ids.LANGUAGE
    title = Names("规则语言的词", "The words of the language")
    doc = (
        "Every key, operator, fact, parameter and code set must exist, fit its place and fit each "
        "other: types, units, kinds of codes, events that have the fact. Words that come in a "
        "later version are refused by name, never ignored. The message proposes the nearest word; "
        "`yijian rules facts` lists all facts."
    )


class TestFiles(Check):
    id = check_ids.TEST_FILE
    title = Names("测试文件", "Test files")
    doc = (
        "A test file names its rule, a base event and cases; each case has a name and says what it "
        "expects. An event that cannot be made, or an expectation that is not understood, is "
        "reported where it stands."
    )


class LiteralNumbers(Check):
    id = check_ids.NUMBER
    title = Names("数字来自参数", "Numbers come from parameters")
    doc = (
        "No number but 0 and 1 stands in a rule: limits, windows, counts and doses change by law "
        "and by label. Put it into the knowledge base with unit, dates, source and locator, and "
        "write `{parameter: id}`."
    )


class Sources(Check):
    id = check_ids.EVIDENCE
    title = Names("依据有出处", "Evidence names its source")
    doc = (
        "Every entry of `evidence` names a source that the knowledge base lists, and the place in "
        "it: article, table, page. A rule without evidence is somebody's opinion."
    )


class Reviewers(Check):
    id = check_ids.REVIEW
    title = Names("生效须有作者与复核人", "An active rule has an author and another reviewer")
    doc = (
        "A rule is `active` only when two different named people have authored and checked it. "
        "Shipped rules are shadow; the site that adopts them signs its own review. A review has a "
        "reviewer, and the next one lies after it."
    )


class Retired(Check):
    id = check_ids.RETIRED
    title = Names("停用须有理由", "A retired rule says why")
    doc = (
        "A rule is never deleted: past decisions name it. It is kept as `status: retired` with "
        "`retired_because`, and is evaluated no more."
    )


class Ids(Check):
    id = check_ids.ID
    title = Names("编号即位置", "The id is folder.file")
    doc = (
        "A rule's id is its folder and its file name, so that an alert leads to its file. Rename "
        "the file or correct the id; two rules cannot carry one id."
    )


class Placeholders(Check):
    id = check_ids.PLACEHOLDERS
    title = Names("占位符存在", "Placeholders exist")
    doc = (
        "`{fact}` in a message must be a fact of the rule's events, `{threshold}` needs a "
        "condition with a parameter, `{threshold:PARAMETER}` one that names it, `{history}` a "
        "`history` in `when`, and every brace its partner."
    )


READING_CHECKS: Final = (
    Yaml, Words, TestFiles, LiteralNumbers, Placeholders, Sources, Reviewers, Retired, Ids,
)  # fmt: skip
