"""A built network on disk: GeoParquet tables that other tools read, and the compiled router.

Measured on a million directed edges (benchmarks/README.md): GeoParquet with WKB costs no more than GeoArrow's encoding
here, for making the geometries takes most of the time in either, and every reader of GeoParquet knows WKB.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError as ProjError
from scipy.sparse import csr_array

from layers.crs import WGS84
from layers.errors import NetworkError
from layers.folders import fresh_folder, settle
from layers.sides import SIDES
from network.abroad import Border
from network.base import Base
from network.build import FIELDS, NETWORKS, Network
from network.costs import whole
from network.domestic import with_domestic
from network.joining import ConnectorLimits
from network.modes import MODES
from network.routing import Router, compile_router
from network.topology import Tables

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from numpy.typing import NDArray

FORMAT, FORMAT_VERSION = "borderlink network", 3
MARK, ARRAYS = "network.json", "arrays.npz"
UNIQUE = ("geometry", "osm_ids", "ref")
"""Columns with as many values as rows, or nearly: a dictionary of them only takes time."""
PLACES = ("crossings", "checkpoints", "settlements")
PIECE = 256 * 1024
Arrays = dict[str, Any]


def save_network(network: Network, folder: Path | str, *, routers: Iterable[Router] | None = None) -> None:
    """Write a built network to a folder, all of it or nothing.

    Parameters
    ----------
    network
        From `network.build.build_network`, edited or not.
    folder
        New, empty, or of an earlier network, which is replaced.
    routers
        Routers of this very network to be kept (`load_routers`); those of every mode that it has where it is None,
        which compiles them. Empty for the tables alone.

    Notes
    -----
    ``nodes``, ``links``, ``crossings``, ``checkpoints``, ``settlements``, ``regions``, ``border``, ``shut``,
    ``gaps`` and ``stations`` (where there are any) are Parquet and, with a geometry, GeoParquet (WKB, lz4). Of the
    ground before the checkpoints only the rows that the network changed are written (``base_*``). Compiled fields are
    kept as row pointers and the link of each entry (``arrays.npz``): heads and costs follow from the table of links.
    The same network gives the same bytes, under the same versions of pandas and pyarrow.

    Raises
    ------
    OutputError
        The folder can't be written or holds other things.
    NetworkError
        A router belongs to another network.

    Examples
    --------
    >>> save_network(network, "border-network")                       # doctest: +SKIP
    >>> edited = set_open(load_network("border-network"), ["p1"], False)  # doctest: +SKIP
    """
    chosen = _all_routers(network) if routers is None else list(routers)
    if any(r.network is not network for r in chosen):
        raise NetworkError("a router belongs to another network: allowed are routers compiled from the network itself")
    base = network.base
    node_rows, node_rest = _apart(base.tables.nodes, network.nodes, np.arange(len(base.tables.nodes)))
    link_rows, link_rest = _apart(base.tables.links, network.links, _same_lines(base.tables.links, network.links))
    arrays: Arrays = {"base_nodes": node_rows, "base_links": link_rows}
    for router in chosen:
        arrays |= _router_arrays(router)
    with fresh_folder(Path(folder), MARK, what="networks") as new:
        for name, table in (("nodes", network.nodes), ("base_nodes", node_rest), ("base_crossings", base.crossings)):
            _write(new / f"{name}.parquet", table)
        for name, table in (("links", network.links), ("base_links", link_rest)):
            _write(new / f"{name}.parquet", gpd.GeoDataFrame(table, geometry="geometry", crs=WGS84))
        for name in PLACES:
            _write(new / f"{name}.parquet", getattr(network, name))
        _write(new / "regions.parquet", base.regions)
        _write(new / "border.parquet", _border_table(base.border, network.crs))
        _write(new / "shut.parquet", gpd.GeoDataFrame(geometry=list(base.closed_lines), crs=network.crs))
        if base.stations is not None:
            _write(new / "stations.parquet", base.stations)
        _write(new / "gaps.parquet", base.gaps)
        np.savez(new / ARRAYS, **arrays)
        about = _about(network, [r.mode for r in chosen])
        about["files"] = {path.name: _checksum(path) for path in sorted(new.iterdir())}
        text = json.dumps(about, ensure_ascii=False, indent=1, default=_plain)
        (new / MARK).write_text(text + "\n", encoding="utf-8")


def load_network(folder: Path | str) -> Network:
    """Return the network that `save_network` wrote: equal to the one that was saved, and edited like it.

    Raises
    ------
    NetworkError
        The folder holds no network, one of a newer version of the format, or one with a damaged or missing file.
    """
    return _loaded(Path(folder))[0]


def load_routers(folder: Path | str) -> dict[str, Router]:
    """Return the routers that were saved with a network, by mode, without compiling.

    ``.network`` of each is the network.

    Raises
    ------
    NetworkError
        See `load_network`.
    """
    network, modes, arrays = _loaded(Path(folder))
    try:
        return {mode: _router(network, mode, arrays) for mode in modes}
    except (KeyError, ValueError, IndexError) as error:
        raise damaged(Path(folder), ARRAYS, error) from None


def _loaded(folder: Path) -> tuple[Network, list[Any], Arrays]:
    """Return the network, the modes of its saved routers and all arrays."""
    settle(folder)
    about = checked(folder)
    name = MARK
    try:
        frames: dict[str, Any] = {}
        for name in about["files"]:  # a dozen
            if name.endswith(".parquet"):
                frames[Path(name).stem] = (_read_links if "links" in name else read_table)(folder / name)
        name = ARRAYS
        with np.load(folder / ARRAYS) as stored:
            arrays = dict(stored.items())
        name = MARK
        network = _network(about, frames, arrays)
        return network, list(about["routers"]), arrays
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, ProjError) as error:
        raise damaged(folder, name, error) from None


def _network(about: Mapping[str, Any], frames: Mapping[str, Any], arrays: Arrays) -> Network:
    """Return the network of its parts."""
    crs = CRS.from_json_dict(about["crs"])
    nodes, links = frames["nodes"], frames["links"]
    base = Tables(
        _together(nodes, arrays["base_nodes"], frames["base_nodes"]),
        _together(links, arrays["base_links"], frames["base_links"]),
        crs,
    )
    parts = dict(zip(frames["border"]["part"], frames["border"].geometry, strict=True))
    for part in parts.values():
        shapely.prepare(part)
    sides = {s: parts[s] for s in SIDES}
    border = Border(parts["line"], sides, about["tolerance_km"], parts.get("water"), parts.get("courses"))
    return Network(
        nodes=nodes,
        links=links,
        crs=crs,
        **{name: frames[name] for name in PLACES},
        base=Base(
            base,
            frames["base_crossings"],
            frames["regions"],
            border,
            about["base_report"],
            about["vehicle"],
            frames.get("stations"),
            tuple(frames["shut"].geometry),
            frames["gaps"],
        ),
        limits=ConnectorLimits(**about["limits"]),
        report=about["report"],
        road_km=about["road_km"],
        rail_km=about["rail_km"],
        domestic_wait=tuple(about["domestic_wait"]),
    )


def _about(network: Network, modes: list[Any]) -> dict[str, Any]:
    """Return what the small file beside the tables tells."""
    try:
        of_borderlink = version("borderlink")
    except PackageNotFoundError:  # a source tree that is not installed
        of_borderlink = ""
    return {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "borderlink": of_borderlink,
        "crs": network.crs.to_json_dict(),
        "limits": asdict(network.limits),
        "road_km": network.road_km,
        "rail_km": network.rail_km,
        "domestic_wait": list(network.domestic_wait),
        "tolerance_km": network.base.border.tolerance_km,
        "vehicle": network.base.vehicle,
        "report": network.report,
        "base_report": network.base.report,
        "routers": modes,
    }


def checked(folder: Path, *, only: Collection[str] | None = None) -> dict[str, Any]:
    """Return the small file of a folder whose files, or some of them, are there and as they were written."""
    if not (folder / MARK).is_file():
        raise NetworkError(
            f"{folder} holds no network ({MARK} is missing): allowed is a folder that save_network wrote"
        )
    try:
        about = json.loads((folder / MARK).read_text(encoding="utf-8"))
        if about["format"] != FORMAT:
            raise ValueError("of another format")
        number, files = int(about["version"]), dict(about["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(folder, MARK, error) from None
    if number != FORMAT_VERSION:
        raise NetworkError(
            f"{folder} holds a network of format {number}, written by borderlink "
            f"{about.get('borderlink') or 'unknown'}: "
            f"allowed is format {FORMAT_VERSION}"
        )
    for name, checksum in files.items():
        if only is not None and name not in only:
            continue
        if not (folder / name).is_file():
            raise NetworkError(f"{folder} lacks {name}: a network is all of its files; save it again")
        if _checksum(folder / name) != checksum:
            raise NetworkError(f"{folder / name} is damaged: it is not as it was written; save the network again")
    return dict(about)


def damaged(folder: Path, name: str, error: Exception) -> NetworkError:
    """Return the error of a file that can't be read."""
    return NetworkError(f"{folder / name} can't be read ({error!s:.200}): allowed is a folder that save_network wrote")


