"""A folder of results belongs to its user: nothing that the manifest does not list is replaced or deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from layers.errors import OutputError
from layers.folders import MANIFEST, fresh_folder


def write(out: Path, **files: str) -> None:
    """Leave a run of some files."""
    with fresh_folder(out, "run.json") as folder:
        for name, text in {"run.json": "{}", **files}.items():
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)


def names(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {MANIFEST}


def test_files_of_the_user_stay(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, **{"tables/a.csv": "1", "map.html": "old"})
    (out / "notes.txt").write_text("mine")
    (out / "tables" / "own.csv").write_text("mine")
    (out / "empty").mkdir()
    write(out, **{"map.html": "new"})
    assert names(out) == {"run.json", "map.html", "notes.txt", "tables/own.csv"}
    assert (out / "notes.txt").read_text() == (out / "tables" / "own.csv").read_text() == "mine"
    assert (out / "map.html").read_text() == "new"
    assert (out / "empty").is_dir()


def test_what_the_user_changed_is_kept_beside(tmp_path: Path) -> None:
    write(tmp_path, **{"border.qgz": "old", "gone.csv": "old"})
    (tmp_path / "border.qgz").write_text("edited")
    (tmp_path / "gone.csv").write_text("edited too")
    write(tmp_path, **{"border.qgz": "new"})
    assert (tmp_path / "border.qgz").read_text() == "new"
    assert (tmp_path / "border.qgz.yours").read_text() == "edited"
    assert (tmp_path / "gone.csv").read_text() == "edited too"
    (tmp_path / "border.qgz").write_text("edited again")
    write(tmp_path, **{"border.qgz": "newer"})
    assert (tmp_path / "border.qgz.yours").read_text() == "edited"
    assert (tmp_path / "border.qgz.yours-2").read_text() == "edited again"


def test_a_file_of_the_user_in_the_way_is_kept_beside(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "map.html").write_text("mine")
    (tmp_path / "tables").write_text("a file where a folder goes")
    with pytest.raises(OutputError, match="move it"):
        write(tmp_path, **{"tables/a.csv": "1"})
    (tmp_path / "tables").unlink()
    write(tmp_path, **{"map.html": "new"})
    assert (tmp_path / "map.html.yours").read_text() == "mine"


def test_an_error_leaves_all_as_it_was(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt), fresh_folder(out, "run.json"):
        raise KeyboardInterrupt
    assert not out.exists()
    write(out, a="old")
    with pytest.raises(KeyboardInterrupt), fresh_folder(out, "run.json") as folder:
        (folder / "a").write_text("new")
        raise KeyboardInterrupt
    assert (out / "a").read_text() == "old"
    assert names(out) == {"run.json", "a"}


@pytest.mark.parametrize(
    "content", ['{"files": {"../study.toml": "", "run.json": ""}}', '{"files": []}', "[]", "{", '{"files": {"a": "b"}}']
)
def test_a_folder_that_is_not_ours_is_refused(tmp_path: Path, content: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "run.json").write_text("{}")
    with pytest.raises(OutputError, match="other things"):
        write(out)
    (out / MANIFEST).write_text(content)
    with pytest.raises(OutputError, match="other things"):
        write(out)
    assert (out / "run.json").read_text() == "{}"


def test_links_and_mount_points_stay_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real")
    write(link, a="1")
    write(link, a="2")
    assert link.is_symlink()
    assert (tmp_path / "real" / "a").read_text() == "2"
