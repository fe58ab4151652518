"""Calls the program ``borderlink``: progress by its JSON lines, and an end when the user cancels."""

import json
import os
import queue
import shutil
import subprocess
import threading
from pathlib import Path

from qgis.core import QgsProcessingException

PLACE = Path(__file__).with_name("executable.json")
"""The command that ``borderlink qgis-plugin --install`` left: a list of words."""
WAIT_S, END_S = 0.2, 20
FOREIGN = (
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "LD_LIBRARY_PATH",
    "GDAL_DATA",
    "PROJ_LIB",
    "PROJ_DATA",
    "GDAL_DRIVER_PATH",
)
"""Variables of QGIS's own Python and libraries, which would break another one."""


def command():
    """Return the words that start borderlink."""
    if os.environ.get("BORDERLINK"):
        return [os.environ["BORDERLINK"]]
    if PLACE.is_file():
        words = json.loads(PLACE.read_text(encoding="utf-8"))
        if words and (shutil.which(words[0]) or Path(words[0]).is_file()):
            return words
    found = shutil.which("borderlink")
    if found is None:
        raise QgsProcessingException(
            "The program borderlink is not found: install it beside QGIS (pipx install borderlink), then call "
            "borderlink qgis-plugin --install, or set the variable BORDERLINK to its path."
        )
    return [found]


def environment():
    """Return the variables of the program: ours without those of QGIS's Python."""
    return {k: v for k, v in os.environ.items() if k not in FOREIGN} | {"PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1"}


def has_command(name):
    """Return whether the installed borderlink has a command."""
    done = subprocess.run([*command(), name, "--help"], env=environment(), capture_output=True, check=False)
    return done.returncode == 0


def call(arguments, feedback):
    """Call borderlink and return what it prints.

    Its stages move the bar, a cancel ends it and leaves nothing half-written.
    """
    words = [*command(), "--json-progress", *arguments]
    feedback.pushCommandInfo(subprocess.list2cmdline(words))
    options = {"creationflags": subprocess.CREATE_NO_WINDOW} if os.name == "nt" else {}
    process = subprocess.Popen(
        words,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        **options,
    )
    lines, printed, messages = queue.Queue(), [], []
    readers = [
        threading.Thread(target=_read, args=(process.stderr, lines.put), daemon=True),
        threading.Thread(target=_read, args=(process.stdout, printed.append), daemon=True),
    ]
    for reader in readers:
        reader.start()
    while process.poll() is None or not lines.empty() or readers[0].is_alive():
        if feedback.isCanceled():
            _end(process)
            raise QgsProcessingException("Cancelled: nothing was written.")
        try:
            _tell(lines.get(timeout=WAIT_S), feedback, messages)
        except queue.Empty:
            continue
    for reader in readers:
        reader.join()
    if process.returncode:
        raise QgsProcessingException("\n".join(messages[-12:]) or f"borderlink ended with {process.returncode}")
    for line in printed:
        feedback.pushInfo(line)
    return printed


def _read(stream, take):
    for line in stream:
        take(line.rstrip())


def _tell(line, feedback, messages):
    """Show a line: a stage as progress, anything else as a message."""
    try:
        stage = json.loads(line)
    except ValueError:
        stage = None
    if isinstance(stage, dict) and "stage" in stage:
        feedback.setProgressText(str(stage["stage"]))
        if stage.get("of"):
            feedback.setProgress(100.0 * min(stage["number"] / stage["of"], 1.0))
    elif line:
        messages.append(line)
        feedback.pushInfo(line)


def _end(process):
    """End the program as Ctrl-C would: it takes back what it began to write."""
    process.terminate()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
