"""The words of the page's own controls, for its scripts: English stands here alone."""

from __future__ import annotations

from maps.i18n import _


def words() -> dict[str, str]:
    """Return the words by the name that the scripts use, in the language that is written now."""
    return {
        "yes": _("yes"),
        "no": _("no"),
        "nodata": _("No data"),
        "outside": _("Outside the classes"),
        "noname": _("no name"),
        "min": _("min"),
        "km": _("km"),
        "m": _("m"),
        "none": _("None of these"),
        "names": _("Names of places"),
        "also": _("Also on the map"),
        "howmany": _("how many on the map"),
        "found": _("{n} found"),
        "notfound": _("Nothing found for “{text}”."),
        "more": _("All numbers"),
        "close": _("Close"),
        "table": _("Table"),
        "tableof": _("{title}: {n} in view"),
        "tablecut": _("The first {n} are listed; zoom in for others."),
        "share": _("Share"),
        "copied": _("The address of this view is copied."),
        "address": _("The address of this view stands in the address bar."),
        "download": _("Download"),
        "geojson": _("{title} as GeoJSON"),
        "csv": _("{title} as CSV"),
        "measure": _("Measure"),
        "measuring": _("Click along the way; press Escape to end."),
        "measured": _("{km} km over the ground"),
        "full": _("Full screen"),
        "print": _("Print"),
        "basemap": _("Online map"),
        "basemapask": _(
            "Loads pictures of a map from {host}, which then sees your address and what you look at. Load them?"
        ),
        "basemapoff": _("Online map off"),
        "swipe": _("Before | After"),
        "swipehint": _("Position of the line between before and after"),
        "zoomin": _("Zoom in"),
        "zoomout": _("Zoom out"),
        "place": _("Place"),
        "point": _("Point {lat}, {lon}"),
    }


def page_words() -> dict[str, str]:
    """Return the words of the page itself."""
    return {
        "chapters": _("Chapters"),
        "find": _("Find a place, a checkpoint, or lon,lat"),
        "places_found": _("Places found"),
        "legend": _("Layers and legend"),
        "notes": _("Sources and assumptions"),
        "map": _("Map"),
        "tools": _("Tools of the map"),
        "side": _("What the map says"),
        "handle": _("Show more or less"),
        "noscript": _("This map is drawn by JavaScript, which is switched off in this browser."),
        "table": _("Table of what is on the map"),
    }
