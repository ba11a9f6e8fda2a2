"""Our own data files are kept parsed, and what is kept never differs from what is written."""

from pathlib import Path

import pytest

from mockserver.contract import datafiles
from mockserver.contract.datafiles import read_file, read_own
from mockserver.errors import ConfigError
from mockserver.settings import data_folder

OURS = sorted([*data_folder("spec").glob("*.yaml"), *data_folder("fixtures").rglob("*.yaml")])


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(datafiles, "KEPT", tmp_path / "kept")
    return tmp_path / "kept"


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_what_is_kept_is_what_is_written(kept: Path, path: Path) -> None:
    first, second = read_own(path), read_own(path)
    assert first == second == read_file(path)
    assert len(list(kept.iterdir())) == 1


def test_a_change_is_seen_at_once(kept: Path, tmp_path: Path) -> None:
    path = tmp_path / "data.yaml"
    path.write_text("a: 1\n")
    assert read_own(path) == {"a": 1}
    path.write_text("a: 2\n")
    assert read_own(path) == {"a": 2}


def test_a_broken_or_impossible_store_is_done_without(kept: Path, tmp_path: Path) -> None:
    path = tmp_path / "data.yaml"
    path.write_text("a: 1\n")
    read_own(path)
    for file in kept.iterdir():
        file.write_bytes(b"{")
    assert read_own(path) == {"a": 1}
    for file in kept.iterdir():
        file.unlink()
    kept.rmdir()
    kept.write_bytes(b"a file where the folder should be")
    assert read_own(path) == {"a": 1}


def test_mistakes_have_their_place(tmp_path: Path) -> None:
    path = tmp_path / "data.yaml"
    path.write_text("a: 1\na: 2\n")
    with pytest.raises(ConfigError, match=r"data\.yaml:2: is not valid YAML: 'a' is given twice"):
        read_file(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_own(tmp_path / "nothing.yaml")
