"""The page of all checks."""

from __future__ import annotations

from rules.lint import CHECKS


def checks_page() -> str:
    """Every check with its id, its level and what to do about it."""
    lines = [
        "# Checks 检查项",
        "",
        "What `yijian rules check` looks for. An error makes it end with exit code 1; a warning "
        "does not.",
    ]
    for check in CHECKS:
        lines += [
            "",
            f"## {check.id} {check.title.zh} {check.title.en}",
            "",
            f"*{check.level}*. {check.doc}",
        ]
    return "\n".join(lines)
