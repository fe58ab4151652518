"""The folder of kept results, and the one call that takes from it or computes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import ref

import numpy as np

from layers.keeping.parcels import Parcel
from layers.keeping.tables import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator

Value = TypeVar("Value")
ENDING = ".result"
MARK = b"borderlink result 1\n"
HEAD = len(MARK) + 32 + 8
"""Bytes before the words: the mark, the digest of all that follows it, the length of the words."""
ALIGN = 64
LEAST_S = 0.05
"""What is computed quicker is not kept: to read it would take as long."""
MOST_BYTES = 2_000_000_000
"""Results of one folder together: those that were not used for longest go first."""
STALE_S = 86_400.0
"""Age of a file that was never finished, from which on it is nobody's."""


@dataclass
class Keeper:
    """Where results of stages are kept and taken from, and how many were.

    Parameters
    ----------
    folder
        Made when something is first kept; the one above it must be there.
    salt
        Part of every key: what results hang on beside what their functions are given (code, libraries).
    fresh
        Nothing is taken, all is kept anew.
    """

    folder: Path
    salt: str
    fresh: bool = False
    taken: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    """Functions whose results of earlier were taken, and those that had to be called, in order."""
    own: set[str] = field(default_factory=set)
    """What was kept since the keeper was made: no result of earlier."""


_KEEPER: ContextVar[Keeper | None] = ContextVar("keeper", default=None)
_NAMES: dict[int, tuple[ref[Any], str]] = {}
"""Digests of dataclasses that were asked for once: the house never changes one."""


@contextmanager
def keeping(keeper: Keeper | None) -> Iterator[None]:
    """Keep results of what is done here, and take those that are there; None for neither."""
    token = _KEEPER.set(keeper)
    try:
        yield
    finally:
        _KEEPER.reset(token)
        if keeper is not None:
            with suppress(OSError):
                bound(keeper.folder)


def is_keeping() -> bool:
    """Return whether results are kept here: a shorter form of them is worth making."""
    return _KEEPER.get() is not None


def scratch_folder() -> Path | None:
    """Return where a process may lay down large files of its own: beside the results; None for the system's own place.

    That may be memory, where the cache is a disk.
    """
    keeper = _KEEPER.get()
    return keeper.folder if keeper is not None and keeper.folder.is_dir() else None


def kept(make: Callable[..., Value], *args: Any, **options: Any) -> Value:
    """Return ``make(*args, **options)``: as it is kept where it is, else made now and kept.

    Parameters
    ----------
    make
        A function of a module that hangs on nothing but what it is given: no clock, no file, no language.
    args, options
        What `layers.keeping.parcels.pack` knows; the key is the digest of their content.

    Notes
    -----
    What is made now is taken apart and put together as what is read would be, so that nothing that is computed of it
    can tell the two.

    Raises
    ------
    TypeError
        An argument or the result can't be kept.
    """
    return kept_as(f"{make.__module__}.{make.__qualname__}", [args, options], lambda: make(*args, **options))


def kept_as(name: str, content: Any, make: Callable[[], Value], *, least_s: float | None = None) -> Value:
    """Return what `make` does under a name and the digest of everything that it hangs on; see `kept`.

    Parameters
    ----------
    least_s
        What is made in fewer seconds is not kept; `LEAST_S` where None.
    """
    keeper = _KEEPER.get()
    if keeper is None:
        made: Value = unpack(pack(make()))
        return made
    key = key_of(name, content, salt=keeper.salt)
    path = keeper.folder / f"{key}{ENDING}"
    own = key in keeper.own
    if (own or not keeper.fresh) and (parcel := read(path)) is not None:
        if not own:
            keeper.taken.append(name)
        found: Value = unpack(parcel)
        return found
    start = time.perf_counter()
    parcel = pack(make())
    keeper.made.append(name)
    long = time.perf_counter() - start >= (LEAST_S if least_s is None else least_s)
    if long and parcel.size <= MOST_BYTES / 2:
        with suppress(OSError):  # no room, no right: nothing is kept
            write(path, parcel)
            keeper.own.add(key)
    value: Value = unpack(parcel)
    return value


def known_as(value: Any, name: str) -> None:
    """Let a name stand for the content of a dataclass in all keys: nobody looks through it again.

    Parameters
    ----------
    name
        The same for the same content, and for no other.
    """
    _keep_name(value, sha256(name.encode()).hexdigest())