def _checksum(path: Path) -> int:
    """Return the CRC-32 of a file: enough against damage, and twice as fast as a digest."""
    value = 0
    with path.open("rb") as file:
        while chunk := file.read(PIECE):
            value = zlib.crc32(chunk, value)
    return value


def _plain(value: Any) -> Any:
    """Return numpy's numbers as Python's, for JSON."""
    return value.item()


def _write(path: Path, table: pd.DataFrame) -> None:
    """Write a table; a GeoDataFrame as GeoParquet."""
    coded = [str(c) for c in table.columns if str(c) not in UNIQUE and not pd.api.types.is_numeric_dtype(table[c])]
    table.to_parquet(path, compression="lz4", use_dictionary=coded)


def read_table(path: Path) -> pd.DataFrame:
    """Return a table as it was written: Parquet gives tuples back as arrays."""
    geo = b"geo" in (pq.read_schema(path).metadata or {})
    table = gpd.read_parquet(path) if geo else pd.read_parquet(path)
    lists = [c for c in table.columns if len(table) and isinstance(table[c].iloc[0], np.ndarray)]
    return table.assign(**{c: table[c].map(lambda v: tuple(v.tolist())) for c in lists}) if lists else table


def _read_links(path: Path) -> pd.DataFrame:
    """Return links as the network has them: a plain table with a column of lines."""
    table = pq.read_table(path)
    frame: pd.DataFrame = table.drop_columns(["geometry"]).to_pandas()
    lines = shapely.from_wkb(table["geometry"].to_numpy())
    frame.insert(table.column_names.index("geometry"), "geometry", lines)
    return frame


