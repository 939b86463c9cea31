"""Writes that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from unbraid.core.errors import UnbraidError
from unbraid.core.files import atomic, cache_folder, read_json, write_json


def test_atomic_replaces_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    for text in ("one", "two"):
        with atomic(path) as temporary:
            assert temporary.suffix == ".txt"
            assert temporary.parent == path.parent
            temporary.write_text(text)
        assert path.read_text() == text
    assert os.listdir(path.parent) == ["file.txt"]


def test_atomic_gives_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    with atomic(tmp_path / "file") as temporary:
        temporary.write_text("")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "file")]
    assert modes[0] == modes[1]


def fail_half_way(path: Path, error: BaseException) -> None:
    with atomic(path) as temporary:
        temporary.write_text("half")
        raise error


@pytest.mark.parametrize("error", [KeyError(), KeyboardInterrupt(), UnbraidError("no")])
def test_a_failed_block_leaves_what_was_there(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(type(error)):
        fail_half_way(path, error)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_a_full_disk_gets_a_sentence_and_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    sentence = r"cannot write .*file.txt: No space left on device; what was there is untouched"
    with pytest.raises(UnbraidError, match=sentence):
        fail_half_way(path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_a_path_below_a_file_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with (
        pytest.raises(UnbraidError, match="a part of that path is a file"),
        atomic(tmp_path / "file" / "x"),
    ):
        pass


def test_json_round_trip_and_damage(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    write_json(path, {"a": [1, 2.5, "é"]})
    assert read_json(path) == {"a": [1, 2.5, "é"]}
    with pytest.raises(UnbraidError, match="nan is not finite"):
        write_json(path, float("nan"))
    assert read_json(path) == {"a": [1, 2.5, "é"]}
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())  # as Windows' editors save it
    assert read_json(path) == {"a": [1, 2.5, "é"]}
    for damage in (b"{", b"", b"\xff\xfe"):
        path.write_bytes(damage)
        with pytest.raises(UnbraidError, match="is not valid JSON"):
            read_json(path)
    with pytest.raises(UnbraidError, match="cannot read"):
        read_json(tmp_path / "nosuch.json")


def test_cache_folder_is_the_users_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNBRAID_CACHE", "~/mine")
    assert cache_folder() == Path.home() / "mine"
    monkeypatch.delenv("UNBRAID_CACHE")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert cache_folder() == Path("/elsewhere/unbraid")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache/unbraid"


def test_json_that_is_not_finite_is_refused_and_leaves_what_was_there(tmp_path: Path) -> None:
    write_json(tmp_path / "file.json", {"kl": 1.0})
    with pytest.raises(UnbraidError, match=r"cannot write .*file.json: stats.by_latent.1 is not"):
        write_json(tmp_path / "file.json", {"stats": {"by_latent": [1.0, float("nan")]}})
    assert read_json(tmp_path / "file.json") == {"kl": 1.0}
    assert os.listdir(tmp_path) == ["file.json"]
