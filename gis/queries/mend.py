"""A study that is refused for its keys, mended.

The line that has another name now, or a slip of the pen, is rewritten.
"""

from __future__ import annotations

import re
import tomllib
from difflib import get_close_matches
from typing import TYPE_CHECKING

from pydantic import ValidationError

from gis.study import Study, allowed_keys
from layers.errors import StudyError
from layers.folders.single import write_new

if TYPE_CHECKING:
    from pathlib import Path

MOST = 50
"""Lines that are mended at the most."""
KEPT = ".before"
"""What is added to the name of the study as it was."""


def mend_study(path: Path) -> list[str]:
    """Rewrite the lines of a study whose keys are unknown and near to one that is known; return what was changed.

    The study as it was stays beside it as ``name.before``. Nothing is written where nothing is changed.

    Raises
    ------
    StudyError
        The file can't be read, or is no TOML.
    OutputError
        A former ``name.before`` is there.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        mended, changes = mended_text(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise StudyError(f"the study {path} can't be mended: {error}") from error
    if changes:
        write_new(path.with_name(path.name + KEPT), text)
        path.write_text(mended, encoding="utf-8", newline="\n")
    return changes


def mended_text(text: str) -> tuple[str, list[str]]:
    r"""Return the text of a study with unknown keys renamed to the nearest known ones, and a line on each.

    Examples
    --------
    >>> text, changes = mended_text('sides = ["RU", "KZ"]\n[analysis]\nseeds = 2\n')
    >>> text.splitlines()[-1], changes
    ('seed = 2', ['line 3: seeds is seed now'])
    """
    changes: list[str] = []
    for _ in range(MOST):
        found = _first_slip(text)
        if found is None:
            break
        line, old, new = found
        lines = text.splitlines(keepends=True)
        lines[line] = re.sub(rf"\b{re.escape(old)}\b", new, lines[line], count=1)
        text = "".join(lines)
        changes.append(f"line {line + 1}: {old} is {new} now")
    return text, changes


def _first_slip(text: str) -> tuple[int, str, str] | None:
    """Return the number of a line, the key that is unknown in it, and the one that is near.

    None where there is none.
    """
    try:
        Study.model_validate(tomllib.loads(text))
    except ValidationError as error:
        for problem in error.errors():
            path = [str(part) for part in problem["loc"]]
            if problem["type"] != "extra_forbidden":
                continue
            close = get_close_matches(path[-1], allowed_keys(path[:-1]), n=1)
            line = _line_of(text, path)
            if close and line is not None:
                return line, path[-1], close[0]
    return None


def _line_of(text: str, path: list[str]) -> int | None:
    """Return the number of the line that sets a key of a table, or that opens the table of that name."""
    table: list[str] = []
    for number, line in enumerate(text.splitlines()):
        header = re.match(r"\s*\[\s*([\w.\-]+)\s*\]", line)
        if header:
            table = header[1].split(".")
            if table == path:
                return number
        elif table == path[:-1] and re.match(rf"\s*{re.escape(path[-1])}\s*=", line):
            return number
    return None
