"""Starting the server: which address it takes, what it prints, and how a notebook shows the page."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from gis.serve.guard import Door, new_token
from layers.errors import OutputError, PlaceError

if TYPE_CHECKING:
    from gis.queries.edits import Edit
    from gis.queries.standing import Base

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PORT = 8765
SHORTEST_TOKEN = 16


def need_serve() -> None:
    """Raise where the packages of the page are not installed.

    Raises
    ------
    OutputError
        With the extra to install.
    """
    missing = [name for name in ("fastapi", "uvicorn") if find_spec(name) is None]
    if missing:
        raise OutputError(f"the page needs {' and '.join(missing)}: allowed is pip install 'borderlink[serve]'")


def door_at(host: str, port: int, token: str | None, *, frame: str = "") -> Door:
    """Return where the server listens and what lets one in.

    Raises
    ------
    OutputError
        A host beyond this machine without a token of the user's, or a token that is short.
    """
    own = host in LOOPBACK
    if not own and not token:
        raise OutputError(
            f"--host {host} can be reached from other machines: allowed is {' or '.join(LOOPBACK[:2])}, or a "
            f"--token of {SHORTEST_TOKEN} letters or more"
        )
    if token is not None and (
        len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token
    ):
        raise OutputError(
            f"a --token of {len(token)} letters: allowed are {SHORTEST_TOKEN} or more, ASCII, without spaces"
        )
    names = LOOPBACK[:2] if own else (host,)
    hosts = tuple(f"[{n}]:{port}" if ":" in n else f"{n}:{port}" for n in dict.fromkeys([*names, host]))
    return Door(hosts, port, token or new_token(), frame)


@dataclass
class Running:
    """A server at work.

    Attributes
    ----------
    address
        To open, with the token.
    """

    address: str
    door: Door
    server: Any
    listener: socket.socket

    def serve(self) -> None:
        """Answer until the process is interrupted."""
        self.server.run(sockets=[self.listener])

    def start(self) -> None:
        """Answer in a thread of its own, which ends with the process."""
        threading.Thread(target=self.serve, name="borderlink-serve", daemon=True).start()
        for _ in range(200):  # a server starts in some hundredths of a second
            if self.server.started:
                return
            time.sleep(0.05)
        raise OutputError("the server did not start within 10 s")

    def stop(self) -> None:
        """End the server."""
        self.server.should_exit = True


def open_server(
    base: Base,
    *,
    host: str = "127.0.0.1",
    port: int = PORT,
    token: str | None = None,
    frame: str = "",
    start: Sequence[Edit] = (),
    lang: str = "en",
) -> Running:
    """Return a server of one border, bound and ready to answer.

    Parameters
    ----------
    base
        From `gis.queries.standing.stand_by`.
    host, port
        Where it listens; 0 takes any free port.
    token
        Lets one in; random where None.
    frame
        Origin that may show the page in a frame.
    start
        Edits that the page begins with.
    lang
        Language of the page.

    Raises
    ------
    OutputError
        The extra is not installed, the port is taken, or a host beyond this machine has no token.
    """
    need_serve()
    door_at(host, port, token)
    import uvicorn

    from gis.serve.app import create_app

    listener = _bound(host, port)
    # A browser that is quicker than the server waits at the door.
    listener.listen(64)
    door = door_at(host, listener.getsockname()[1], token, frame=frame)
    config = uvicorn.Config(
        create_app(base, door, start=list(start), lang=lang),
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        ws="none",
        lifespan="off",
        timeout_keep_alive=10,
        h11_max_incomplete_event_size=16_384,
        limit_concurrency=64,
    )
    return Running(f"http://{door.hosts[0]}/?token={door.token}", door, uvicorn.Server(config), listener)


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket that listens, or say that the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise OutputError(
            f"{host} port {port} can't be had ({getattr(error, 'strerror', None) or error}): allowed is a free "
            "--port, or 0 for any"
        ) from None
    return listener


def serve_study(
    study: Any,
    *,
    host: str = "127.0.0.1",
    port: int = PORT,
    token: str | None = None,
    start: Sequence[Edit] = (),
    lang: str = "en",
    fetching: Any = None,
    listen: Callable[[str], None] | None = None,
) -> Running:
    """Return a server of a study: its network is taken from the cache or built, and it is bound.

    Raises
    ------
    layers.errors.BorderlinkError
        Anything that a user can cause.
    """
    from gis.clock import Clock
    from gis.kept import take_or_build
    from gis.queries.edit_checks import check_edits
    from gis.queries.standing import stand_by

    need_serve()
    from gis.serve.app import MOST_EDITS

    # Before minutes of work: an address that can't be had, a scenario that names nothing.
    door_at(host, port, token)
    _bound(host, port).close()
    if len(start) > MOST_EDITS:
        raise PlaceError(f"{len(start)} edits: the page takes {MOST_EDITS}")

    def look(prepared: Any) -> None:
        check_edits(list(start), prepared.layers["checkpoints"], prepared.regions, ())

    clock = Clock(listen)
    prepared, network = take_or_build(study, fetching=fetching, clock=clock, look=look)
    with clock.stage("trees"):
        base = stand_by(prepared, network)
    return open_server(base, host=host, port=port, token=token, start=start, lang=lang)
