"""What is read from which tag of OpenStreetMap, as tables out of the code.

`python docs/tags.py` writes them into docs/data.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

from layers.osm import access, barriers, classes, conditional, lines, tags
from layers.osm.turns import VEHICLE_KEYS
from layers.sources.pbf import points, relations

PAGE = Path(__file__).parent / "data.md"
BEGIN, END = "<!-- written by docs/tags.py -->\n", "<!-- end -->\n"

WAYS = {
    "kind": ("highway", "railway", "route", "usage", "service"),
    "kind: ice and winter roads of any class": classes.WINTER_KINDS,
    "season": ("seasonal",),
    "oneway": ("oneway", *lines.ONEWAYS, "junction", *lines.DIRECTED),
    "who may use it": lines._ACCESS,
    "who may use it, its direction and limits at times": lines.CONDITIONAL,
    "who may use it by weight and size": lines.SIZE_KEYS,
    "maxspeed_kph": lines.LIMITS,
    "maxspeed_kph of a zone, where no limit is tagged": lines.ZONES,
    "maxspeed_hgv_kph": ("maxspeed:hgv",),
    "left out where yes": lines.GONE_FLAGS,
    "left out where the state says so": tuple(lines.GONE_STATES),
    "left out where present": ("area", "military"),
    "surface, smoothness": ("surface", "smoothness"),
    "toll": ("toll",),
    "duration_min of ferries": ("duration",),
    "gauge": ("gauge",),
    "current": ("electrified", "voltage", "frequency"),
    "names of posts on the road": ("name", "ref"),
    "read, and goes no further": ("bridge", "tunnel"),
}
"""What the keys of ways become; every key that is read stands in it."""


def quoted(words: object) -> str:
    """Return words as code, in the order of the code, or of the alphabet where it has none."""
    listed = sorted(words) if isinstance(words, set | frozenset) else list(words)  # type: ignore[call-overload]
    return ", ".join(f"`{word}`" for word in listed)


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a table of Markdown."""
    return "\n".join(["| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *rows)]) + "\n"


def of_ways() -> str:
    """Return the table of keys of ways.

    Raises
    ------
    ValueError
        A key that is read is in no row, or a row names one that is not read.
    """
    told = {key for keys in WAYS.values() for key in keys}
    if told != set(lines.KEYS):
        raise ValueError(f"docs/tags.py and layers/osm/lines.py differ in {sorted(told ^ set(lines.KEYS))}")
    return table(("becomes", "keys of ways"), [(what, quoted(keys)) for what, keys in WAYS.items()])


def of_lists() -> str:
    """Return the table of classes in lists and odd spellings."""
    rows = [(f"`{key}`", quoted(classes.READ[key]), quoted(classes.OTHER.get(key, ()))) for key in classes.READ]
    rows.append((quoted(classes.FIRST_COUNTS), "the first part", ""))
    return table(("key", "of a list the first of these counts, in any case and with blanks", "else the first of"), rows)


def of_access() -> str:
    """Return the tables of who may use a road."""
    keys = [(name, " < ".join(f"`{k}`" for k in order)) for name, order in access.ACCESS_KEYS.items()]
    values = [
        ("passes", quoted(access.OPEN_WORDS)),
        ("may go there, not through", quoted(access.LIMITED_WORDS)),
        ("closed", quoted(access.CLOSED_WORDS)),
        *((f"opens to a {name}, closes to all others", quoted(words)) for name, words in access.IS_FOR.items()),
    ]
    nodes = [
        ("closed to all", quoted(barriers.CLOSE_ALL)),
        ("closed to motor vehicles", quoted(barriers.CLOSE_MOTOR_VEHICLES)),
        ("a checkpoint: it closes the post, not the road", f"`{barriers.CONTROL}`"),
        ("nothing: a gate, lift gate, toll booth, cattle grid and any other", ""),
    ]
    return "\n".join(
        [
            table(("vehicle", "keys, from the general to the particular: the last that says something holds"), keys),
            table(("means", "values, of lists the most open part"), values),
            table(("without an access tag", "`barrier` of a node"), nodes),
        ]
    )


def of_conditions() -> str:
    """Return the table of conditions."""
    rows = [
        ("months, dates, weekdays, hours, sunrise and sunset", "when it holds, in half hours of a mean year"),
        (
            "sizes",
            "; ".join(
                f"{name}: {', '.join(f'{k} {v:g}' for k, v in size.items())}"
                for name, size in conditional.SIZES.items()
            )
            + " (assumptions)",
        ),
        ("for those who have business there", quoted(conditional.FOR_SOME)),
        ("never on a plain day", quoted(conditional.NEVER)),
        ("anything else", "is counted with its text, and taken as if it were not there"),
    ]
    return table(("condition in `… @ (…)`", "read as"), rows)


def of_places() -> str:
    """Return the table of objects that become places."""
    wanted = {k.decode(): [v.decode() for v in values] for k, values in points.WANTED.items()}
    use = {"place": "settlements", "railway": "stations; `border`: a checkpoint by rail"}
    rows = [
        (f"`{k}`", quoted(v), use.get(k, "posts" if not k.startswith(points.GONE) else "posts, closed"))
        for k, v in wanted.items()
    ]
    return table(("key of nodes and ways", "values", "becomes"), rows)


def of_relations() -> str:
    """Return the table of relations."""
    rows = [
        ("`route=ferry`", "its ways are ferries; `duration` where it has one way"),
        (
            quoted(f"type={t}" for t in relations.POLYGONS) + " with the tags of a post",
            "a post in the middle of its outer ways",
        ),
        ("`boundary=administrative`", f"regions; members {quoted(relations.CENTRES)}: `capital` of a settlement"),
        (
            "`restriction`, `restriction:<vehicle>`, `:conditional`",
            "no and only turns by a node, or over ways; `except`; "
            + "; ".join(f"{name}: {quoted(keys)}" for name, keys in VEHICLE_KEYS.items())
            + "; over ways with a junction between them: counted, not followed",
        ),
    ]
    return table(("relation", "read as"), rows)


def of_directions() -> str:
    """Return the table of directions."""
    names = {tags.FORWARD: "along the drawing", tags.BACKWARD: "against it: turned round", tags.BOTH: "both ways"}
    rows = [(names[way], quoted([v for v, w in tags.ONEWAY.items() if w == way])) for way in names]
    return table(("direction", "`oneway`"), rows)


def written(text: str) -> str:
    """Return the page with its tables as the code has them."""
    head, rest = text.split(BEGIN, 1)
    _, tail = rest.split(END, 1)
    parts = (of_ways(), of_lists(), of_directions(), of_access(), of_conditions(), of_places(), of_relations())
    return head + BEGIN + "\n" + "\n".join(parts) + "\n" + END + tail


if __name__ == "__main__":
    page = written(PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(page, encoding="utf-8")
    sys.stdout.write(f"{PAGE} is current\n")
