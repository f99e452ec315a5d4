"""What `make compiled` compiles: the modules that pyproject.toml names."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest

CHECKOUT: Final = Path(__file__).resolve().parents[2]
_PROJECT: Final = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))
_IMPORTS: Final = "import sys; from mypyc.build import mypycify"
_HOOK: Final = _PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["mypyc"]


def test_nothing_is_compiled_unless_it_is_asked_for() -> None:
    assert _HOOK["enable-by-default"] is False


@pytest.mark.parametrize("name", _HOOK["include"])
def test_a_named_module_exists_and_defines_no_structs(name: str) -> None:
    """mypyc would forget what a struct says of itself: that it is frozen, renamed or an array."""
    tree = ast.parse((CHECKOUT / name).read_text("utf-8"))
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    structs = [one.name for one in classes if any("Struct" in ast.unparse(b) for b in one.bases)]
    assert structs == []


@pytest.mark.slow
def test_mypyc_can_translate_them(tmp_path: Path) -> None:
    """Without the C compiler, which a user's machine need not have."""
    translate = "mypycify(sys.argv[2:], target_dir=sys.argv[1])"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"{_IMPORTS}; {translate}",
            str(tmp_path),
            *_HOOK["mypy-args"],
            *_HOOK["include"],
        ],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert list(tmp_path.glob("__native_*.c"))
