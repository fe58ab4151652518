"""A run multiplies matrices by one thread, whoever starts it and whatever was loaded before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
from threadpoolctl import threadpool_info, threadpool_limits

from gis import pipeline
from gis.results import Result
from layers.threads import by_one_thread


def threads() -> set[int]:
    """Return how many threads the libraries of matrices would take."""
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_inside_there_is_one_and_outside_as_many_as_before() -> None:
    assert scipy.linalg.inv(np.eye(2)).shape == (2, 2)
    with threadpool_limits(2):
        if threads() != {2}:
            pytest.skip("the libraries of this machine take one thread alone")
        assert by_one_thread(threads)() == {1}
        assert threads() == {2}
        with pytest.raises(ZeroDivisionError):
            by_one_thread(lambda: 1 / 0)()
        assert threads() == {2}


class Seen(Exception):
    """How many threads there are where a computation would begin."""


def look(*_: object, **__: object) -> None:
    raise Seen(threads())


@pytest.mark.parametrize("name", ["solve", "run", "run_scenario", "run_sites"])
def test_whatever_computes_a_study_takes_one(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "take_or_build", look)
    options = {} if name == "solve" else {"out": tmp_path / "out"}
    with threadpool_limits(2), pytest.raises(Seen) as seen:
        getattr(pipeline, name)(None, **options)
    assert seen.value.args[0] == {1}


def test_so_does_what_writes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gis.results.speaking", look)
    with threadpool_limits(2), pytest.raises(Seen) as seen:
        Result.write_into(object.__new__(Result), tmp_path)
    assert seen.value.args[0] == {1}
