"""The five packages have generic names: whose they are is checked where they are entered."""

from __future__ import annotations

import importlib.util
from importlib.metadata import packages_distributions, version
from pathlib import Path

DISTRIBUTION = "borderlink"
FLOORS = ("layers", "network", "analysis", "maps", "gis")
_HOUSE = Path(__file__).resolve().parent.parent


def refuse_namesakes(*floors: str) -> None:
    """Refuse to work with a package that is not ours although it has the name of one of ours.

    A user's own ``network.py`` beside a script hides ours; another distribution of the same name writes its files over
    ours.

    Parameters
    ----------
    floors
        Names of our packages; all five where none is given.

    Raises
    ------
    ImportError
        Python finds something else; the message names the file or the distribution, and what to do.
    """
    for name in floors or FLOORS:
        found = importlib.util.find_spec(name)
        origin = Path(found.origin).resolve() if found and found.origin else None
        if origin is None or origin.parent.parent != _HOUSE:
            raise ImportError(
                f"borderlink needs its own package {name!r}, but Python finds {origin or 'nothing'} first: "
                f"rename {origin.name if origin else 'what hides it'}, or run from another folder"
            )
        if f'DISTRIBUTION = "{DISTRIBUTION}"' not in origin.read_text(encoding="utf-8", errors="replace"):
            raise ImportError(
                f"borderlink's package {name!r} is overwritten by {_others(name)} ({origin}): uninstall that and "
                "install "
                "borderlink again, best in an environment of its own (pipx, uv tool)"
            )


def _others(name: str) -> str:
    """Return the other distributions that hold a package of this name, with their versions."""
    others = sorted(set(packages_distributions().get(name, [])) - {DISTRIBUTION})
    return " and ".join(f"the distribution {d} {version(d)}" for d in others) or "another package of that name"
