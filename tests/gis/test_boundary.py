"""Between the command and the terminal: one message, its cause on request, signals, warnings that nobody sees."""

from __future__ import annotations

import errno
import logging
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from gis.boundary import guarded
from layers.errors import LayerError
from tests.gis.conftest import ROOT


def ended(error: BaseException, capsys: pytest.CaptureFixture[str], *, debug: bool = False) -> tuple[object, str]:
    """Return exit code and message of a command that raises."""

    def command() -> None:
        raise error

    with pytest.raises(SystemExit) as stop:
        guarded(command, debug=debug)
    return stop.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            LayerError("two\nlines \x1b[31m of https://me:secret@example.org"),
            "borderlink: two lines  [31m of https://***@example.org",
        ),
        (RecursionError(), "nested too deeply"),
        (MemoryError(), "memory"),
        (OSError(errno.ENOSPC, "No space left on device"), "the answer can't be printed: No space left"),
        (OSError(errno.ENOSPC, "No space left on device", "/tmp/x"), "/tmp/x can't be written: No space left"),
    ],
)
def test_one_message(error: Exception, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = ended(error, capsys)
    assert code == 2
    assert said in text
    assert text.count("\n") == 1


def test_the_cause_on_request_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    error = LayerError("a.gpkg can't be read")
    error.__cause__ = ValueError("postgresql://me:secret@host/db")
    code, text = ended(error, capsys, debug=True)
    assert code == 2
    assert "ValueError: postgresql://me:***@host/db" in text
    assert "Traceback" in text


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        guarded(lambda: 1 / 0, debug=False)
    with pytest.raises(FileNotFoundError):
        guarded(lambda: Path("/nowhere/at/all").stat(), debug=False)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_request_to_end_is_an_end_in_order() -> None:
    done = []

    def command() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            done.append("cleaned up")

    with pytest.raises(SystemExit) as stop:
        guarded(command, debug=False)
    assert stop.value.code == 143
    assert done == ["cleaned up"]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


LOST = """
import os, signal, sys, time
from gis.boundary import guarded
class Gone:
    def __del__(self):
        os.kill(os.getpid(), signal.{name})
        time.sleep(0)
def command():
    Gone()
    time.sleep(60)
guarded(command, debug=False)
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no interval timers")
@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGINT", -signal.SIGINT)])
def test_a_signal_that_is_lost_on_the_way_comes_again(name: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOST.format(name=name)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert "Exception ignored" in done.stderr
    assert done.returncode == code


def test_libraries_say_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("a library's worry", stacklevel=1)
        logging.getLogger("pyogrio._io").warning("another")

    guarded(command, debug=False)
    assert capsys.readouterr().err == ""
