"""The strict YAML reader: what it accepts, what it refuses, and where it says so."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_base.strict_yaml import Node, Problem, read, read_text

FILE = Path("rule.yaml")


def parse(text: str) -> tuple[Node | None, list[Problem]]:
    problems: list[Problem] = []
    return read_text(text, FILE, problems), problems


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("0", 0),
        ("-12", -12),
        ("3.50", 3.5),
        ("2026-03-02", "2026-03-02"),
        ("2026-03-02T10:00+08:00", "2026-03-02T10:00+08:00"),
        ("30 a", "30 a"),
        ("O00-O99", "O00-O99"),
        ('"no"', "no"),
        ("'010'", "010"),
        ("1.2.3", "1.2.3"),
    ],
)
def test_a_scalar_is_a_word_a_decimal_number_or_text(text: str, value: object) -> None:
    root, problems = parse(f"a: {text}\n")
    assert problems == []
    assert root is not None
    assert root.plain() == {"a": value}
    assert type(root.plain()["a"]) is type(value)


@pytest.mark.parametrize(
    "text",
    ["no", "Yes", "off", "~", "True", "NULL", "010", "0x1F", "0o17", "1_000", "12:30", "1e5",
     "1E11", ".5", "5.", ".inf", ".nan", "+5", "0b1", "00.5", "1" * 19],
)  # fmt: skip
def test_what_programs_read_differently_is_a_problem(text: str) -> None:
    root, problems = parse(f"a: {text}\n")
    assert root is not None
    assert len(problems) == 1
    assert (problems[0].line, problems[0].column) == (1, 4)
    assert problems[0].fix


def test_the_key_on_stays_the_text_on() -> None:
    root, problems = parse("on: [a]\nno: 1\n2017-07-05: 2\n")
    assert problems == []
    assert root is not None
    assert root.plain() == {"on": ["a"], "no": 1, "2017-07-05": 2}


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("a: 1\na: 2\n", 2, "stands twice"),
        ("a: &x 1\n", 1, "anchor"),
        ("a: &x 1\nb: *x\n", 2, "alias"),
        ("a: !!str 1\n", 1, "tag"),
        ("a: 1\n---\nb: 2\n", 2, "second document"),
        ("%YAML 1.1\n---\na: 1\n", 1, "directive"),
        ("<<: {a: 1}\n", 1, "merge"),
        ("a:\n\tb: 1\n", 2, "tab"),
        ("a: x\ty\n", 1, "tab"),
        ("? [a]\n: 1\n", 1, "key"),
        ("a: [1, 2\n", 2, "not YAML"),
        ("a: b: c\n", 1, "not YAML"),
        ("", 1, "empty"),
        ("# only a comment\n", 1, "empty"),
        ("a: \x07\n", 1, "U+0007"),
        ("a: \ud800\n", 1, "U+D800"),
    ],
)
def test_what_is_refused_is_refused_with_its_line(text: str, line: int, part: str) -> None:
    _, problems = parse(text)
    assert any(part in str(p) and p.line == line for p in problems), problems


def test_all_problems_of_a_file_are_reported_at_once() -> None:
    _, problems = parse("a: no\nb: 010\nc: &x 1\nd: 1\nd: 2\n")
    assert [p.line for p in problems] == [1, 2, 3, 5]


def test_nesting_without_end_is_a_problem_and_no_crash() -> None:
    _, problems = parse("[" * 5000 + "]" * 5000)
    assert any("nested deeper" in p.message or "not YAML" in p.message for p in problems)


def test_nodes_know_their_places_and_entries() -> None:
    root, _ = parse("first: 1\nsecond:\n  - x\n  - {y: 2}\n")
    assert root is not None
    second = root.get("second")
    assert second is not None
    assert second.is_list
    children = list(second)
    assert (children[1].line, children[1].column) == (4, 5)
    assert [(k, v.plain()) for k, _, v in children[1].items()] == [("y", 2)]
    assert root.get("third") is None
    assert str(children[0].problem("is wrong", "mend it")) == "rule.yaml:3:5: is wrong; mend it"


def test_a_file_that_is_missing_or_not_utf8_is_a_problem(tmp_path: Path) -> None:
    problems: list[Problem] = []
    assert read(tmp_path / "none.yaml", problems) is None
    (tmp_path / "latin.yaml").write_bytes(b"a: \xff\n")
    assert read(tmp_path / "latin.yaml", problems) is None
    assert len(problems) == 2


@given(st.text(max_size=200))
def test_no_text_makes_the_reader_raise(text: str) -> None:
    parse(text)


@given(st.text(alphabet="ab:-[]{}#&*!|>'\"%@`,? \n\t0123", max_size=120))
def test_no_text_of_yaml_signs_makes_the_reader_raise(text: str) -> None:
    parse(text)


RULE = """\
title: {zh: 测试, en: test}
on: [order.signed]
where: {item.code: {is: {fact: this.item.code}}}
within: {parameter: stay.limit}
severity: warning
audience: [prescriber, pharmacist]
message:
  zh: 有“重复”：共两次，（见说明）【提示】　请核对
  en: found