def kept_each(
    name: str, content: Any, items: Sequence[Any], make: Callable[[Sequence[Any]], Sequence[Value]]
) -> list[Value]:
    """Return what `make` does of each of some items, each kept by itself; see `kept_as`.

    Parameters
    ----------
    content
        Everything that the results hang on beside their own item.
    make
        Called once, with those items whose results are not there; returns a result for each.

    Notes
    -----
    They count as one result: taken where all are.
    """
    keeper = _KEEPER.get()
    if keeper is None or not len(items):
        return [unpack(pack(made)) for made in make(items)] if len(items) else []
    shared = key_of(name, content, salt=keeper.salt)
    keys = [key_of(shared, item) for item in items]
    paths = [keeper.folder / f"{key}{ENDING}" for key in keys]
    found = [read(p) if k in keeper.own or not keeper.fresh else None for k, p in zip(keys, paths, strict=True)]
    missing = [n for n, parcel in enumerate(found) if parcel is None]
    for n, made in zip(missing, make([items[n] for n in missing]) if missing else (), strict=True):
        found[n] = parcel = pack(made)
        with suppress(OSError):  # no room, no right: nothing is kept
            write(paths[n], parcel)
            keeper.own.add(keys[n])
    if missing:
        keeper.made.append(name)
    elif not keeper.own.issuperset(keys):
        keeper.taken.append(name)
    return [unpack(parcel) for parcel in found if parcel is not None]


def key_of(*parts: Any, salt: str = "") -> str:
    """Return the digest of some content."""
    return pack([salt, *parts], shorten=_name).digest()[:40]


def _name(value: Any) -> str | None:
    """Return the digest of a dataclass, found once for each."""
    known = _NAMES.get(id(value))
    if known is not None and known[0]() is value:
        return known[1]
    if not type(value).__dataclass_params__.frozen:
        return None
    inner = {f: getattr(value, f) for f in type(value).__dataclass_fields__}
    digest = pack(inner, shorten=_name).digest()
    with suppress(TypeError):  # one with slots can't be watched
        _keep_name(value, digest)
    return digest


def _keep_name(value: Any, digest: str) -> None:
    """Remember what stands for the content of a dataclass while it is there."""
    key = id(value)
    _NAMES[key] = (ref(value, lambda _: _NAMES.pop(key, None)), digest)


def write(path: Path, parcel: Parcel) -> None:
    """Write a parcel beside its place and put it there whole; its folder is made, those above it must be there."""
    words = parcel.words()
    path.parent.mkdir(exist_ok=True)  # whose network was cleared meanwhile keeps nothing: nobody would count it
    new = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    try:
        with new.open("wb") as file:
            whole = sha256()
            file.write(b"\0" * (HEAD - 8))
            parts: list[bytes | memoryview[int]] = [len(words).to_bytes(8, "little"), words]
            parts.append(b"\0" * (-(HEAD + len(words)) % ALIGN))
            for array in parcel.arrays:
                parts += [array.reshape(-1).view(np.uint8).data, b"\0" * (-array.nbytes % ALIGN)]
            for part in parts:
                whole.update(part)
                file.write(part)
            file.seek(0)
            file.write(MARK + whole.digest())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def read(path: Path) -> Parcel | None:
    """Return a parcel as it was written; None where there is none, or another than was written."""
    try:
        data = np.fromfile(path, np.uint8)
    except OSError:
        return None
    try:
        head = data[:HEAD].tobytes()
        if head[: len(MARK)] != MARK or sha256(data[HEAD - 8 :].data).digest() != head[len(MARK) : HEAD - 8]:
            raise ValueError("not as it was written")
        length = int.from_bytes(head[HEAD - 8 :], "little")
        tree, known = json.loads(data[HEAD : HEAD + length].tobytes())
        at, arrays = HEAD + length + -(HEAD + length) % ALIGN, []
        for kind, shape in known:
            dtype = np.dtype(kind)
            size = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
            arrays.append(data[at : at + size].view(dtype).reshape(shape))
            at += size + -size % ALIGN
    except (ValueError, TypeError, KeyError):
        with suppress(OSError):
            path.unlink()
        return None
    with suppress(OSError):
        os.utime(path)
    return Parcel(tree, arrays)


def bound(folder: Path, most: int | None = None) -> None:
    """Delete what was not used for longest until a folder is within its bytes, and files that were never finished."""
    found, now = [], time.time()
    with os.scandir(folder) as entries:
        for entry in entries:
            about = entry.stat()
            found.append((about.st_mtime, about.st_size, entry.path, entry.name.endswith(ENDING)))
    total, limit = 0, MOST_BYTES if most is None else most
    for stamp, size, path, whole in sorted(found, reverse=True):
        total += size if whole else 0
        if (whole and total > limit) or (not whole and now - stamp > STALE_S):
            with suppress(OSError):
                Path(path).unlink()