def _same_lines(base: pd.DataFrame, links: pd.DataFrame) -> NDArray[np.int64]:
    """Return for each link of the ground the row of the network that has its very line; −1 for none."""
    # What a network keeps of its ground it hands on as the same objects; a copy would only be stored twice.
    own, theirs = (pd.Index(np.fromiter(map(id, t["geometry"].to_numpy()), np.int64, len(t))) for t in (base, links))
    theirs = theirs.where(~theirs.duplicated(), -1 - np.arange(len(theirs)))  # gates have no line, all the same none
    return np.asarray(theirs.get_indexer(own), np.int64)


def _apart(base: pd.DataFrame, table: pd.DataFrame, rows: NDArray[np.int64]) -> tuple[NDArray[np.int32], pd.DataFrame]:
    """Return which row of `table` each row of `base` is (−1: none), proposed by `rows`, and the rows that are none."""
    same = (rows >= 0) & (rows < len(table))
    if set(base.columns) <= set(table.columns) and isinstance(base.index, pd.RangeIndex):
        columns = [c for c in base.columns if c != "geometry"]
        other = table[columns].iloc[np.where(same, rows, 0)].reset_index(drop=True)
        for column in columns:
            a, b = base[column], other[column]
            equal = (a == b).to_numpy(bool, na_value=False)
            same &= equal if equal.all() else equal | (a.isna() & b.isna()).to_numpy()
    else:
        same[:] = False
    return np.where(same, rows, -1).astype(np.int32), base[~same]


