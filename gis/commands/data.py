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
    """List what is in the cache: address, size, date, whether its md5 was checked."""
    from layers.sources.download.cache import Cache

    entries = Cache(cache).entries()
    for e in sorted(entries, key=lambda e: e.url):
        checked = "md5 checked" if e.md5_checked else "md5 not checked"
        say(f"{e.url}  {e.size / 1e6:,.1f} MB  {e.fetched:%Y-%m-%d %H:%M}  {checked}  sha256 {e.sha256[:12]}…")
    say(f"{len(entries)} files, {sum(e.size for e in entries) / 1e6:,.1f} MB")


def cache_clear(
    cache: CacheOption = None,
    older_than: Annotated[
        float | None, typer.Option(help="Only what was fetched more than so many days ago.", show_default=False)
    ] = None,
) -> None:
    """Empty the cache."""
    from layers.sources.download.cache import Cache

    say(f"{Cache(cache).clear(older_than_days=older_than) / 1e6:,.1f} MB freed")
