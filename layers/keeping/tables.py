"""Tables, their columns and geometries in parcels, beside what `layers.keeping.parcels` knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from geopandas.array import GeometryArray, from_shapely
from pyproj import CRS

from layers.keeping.parcels import Opener, Packer, Parcel, refused

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from layers.keeping.parcels import Shorten

MASKED: dict[str, Any] = {
    "IntegerArray": pd.arrays.IntegerArray,
    "FloatingArray": pd.arrays.FloatingArray,
    "BooleanArray": pd.arrays.BooleanArray,
}
GONE = -1
"""Length of the geometry that is none."""


def pack(value: Any, *, shorten: Shorten | None = None) -> Parcel:
    """Return a value taken apart.

    Parameters
    ----------
    shorten
        Gives a name to a dataclass that stands for its content, or None. A parcel that holds one is good for a digest
        alone.

    Raises
    ------
    TypeError
        The value holds something that no parcel has: allowed are numbers, texts, lists, arrays, tables, geometries and
        dataclasses of ours.
    """
    packer = _TablePacker([], shorten)
    return Parcel(packer.node(value), packer.arrays)


def unpack(parcel: Parcel) -> Any:
    """Return the value of a parcel; its arrays are taken, not copied, where that can be."""
    return _TableOpener(parcel.arrays).open(parcel.tree)


class _TablePacker(Packer):
    """Takes tables and geometries apart too."""

    def further(self, value: Any) -> Any:
        """Return the words of a table, a column, an index, a geometry or a projection."""
        kind = type(value)
        if kind in (pd.DataFrame, gpd.GeoDataFrame):
            columns = [self.column(value.iloc[:, k]) for k in range(value.shape[1])]
            geometry = value._geometry_column_name if kind is gpd.GeoDataFrame else None
            parts = [self.node(value.index), self.node(value.columns), self.node(dict(value.attrs))]
            return ["frame", columns, parts, kind.__name__, self.node(geometry)]
        if kind in (pd.Series, gpd.GeoSeries):
            return ["series", self.column(value), [self.node(value.index), self.node(value.name)]]
        if isinstance(value, pd.Index):
            return self.index(value)
        if isinstance(value, pd.api.extensions.ExtensionArray):
            return ["column", self.column(value)]
        if isinstance(value, CRS):
            # One that was read from a file is another text, and the same projection.
            return ["crs", value.srs if self.shorten is None else value.to_json()]
        if isinstance(value, shapely.Geometry):
            one = np.empty(1, object)
            one[0] = value
            return ["shape", self.shapes(one)]
        raise refused(value)

    def column(self, values: Any) -> Any:
        """Return the words of a column of a table, or of what an index holds."""
        dtype = values.dtype
        if isinstance(dtype, np.dtype):
            return ["plain", self.node(np.asarray(values))]
        array = getattr(values, "array", values)
        if isinstance(array, GeometryArray):
            return ["geometry", self.objects(np.asarray(array, object)), self.node(array.crs)]
        if isinstance(dtype, pd.StringDtype):
            codes, known = pd.factorize(array)
            kept = [dtype.storage, dtype.na_value is pd.NA]
            return ["string", [str(v) for v in known], self.add(np.asarray(codes, np.int32)), kept]
        if isinstance(dtype, pd.CategoricalDtype):
            codes = np.ascontiguousarray(array.codes)
            return ["categories", self.add(codes), self.node(dtype.categories), dtype.ordered]
        if type(array).__name__ in MASKED:
            return ["masked", self.node(array._data), self.node(array._mask), type(array).__name__]
        raise refused(array)

    def index(self, index: Any) -> Any:
        """Return the words of an index."""
        kind = type(index)
        if kind is pd.RangeIndex:
            return ["range", [index.start, index.stop, index.step], self.node(index.name)]
        if kind is pd.MultiIndex:
            levels = [self.node(level) for level in index.levels]
            codes = [self.node(np.asarray(part)) for part in index.codes]
            return ["multi", levels, codes, self.node(list(index.names))]
        if kind not in (pd.Index, pd.CategoricalIndex):
            raise refused(index)
        return ["index", self.column(index), self.node(index.name)]

    def shapes(self, flat: NDArray[Any], /) -> Any:
        """Return the words of a row of geometries, None among them; nothing of one with others, or without any."""
        shape, gone = shapely.is_geometry(flat), shapely.is_missing(flat)
        if not shape.any() or not (shape | gone).all():
            return None
        parts = pa.array(shapely.to_wkb(flat, include_srid=True), pa.large_binary())
        _, ends, whole = parts.buffers()
        ends = np.frombuffer(ends, np.int64, len(flat) + 1)
        whole = np.frombuffer(whole, np.uint8, int(ends[-1])) if ends[-1] else np.empty(0, np.uint8)
        return ["shapes", self.add(whole), self.add(np.where(gone, GONE, np.diff(ends)))]


class _TableOpener(Opener):
    """Puts tables and geometries together again too."""

    def further(self, node: Any) -> Any:
        """Return the value of a node that the packer made."""
        kind = node[0]
        if kind == "frame":
            return self.frame(node)
        if kind == "series":
            index, name = (self.open(n) for n in node[2])
            values = self.column(node[1])
            if isinstance(values, GeometryArray):
                return gpd.GeoSeries(values, index=index, name=name)
            return pd.Series(values, index=index, name=name, dtype=values.dtype)
        if kind == "range":
            start, stop, step = node[1]
            return pd.RangeIndex(start, stop, step, name=self.open(node[2]))
        if kind == "index":
            values = self.column(node[1])
            return pd.Index(values, dtype=values.dtype, name=self.open(node[2]), tupleize_cols=False)
        if kind == "multi":
            levels, codes = ([self.open(n) for n in part] for part in node[1:3])
            return pd.MultiIndex(levels=levels, codes=codes, names=self.open(node[3]), verify_integrity=False)
        if kind == "column":
            return self.column(node[1])
        if kind == "crs":
            return CRS.from_user_input(node[1])
        if kind == "shape":
            return self.shapes(node[1])[0]
        if kind == "shapes":
            return self.shapes(node)
        return super().further(node)

    def frame(self, node: Any) -> pd.DataFrame:
        """Return a table: its columns of one type lie together, whatever it was put together from."""
        index, columns, attrs = (self.open(n) for n in node[2])
        values = {k: self.column(n) for k, n in enumerate(node[1])}
        # A table makes texts of objects by itself.
        values = {
            k: pd.Series(v, index=index, dtype=object) if isinstance(v, np.ndarray) and v.dtype == object else v
            for k, v in values.items()
        }
        out = pd.DataFrame(values, index=index, columns=None if values else columns)
        out.columns = columns
        out.attrs.update(attrs)
        if node[3] == "DataFrame":
            return out
        geo = gpd.GeoDataFrame(out)
        geo._geometry_column_name = self.open(node[4])
        return cast("pd.DataFrame", geo)

    def column(self, node: Any) -> Any:
        """Return a column of a table."""
        kind = node[0]
        if kind == "plain":
            return self.open(node[1])
        if kind == "geometry":
            return from_shapely(self.objects(node[1]), crs=self.open(node[2]))
        if kind == "string":
            storage, is_na = node[3]
            missing: Any = pd.NA if is_na else np.nan
            values = np.asarray([*node[1], missing], object)[self.arrays[node[2]]]
            return pd.array(values, dtype=pd.StringDtype(storage=storage, na_value=missing))
        if kind == "categories":
            dtype = pd.CategoricalDtype(self.open(node[2]), ordered=node[3])
            return pd.Categorical.from_codes(self.arrays[node[1]], dtype=dtype)
        if kind == "masked":
            return MASKED[node[3]](self.open(node[1]), self.open(node[2]))
        raise ValueError(f"a column of an unknown kind {kind!r}")

    def shapes(self, node: Any) -> NDArray[Any]:
        """Return a row of geometries."""
        whole, lengths = (self.arrays[k] for k in node[1:])
        ends = np.concatenate([[0], np.cumsum(np.maximum(lengths, 0))]).astype(np.int64)
        buffers = [None, pa.py_buffer(ends), pa.py_buffer(np.ascontiguousarray(whole))]
        parts = pa.Array.from_buffers(pa.large_binary(), len(lengths), buffers).to_numpy(zero_copy_only=False)
        parts[lengths == GONE] = None
        return np.asarray(shapely.from_wkb(parts), object)