def _together(table: pd.DataFrame, rows: NDArray[np.int32], rest: pd.DataFrame) -> pd.DataFrame:
    """Return the table whose rows stand in `table` or, in order, in `rest`."""
    whole = pd.concat([table[rest.columns], rest], ignore_index=True)
    at = rows.astype(np.int64)
    at[rows < 0] = len(table) + np.arange(len(rest))
    return whole.iloc[at].reset_index(drop=True).astype(rest.dtypes.to_dict())


def _border_table(border: Border, crs: CRS) -> gpd.GeoDataFrame:
    """Return the border line, the two sides and the water, if any is known, as rows."""
    shapes: dict[str, shapely.Geometry] = {"line": border.line, **{s: border.sides[s] for s in SIDES}}
    if border.water is not None:
        shapes["water"] = border.water
    if border.courses is not None:
        shapes["courses"] = border.courses
    return gpd.GeoDataFrame({"part": list(shapes)}, geometry=list(shapes.values()), crs=crs)


def _all_routers(network: Network) -> list[Router]:
    """Return the routers of all modes that the network has."""
    present = set(network.links["mode"].unique())
    return [compile_router(network, mode) for mode in MODES if mode in present or (mode == "any" and present)]


def _router_arrays(router: Router) -> Arrays:
    """Return a router as arrays: nodes, and of each cost field the row pointers and the link of each entry."""
    out: Arrays = {f"{router.mode}:nodes": router.nodes.astype(np.int32)}
    stored = (key for name in NETWORKS for key in (FIELDS[name], f"length_m:{name}"))
    for key in stored:
        graph = router.costs[key]
        out[f"{router.mode}:{key}:indptr"] = graph.indptr.astype(np.int32)
        out[f"{router.mode}:{key}:rows"] = router._rows[key].astype(np.int32)
    return out


def _router(network: Network, mode: Any, arrays: Arrays) -> Router:
    """Return the router of its arrays: each entry's head is the other end of its link, its cost that of the link."""
    nodes = arrays[f"{mode}:nodes"].astype(np.int64)
    position = np.full(len(network.nodes), -1)
    position[nodes] = np.arange(len(nodes))
    links = network.links
    ends = position[links["u"].to_numpy(np.int64)] + position[links["v"].to_numpy(np.int64)]
    metres = whole(links["length_m"].to_numpy(float))
    costs, kept = {}, {}
    for name in NETWORKS:
        for key, weight in ((FIELDS[name], whole(links[FIELDS[name]].to_numpy(float))), (f"length_m:{name}", metres)):
            indptr, rows = (arrays[f"{mode}:{key}:{part}"] for part in ("indptr", "rows"))
            head = ends[rows] - np.repeat(np.arange(len(nodes)), np.diff(indptr))
            costs[key] = csr_array((weight[rows], head.astype(np.int32), indptr), shape=(len(nodes), len(nodes)))
            kept[key] = rows.astype(np.int64)
    back = with_domestic(network, nodes, position, costs, kept)
    side = network.nodes["side"].to_numpy(dtype=object)[nodes]
    return Router(network, mode, nodes, position, side, costs, _rows=kept, _back=back)
