"""One file among a user's own: written whole, over nothing that is not ours."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from layers.errors import OutputError
from layers.folders.single import SINGLE, check_file, write_file
from tests.attack.folders import Counter, database, die, in_child, touch


def text(content: str):
    return lambda path: path.write_text(content)


def visible(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.glob("[!.]*"))


def test_ours_is_replaced_and_others_are_not(tmp_path: Path) -> None:
    out = tmp_path / "a.csv"
    write_file(out, text("1"))
    write_file(out, text("2"))
    assert out.read_text() == "2"
    out.write_text("edited")
    with pytest.raises(OutputError, match="changed since"):
        write_file(out, text("3"))
    (tmp_path / "roads.csv").write_text("an input")
    for refuse in (check_file, lambda p: write_file(p, text("3"))):
        with pytest.raises(OutputError, match="not written by borderlink"):
            refuse(tmp_path / "roads.csv")
    assert visible(tmp_path) == ["a.csv", "roads.csv"]
    assert (tmp_path / "roads.csv").read_text() == "an input"


def test_an_input_that_is_ours_stays(tmp_path: Path) -> None:
    out = tmp_path / "a.csv"
    write_file(out, text("1"))
    (tmp_path / "link.csv").symlink_to(out)
    with pytest.raises(OutputError, match="input of the study"):
        write_file(out, text("2"), inputs=[tmp_path / "link.csv"])
    assert out.read_text() == "1"


def test_a_database_by_its_tables(tmp_path: Path) -> None:
    out = tmp_path / "a.gpkg"
    write_file(out, lambda p: database(p, "1"))
    touch(out)
    write_file(out, lambda p: database(p, "2"))


def test_an_error_leaves_the_old_one(tmp_path: Path) -> None:
    out = tmp_path / "a.csv"
    write_file(out, text("1"))

    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OutputError, match="No space"):
        write_file(out, full)
    assert out.read_text() == "1"
    assert sorted(p.name for p in tmp_path.iterdir()) == [SINGLE, "a.csv"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_killed_at_any_moment(tmp_path: Path) -> None:
    out = tmp_path / "a.csv"
    write_file(out, text("0"))
    _, moments = in_child(lambda: write_file(out, text("0")), 0, die)
    assert moments > 30
    for at in range(1, moments + 1, 7):
        before = out.read_text()
        in_child(lambda at=at: write_file(out, text(str(at))), at, die)
        assert out.read_text() in (before, str(at))
        write_file(out, text("next"))  # still known as ours
        assert out.read_text() == "next"
    assert Counter(1, die).count == 0
