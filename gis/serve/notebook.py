"""The page in a notebook: a frame of the live one on this machine, the still one where the notebook runs elsewhere."""

from __future__ import annotations

import html
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gis.queries.edits import plain
from gis.queries.standing import stand_by
from gis.queries.whatif import whatif
from gis.serve.payload import describe_change, describe_study
from gis.serve.run import Running, open_server
from gis.serve.still import still_page
from gis.serve.words import Voice
from maps.i18n import speaking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gis.inputs import Prepared
    from gis.queries.edits import Edit
    from network.build import Network

LOCAL = "http://localhost:* http://127.0.0.1:*"
"""Origins of notebooks on this machine, where nothing is known of their port."""
ELSEWHERE = (
    "JUPYTERHUB_SERVICE_PREFIX",
    "COLAB_RELEASE_TAG",
    "KAGGLE_KERNEL_RUN_TYPE",
    "BINDER_SERVICE_HOST",
    "CODESPACES",
)
"""Variables that tell of a notebook whose browser is on another machine, which can't reach this one's loopback."""


@dataclass(frozen=True)
class Page:
    """What a notebook shows: the live page in a frame, or the still one.

    Attributes
    ----------
    running
        The server, None for the still page.
    note
        Why the page is still, empty for the live one.
    """

    running: Running | None
    still: str
    note: str
    height: int

    def __repr__(self) -> str:
        return f"<Page {'still: ' + self.note if self.running is None else 'at ' + self.address.partition('#')[0]}>"

    @property
    def address(self) -> str:
        """Where the live page is, its token in the fragment, which no server and no log sees."""
        if self.running is None:
            return ""
        return f"http://{self.running.door.hosts[0]}/#token={self.running.door.token}"

    def _repr_html_(self) -> str:
        """Return the frame."""
        size = f'width="100%" height="{self.height}" style="border:1px solid #ccc" title="What if"'
        if self.running is not None:
            return f'<iframe src="{html.escape(self.address)}" {size}></iframe>'
        return (
            f'<p>{html.escape(self.note)}</p><iframe srcdoc="{html.escape(self.still)}" sandbox="allow-scripts" '
            f"{size}></iframe>"
        )

    def stop(self) -> None:
        """End the server; a still page has none."""
        if self.running is not None:
            self.running.stop()


def local_origins() -> str:
    """Return the origins of the Jupyter servers on this machine, by both its names; any port where none is known."""
    try:
        from jupyter_server.serverapp import list_running_servers

        ports = sorted({int(s["port"]) for s in list_running_servers()})
    except (ImportError, KeyError, TypeError, ValueError, OSError):
        ports = []
    return " ".join(f"http://{host}:{port}" for port in ports for host in ("localhost", "127.0.0.1")) or LOCAL


def notebook_page(
    prepared: Prepared,
    network: Network,
    edits: Sequence[Edit] = (),
    *,
    live: bool | None = None,
    origin: str = "",
    height: int = 760,
    lang: str = "en",
) -> Page:
    """Return the page of a network for a notebook.

    Parameters
    ----------
    edits
        What it begins with.
    live
        A frame of a server on this machine, or the still page; where None it is live unless the notebook's browser is
        elsewhere.
    origin
        Of the notebook, which alone may frame the page; where empty, of the Jupyter servers that run on this machine,
        or any port of it.
    height
        Of the frame, in pixels.
    lang
        Language of the page.

    Raises
    ------
    layers.errors.BorderlinkError
        Edits that can't be made; for a live page, the extra is not installed.
    """
    base = stand_by(prepared, network)
    remote = [name for name in ELSEWHERE if os.environ.get(name)]
    if live is None:
        live = not remote
    change = whatif(base, edits)
    if live:
        running = open_server(base, port=0, frame=origin or local_origins(), start=edits, lang=lang)
        running.start()
        return Page(running, "", "", height)
    why = f"this notebook runs on another machine ({remote[0]})" if remote else "it was asked for"
    note = f"A still page, for {why}: borderlink serve shows the live one on your own machine."
    voice = Voice(prepared, lang)
    with speaking(lang):
        still = still_page(describe_study(base, voice), describe_change(base, change, voice), [plain(e) for e in edits])
    return Page(None, still, note, height)
