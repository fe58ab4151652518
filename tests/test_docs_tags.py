"""The tables of tags in docs/data.md are those of the code."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_page_is_current() -> None:
    spec = importlib.util.spec_from_file_location("docs_tags", ROOT / "docs" / "tags.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = module.PAGE.read_text(encoding="utf-8")
    assert module.written(page) == page, "run python docs/tags.py"
