"""Values as plain words and arrays, and the same values of them again: types, layout in memory and all.

What is not known is refused, and nothing is executed when a parcel is opened: it holds no code.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from hashlib import sha256
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

HOUSE = ("layers", "network", "analysis", "maps", "gis")
"""Packages whose dataclasses a parcel may hold."""
PLAIN = (bool, int, float, str, type(None))
Arrays = list["NDArray[Any]"]
Shorten = Callable[[Any], str | None]


@dataclass(frozen=True)
class Parcel:
    """A value taken apart: a tree of words, as JSON has them, and the arrays that it names by number."""

    tree: Any
    arrays: Arrays

    @property
    def size(self) -> int:
        """Bytes of its arrays."""
        return sum(a.nbytes for a in self.arrays)

    def words(self) -> bytes:
        """Return the tree with kind and shape of each array."""
        known = [[a.dtype.str, list(a.shape)] for a in self.arrays]
        return json.dumps([self.tree, known], separators=(",", ":")).encode()

    def digest(self) -> str:
        """Return what names this content."""
        whole = sha256(self.words())
        for array in self.arrays:
            whole.update(array.reshape(-1).view(np.uint8).data)
        return whole.hexdigest()


class Packer:
    """Takes values apart, each kind in its own way, and collects their arrays."""

    def __init__(self, arrays: Arrays, shorten: Shorten | None) -> None:
        self.arrays, self.shorten = arrays, shorten

    def node(self, value: Any) -> Any:
        """Return the words of a value."""
        kind = type(value)
        if kind in PLAIN:
            return ["v", value]
        if kind in (tuple, list):
            return [kind.__name__, [self.node(v) for v in value]]
        if isinstance(value, Mapping) and kind.__name__ in ("dict", "mappingproxy"):
            return ["dict", [[self.node(k), self.node(v)] for k, v in value.items()]]
        if kind in (set, frozenset):
            return [kind.__name__, sorted((self.node(v) for v in value), key=json.dumps)]
        if isinstance(value, np.ndarray):
            return self.array(value)
        if isinstance(value, np.generic):
            return ["scalar", self.add(np.asarray(value))]
        if isinstance(value, csr_array):
            return ["csr", [self.node(p) for p in (value.data, value.indices, value.indptr, tuple(value.shape))]]
        if is_dataclass(value) and kind.__module__.partition(".")[0] in HOUSE:
            return self.of_ours(value)
        return self.further(value)

    def further(self, value: Any) -> Any:
        """Return the words of a value of another kind, where a packer knows more."""
        raise refused(value)

    def shapes(self, _: NDArray[Any], /) -> Any:
        """Return the words of a row of objects that are no texts, in one column, or nothing."""
        return None

    def of_ours(self, value: Any) -> Any:
        """Return the words of a dataclass of ours: its short name where it has one."""
        short = self.shorten(value) if self.shorten else None
        name = f"{type(value).__module__}:{type(value).__qualname__}"
        if short is not None:
            return ["known", name, short]
        return ["ours", name, [[f.name, self.node(getattr(value, f.name))] for f in fields(value)]]

    def add(self, array: NDArray[Any]) -> int:
        """Keep an array that lies in one piece and return its number."""
        self.arrays.append(array)
        return len(self.arrays) - 1

    def array(self, value: NDArray[Any]) -> Any:
        """Return the words of an array: sums of rows hang on the order of its axes in memory, which stays."""
        if (
            type(value) is not np.ndarray
            or value.dtype.kind not in "biufcSUmMO"
            or value.dtype.hasobject != (value.dtype.kind == "O")
        ):
            raise refused(value)
        if value.dtype.kind == "O":
            return ["objects", list(value.shape), self.objects(value.reshape(-1))]
        order = np.argsort([-abs(s) for s in value.strides], kind="stable").tolist()
        return ["array", self.add(np.ascontiguousarray(value.transpose(order))), np.argsort(order).tolist()]

    def objects(self, flat: NDArray[Any]) -> Any:
        """Return the words of a row of objects: texts and geometries in whole columns, anything else one by one."""
        if set(map(type, flat)) == {str}:
            return self.texts(flat)
        return self.shapes(flat) or ["each", [self.node(v) for v in flat]]

    def texts(self, flat: NDArray[Any]) -> Any:
        """Return the words of a row of texts: each once, and which stands where."""
        place: dict[str, int] = {}
        codes = np.fromiter((place.setdefault(t, len(place)) for t in flat), np.int32, len(flat))
        return ["texts", list(place), self.add(codes)]


class Opener:
    """Puts values together again from their words and arrays."""

    def __init__(self, arrays: Arrays) -> None:
        self.arrays = arrays

    def open(self, node: Any) -> Any:
        """Return the value of a node."""
        kind, body = node[0], node[1]
        if kind == "v":
            return body
        if kind == "array":
            return self.arrays[body].transpose(node[2])
        if kind in ("tuple", "list", "set", "frozenset"):
            values = [self.open(n) for n in body]
            return values if kind == "list" else {"tuple": tuple, "set": set, "frozenset": frozenset}[kind](values)
        if kind == "dict":
            return {self.open(k): self.open(v) for k, v in body}
        if kind == "scalar":
            return self.arrays[body][()]
        if kind == "csr":
            data, indices, indptr, shape = (self.open(n) for n in body)
            return csr_array((data, indices, indptr), shape=shape)
        if kind == "objects":
            return self.objects(node[2]).reshape(body)
        if kind == "ours":
            return _class(body)(**{name: self.open(n) for name, n in node[2]})
        return self.further(node)

    def further(self, node: Any) -> Any:
        """Return the value of a node of another kind, where an opener knows more."""
        raise ValueError(f"a parcel of an unknown kind {node[0]!r}")

    def objects(self, node: Any) -> NDArray[Any]:
        """Return a row of objects."""
        kind, body = node[0], node[1]
        if kind == "texts":
            return np.asarray(np.asarray([*body, ""], object)[:-1][self.arrays[node[2]]], object)
        if kind != "each":
            return np.asarray(self.further(node), object)
        out = np.empty(len(body), object)
        out[:] = [self.open(n) for n in body] if body else []
        return out


def _class(name: str) -> Any:
    """Return a dataclass of ours by its name."""
    module, _, qualified = name.partition(":")
    if module.partition(".")[0] not in HOUSE:
        raise ValueError(f"{name} is none of ours")
    found: Any = import_module(module)
    for part in qualified.split("."):
        found = getattr(found, part)
    if not (isinstance(found, type) and is_dataclass(found)):
        raise ValueError(f"{name} is no dataclass")
    return found


def refused(value: Any) -> TypeError:
    """Return the error of a value that no parcel holds."""
    return TypeError(
        f"a {type(value).__module__}.{type(value).__qualname__} can't be kept: allowed are numbers, texts, lists, "
        "arrays, tables, geometries and dataclasses of ours"
    )
