"""Layers, studies and extracts that are damaged at random: each is read, or refused by one message."""

from __future__ import annotations

import os
import random
import resource
import signal
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from gis.study import load_study
from layers.errors import BorderlinkError
from layers.io import Source, read_layer
from tests.borders import random_land

LONGEST_S = 60
"""A file that takes longer counts as a hang."""
READ, REFUSED, BUG = 0, 2, 3
KINDS = ("gpkg", "geojson", "parquet", "fgb", "shp", "csv")
LAYERS = ("roads", "settlements", "checkpoints", "regions")
STUDY = """sides = ["{a}", "{b}"]
title = "A border"
[layers]
roads = {{ path = "roads.gpkg", columns = {{ kind = "class" }}, values = {{ kind = {{ "x" = "trunk" }} }} }}
[speeds]
trunk = 80
[waits]
road = 60.5
[network]
depth_km = 300
winter = true
[analysis]
h3_resolution = 4
decay = {{ name = "cumulative", limit_min = 120 }}
[reach]
within_min = [60, 120]
layers = {{ hospital = "hospitals.gpkg" }}
[index]
weights = {{ a = 1.0 }}
[types]
names = {{ high-high = "core" }}
"""
WORDS = (
    "nan",
    "-inf",
    "true",
    "9" * 5000,
    "-1",
    "1e400",
    "''",
    "[]",
    "{}",
    "[[[[]]]]",
    '"\\u0000"',
    '"\\ud800"',
    "0x7fffffffffffffffff",
    "1979-05-27",
    '"' + "x" * 5000 + '"',
    "= =",
    "\n[waits]\n",
    "\ufeff",
    "\x00",
    "[" * 2000,
)


def attack_layers(folder: Path, *, seed: int = 1, count: int = 600) -> dict[str, object]:
    """Return how many damaged files were read and refused, the most memory and the longest time.

    Raises
    ------
    AssertionError
        A file ended the process, took for ever, or came through as another error than ours.
    """
    draw = random.Random(seed)
    models = list(_models(folder))
    tally: Counter[str] = Counter()
    longest = 0.0
    for number in range(count):
        name, model = models[number % len(models)]
        path = folder / f"damaged{model.suffix}"
        damaged = _damaged(model.read_bytes(), draw)
        path.write_bytes(damaged)
        if model.suffix == ".shp":
            for end in (".shx", ".dbf", ".prj"):
                path.with_suffix(end).write_bytes(model.with_suffix(end).read_bytes())
        began = time.monotonic()
        code, said = in_child(lambda path=path, name=name: read_layer(name, Source(str(path))))
        longest = max(longest, time.monotonic() - began)
        assert code in (READ, REFUSED), f"{model.name}, number {number} of seed {seed}, ends with {code}: {said}"
        tally["refused" if code else "read"] += 1
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {"files": count, **tally, "most_memory_mb": round(most), "longest_s": round(longest, 2)}


def attack_studies(folder: Path, *, seed: int = 1, count: int = 1000) -> dict[str, object]:
    """Return how many damaged studies were taken and refused; raise AssertionError as `attack_layers` does."""
    draw = random.Random(seed)
    text = STUDY.format(a="RU", b="KZ")
    tally: Counter[str] = Counter()
    longest = 0.0
    for number in range(count):
        path = folder / "study.toml"
        path.write_text(_spoilt(text, draw), encoding="utf-8", errors="surrogatepass")
        began = time.monotonic()
        try:
            load_study(path)
            tally["taken"] += 1
        except BorderlinkError as error:
            tally["refused"] += 1
            assert len(str(error)) < 20_000, f"number {number} of seed {seed}: a message of {len(str(error))} letters"
        longest = max(longest, time.monotonic() - began)
    return {"studies": count, **tally, "longest_s": round(longest, 2)}


def in_child(work: Callable[[], object]) -> tuple[int, str]:
    """Do something in a process of its own; return its exit code, negative for a signal, and what it said."""
    read, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        signal.alarm(LONGEST_S)
        code, said = BUG, ""
        try:
            warnings.simplefilter("ignore")
            work()
            code = READ
        except BorderlinkError as error:
            code, said = REFUSED, str(error)
        except BaseException:
            said = traceback.format_exc()
        os.write(told, said.encode("utf-8", "replace")[-3000:])
        os._exit(code)
    os.close(told)
    with os.fdopen(read, "rb") as file:
        said = file.read().decode("utf-8", "replace")
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


def _models(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield layers that are whole, in every format."""
    land = random_land(3)
    for kind in KINDS:
        for name in LAYERS:
            frame = getattr(land, name)
            frame = frame[[c for c in frame if c != "names"]]
            path = folder / f"{name}.{kind}"
            if kind == "parquet":
                frame.to_parquet(path)
            elif kind == "csv":
                frame.assign(wkt=frame.geometry.to_wkt()).drop(columns="geometry").to_csv(path, index=False)
            else:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # a shapefile shortens names
                    frame.to_file(path)
            yield name, path


def _damaged(raw: bytes, draw: random.Random) -> bytes:
    """Return a file with bytes flipped, cut, zeroed, doubled or exchanged."""
    out = bytearray(raw)
    for _ in range(draw.choice((1, 1, 3, 30))):
        if not out:
            break
        at = draw.randrange(len(out)) if draw.random() < 0.7 else draw.randrange(min(len(out), 400))
        way = draw.randrange(6)
        size = min(draw.choice((1, 4, 64, 4096)), len(out) - at)
        if way <= 1:
            out[at] ^= 1 << draw.randrange(8)
        elif way == 2:
            out[at : at + size] = draw.randbytes(size)
        elif way == 3:
            out[at : at + size] = bytes(size)
        elif way == 4:
            out[at:at] = out[at : at + size]
        elif draw.random() < 0.3:
            del out[at:]
        else:
            out[at : at + 4] = draw.choice((b"\xff\xff\xff\xff", b"\0\0\0\x80", b"nan,", b'"', b"1e99"))
    return bytes(out)


def _spoilt(text: str, draw: random.Random) -> str:
    """Return a study with values exchanged, lines doubled or lost, and letters that do not belong there."""
    lines = text.splitlines()
    for _ in range(draw.choice((1, 1, 2, 5))):
        at = draw.randrange(len(lines))
        head, equals, _ = lines[at].partition(" = ")
        way = draw.randrange(5)
        if way <= 1 and equals:
            lines[at] = f"{head} = {draw.choice(WORDS)}"
        elif way == 2:
            lines.insert(draw.randrange(len(lines)), lines[at])
        elif way == 3:
            cut = draw.randrange(len(lines[at]) + 1)
            lines[at] = lines[at][:cut] + draw.choice(WORDS) + lines[at][cut:]
        elif len(lines) > 2:
            del lines[at]
    return "\n".join(lines) + "\n"
