"""Ids of the checks that the reader of rules makes; rules.lint.reading explains each."""

from typing import Final

YAML: Final = "YJ001"
LANGUAGE: Final = "YJ002"
TEST_FILE: Final = "YJ003"
NUMBER: Final = "YJ206"
PLACEHOLDERS: Final = "YJ301"
EVIDENCE: Final = "YJ401"
REVIEW: Final = "YJ402"
RETIRED: Final = "YJ404"
LOCK: Final = "YJ405"
ID: Final = "YJ406"