"""


def slips(old: str, new: str) -> list[tuple[int, str, str]]:
    """Line, message and remedy of what was typed: of the file, and of every node of it."""
    assert old in RULE
    root, problems = parse(RULE.replace(old, new))
    nodes = [root] if root is not None else []
    for node in nodes:
        if node.is_mapping:
            nodes += [one for _, key, value in node.items() for one in (key, value)]
        elif node.is_list:
            nodes += node
    problems += [node.problem("wrong") for node in nodes if node.slip is not None]
    return [(p.line, p.message, p.fix) for p in problems]


@pytest.mark.parametrize(
    ("old", "new", "line", "said", "fix"),
    [
        ("severity: ", "severity：", 5, "full-width colon ：", "write : and a space"),
        ("severity: ", "severity： ", 5, "full-width colon ：", "write : and a space"),
        ("title: {", "title：{", 1, "full-width colon ：", "write : and a space"),
        ("within: {parameter: ", "within: {parameter：", 4, "full-width colon", ": and a space"),
        ("zh: 测试, en: test", "zh：测试，en：test", 1, "full-width colon ：", "write :"),
        ("r, p", "r，p", 6, "full-width comma ，", "write , and a space"),
        ("{is: {fact: this.item.code}}", "｛is: {fact: this.item.code}}", 3, "brace ｛", "write {"),
        ("{parameter: stay.limit}", "{parameter: stay.limit｝", 4, "brace ｝", "write }"),
        ("[order.signed]", "【order.signed】", 2, "Chinese bracket 【", "write ["),
        ("warning", "“warning”", 5, "curly quote “", 'write "'),
        ("warning", "‘warning’", 5, "curly quote ‘", "write '"),
        ("en: found", "en: “found: it”", 9, "curly quote “", 'write "'),
        ("severity: ", "severity:　", 5, "blank U+3000", "write a space"),
        ("warning", "warning　", 5, "blank U+3000", "write a space"),
        ("  zh", "　　zh", 8, "blank U+3000", "write a space"),
        ("severity: w", "severity:w", 5, "`severity:` has no space", "write `severity: …`"),
        ("within: {", "within:{", 4, "`within:` has no space", "write `within: …`"),
        ("{parameter: ", "{parameter:", 4, "`parameter:` has no space", "write `parameter: …`"),
    ],
)
def test_what_was_typed_for_a_character_of_yaml_is_named_with_its_line(
    old: str, new: str, line: int, said: str, fix: str
) -> None:
    first = slips(old, new)[0]
    assert first[0] == line
    assert said in first[1]
    assert fix in first[2]


def test_chinese_punctuation_inside_text_is_never_complained_about() -> None:
    assert slips("found", "found") == []
    assert slips("found", "“找到”，请核对：见说明　") == []
    (problem,) = slips("见说明", "见说明: 二")
    assert "mapping values are not allowed" in problem[1]


def test_a_key_without_its_colon_is_told_where_it_stands() -> None:
    _, problems = parse("a: 1\nseverity warning\nb: 2\n")
    assert [(p.line, p.column) for p in problems] == [(2, 1)]
