"""Stores of remembered values: a dict by any other name, and nothing that outlives its process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.errors import ConfigurationError
from streams.state.stores import IN_MEMORY, KINDS, ROCKSDB, Opening, opening

pytest.importorskip("rocksdict")

keys = st.sampled_from([b"a", b"b", b"urn:h1|1", b"g|x=1", b"\xff"])
steps = st.lists(st.tuples(keys, st.none() | st.binary(max_size=50)), max_size=30)


@pytest.fixture(params=KINDS, scope="module")
def make(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Opening:
    return opening(request.param, tmp_path_factory.mktemp("state"))


@settings(max_examples=30, deadline=None)
@given(steps)
def test_a_store_holds_what_was_put_last_and_counts_it(
    make: Opening, told: list[tuple[bytes, bytes | None]]
) -> None:
    store, model = make(), dict[bytes, bytes]()
    for key, value in told:
        if value is None:
            store.drop(key)
            model.pop(key, None)
        else:
            store.put(key, value)
            model[key] = value
        assert store.get(key) == model.get(key)
        assert len(store) == len(model)
        assert store.stored_bytes == sum(map(len, model.values()))
    store.close()


def test_two_stores_of_one_process_share_nothing(make: Opening) -> None:
    one, other = make(), make()
    one.put(b"a", b"1")
    assert (other.get(b"a"), len(other)) == (None, 0)
    one.close()
    other.put(b"a", b"2")
    assert other.get(b"a") == b"2"
    other.close()


def test_what_a_store_kept_is_gone_from_the_disk_when_it_is_closed(tmp_path: Path) -> None:
    store = opening(ROCKSDB, tmp_path)()
    store.put(b"a", b"1")
    (own,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert list(own.iterdir())
    store.close()
    assert not list(own.iterdir())


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """A folder that a process left behind, with a store that it never closed."""
    code = (
        "import os, sys; from pathlib import Path; from streams.state.stores import opening\n"
        "store = opening('rocksdb', Path(sys.argv[1]))(); store.put(b'a', b'old'); os._exit(9)"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=env, check=False)
    assert done.returncode == 9
    return tmp_path


def test_files_of_a_process_that_was_killed_are_not_trusted(killed: Path) -> None:
    assert list((killed / "process-0").iterdir())
    make = opening(ROCKSDB, killed)
    assert not list((killed / "process-0").iterdir())
    store = make()
    assert store.get(b"a") is None
    store.close()


def test_processes_that_share_a_folder_leave_each_other_alone(tmp_path: Path) -> None:
    mine = opening(ROCKSDB, tmp_path)()
    mine.put(b"a", b"1")
    theirs = opening(ROCKSDB, tmp_path)()
    assert (mine.get(b"a"), theirs.get(b"a")) == (b"1", None)
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"process-0", "process-1"}
    mine.close()
    theirs.close()


def test_without_rocksdict_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rocksdict", None)
    with pytest.raises(ConfigurationError, match=r"yijian\[rocksdb\]"):
        opening(ROCKSDB, tmp_path)
    opening(IN_MEMORY)().close()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="YIJIAN_STATE_FOLDER"):
        opening(ROCKSDB, tmp_path / "file")


@pytest.mark.parametrize(("kind", "told"), [(ROCKSDB, "YIJIAN_STATE_FOLDER"), ("redis", "memory")])
def test_what_cannot_be_opened_is_told(kind: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        opening(kind)
