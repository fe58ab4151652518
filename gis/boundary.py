"""What stands between the command and the terminal: errors, signals, warnings of libraries, a pipe that ends early."""

from __future__ import annotations

import atexit
import locale
import logging
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from layers.errors import BorderlinkError
from layers.folders.boundary import FULL
from layers.secrets import masked

AGAIN_S = 0.5
"""Seconds after which a signal that had no effect is raised again."""
USER_ERROR = 2
"""Exit code of what a user can cause."""


def guarded(command: Callable[[], object], *, debug: bool) -> None:
    """Do a command: what a user can cause is one message and exit code 2, anything else a bug with its traceback.

    Parameters
    ----------
    debug
        Show the cause of a message too, and what libraries warn of.

    Notes
    -----
    SIGTERM ends a run as Ctrl-C does: nothing half-written is left. Its exit code is 143, as a shell has it.
    """
    # GEOS reads and writes letters by the locale: in a Turkish one LINESTRING is LiNESTRiNG, which no other program
    # knows.
    with suppress(locale.Error):
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    with _stopped_by_signals(), _silent_libraries(debug):
        try:
            command()
            _flush()
        except BorderlinkError as error:
            _end(str(error), error, debug)
        except ImportError as error:
            if "borderlink" not in str(error):
                raise
            _end(str(error), error, debug)
        except BrokenPipeError as error:
            _to_nowhere(sys.stdout)
            _end("nobody reads what is printed", error, debug)
        except OSError as error:
            if error.filename is not None and error.errno in FULL:
                _end(
                    f"{error.filename} can't be written: {error.strerror}; free some space, or set TMPDIR", error, debug
                )
            # The system names the file of every error but that of printing.
            if error.filename is not None or error.errno is None:
                raise
            _to_nowhere(sys.stdout)
            _end(f"the answer can't be printed: {error.strerror or error}", error, debug)
        except RecursionError as error:
            _end("an input is nested too deeply: allowed are plain tables, geometries and settings", error, debug)
        except MemoryError as error:
            _end(
                "the memory does not suffice: allowed is a smaller study (network.depth_km, h3_resolution)",
                error,
                debug,
            )


def leave(command: Callable[[], object]) -> NoReturn:
    """Do a command and end the process with its exit code at once, once all that was registered for the end is done.

    Python would first take apart all that the libraries have built, which takes as long as a short answer, or Ctrl-C,
    may take.
    """
    code: object = 0
    try:
        command()
    except SystemExit as stop:
        code = stop.code
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    if isinstance(code, str):
        sys.stderr.write(f"{code}\n")
        code = 1
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code if isinstance(code, int) else 0)


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """End in order when the system or the user asks to: what was begun is taken back or finished on the way out.

    What a signal raises may be lost: raised in a callback of a C library or while an object goes, Python can only print
    it. So it is raised again until it is on its way out (`on_the_way_out`).
    """

    def stop(number: int, _: object) -> NoReturn:
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, lambda *_: stop(number, None))
            signal.setitimer(signal.ITIMER_REAL, AGAIN_S)
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        on_the_way_out()
        for number, handler in former.items():
            signal.signal(number, handler)


def on_the_way_out() -> None:
    """Raise what a signal asked for no more: it has arrived, and what is cleared up now must not be disturbed."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextmanager
def _silent_libraries(debug: bool) -> Iterator[None]:
    """Keep warnings of libraries from the terminal; filters stay as they are, so that tests still fail on them."""
    shown, root, quiet = warnings.showwarning, logging.getLogger(), logging.NullHandler()
    if not debug:
        warnings.showwarning = _unseen
        root.addHandler(quiet)
    try:
        yield
    finally:
        warnings.showwarning = shown
        root.removeHandler(quiet)


def _unseen(*warning: Any, **more: Any) -> None:
    """Show nothing."""


def _end(message: str, error: BaseException, debug: bool) -> NoReturn:
    """Print one message and leave."""
    with suppress(OSError):
        if debug:
            sys.stderr.write(masked("".join(traceback.format_exception(error))))
        # One line, whatever the text of others in it: a terminal obeys control characters.
        plain = "".join(c if c.isprintable() else " " for c in masked(message))
        text = f"borderlink: {plain}\n"
        encoding = sys.stderr.encoding or "utf-8"
        sys.stderr.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stderr.flush()
    raise SystemExit(USER_ERROR)


def _flush() -> None:
    """Print what is left, while an error can still be told."""
    if sys.stdout is not None:
        sys.stdout.flush()


def _to_nowhere(stream: Any) -> None:
    """Let what still waits to be printed go nowhere, for Python prints it when it ends."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
