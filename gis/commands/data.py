"""The commands ``borderlink fetch`` and ``borderlink cache``: what is brought from a network, and kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gis.commands.options import CacheOption, say
from gis.commands.progress import download_bar


def fetch(
    study: Annotated[Path, typer.Argument(help="Study (TOML) that names extracts or Overpass.")],
    cache: CacheOption = None,
    refresh: Annotated[bool, typer.Option(help="Ask the server for newer versions.")] = False,
) -> None:
    """Bring the OpenStreetMap data of a study into the cache, checked, so that it runs without a network."""
    from gis import load_study
    from gis.inputs import Fetching, fetch_sources

    with download_bar() as listen:
        files = fetch_sources(load_study(study), fetching=Fetching(cache, listen=listen, refresh=refresh))
    if not files:
        say("the study names neither extracts nor Overpass: nothing to fetch")
    for file in files:
        say(f"{file.url or 'local'}  {file.path}  {file.path.stat().st_size / 1e6:,.1f} MB")


def cache_list(cache: CacheOption = None) -> None:
    """List what is in the cache.

    Downloads with address, size, date, whether their md5 was checked; networks that were built.
    """
    from gis.kept import kept
    from layers.sources.download.cache import Cache

    entries = Cache(cache).entries()
    for e in sorted(entries, key=lambda e: e.url):
        checked = "md5 checked" if e.md5_checked else "md5 not checked"
        say(f"{e.url}  {e.size / 1e6:,.1f} MB  {e.fetched:%Y-%m-%d %H:%M}  {checked}  sha256 {e.sha256[:12]}…")
    say(f"{len(entries)} files, {sum(e.size for e in entries) / 1e6:,.1f} MB")
    networks = kept(cache)
    for n in networks:
        say(
            f"network of {n.what}  {n.size / 1e6:,.1f} MB  built {n.built:%Y-%m-%d %H:%M}, used "
            f"{n.used:%Y-%m-%d %H:%M}  {n.folder.name[:12]}…"
        )
    if networks:
        say(f"{len(networks)} networks, {sum(n.size for n in networks) / 1e6:,.1f} MB")


def cache_clear(
    cache: CacheOption = None,
    older_than: Annotated[
        float | None,
        typer.Option(
            help="Only what was fetched more than so many days ago, or networks not used since.", show_default=False
        ),
    ] = None,
) -> None:
    """Empty the cache: downloads, and networks that were built."""
    from gis.kept import clear_kept
    from layers.sources.download.cache import Cache

    freed = Cache(cache).clear(older_than_days=older_than)
    say(f"{(freed + clear_kept(cache, older_than_days=older_than)) / 1e6:,.1f} MB freed")
