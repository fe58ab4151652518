"""The application: the page and what it asks, each answer a pure function of the study and a list of edits."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from gis.queries.plans import edit_of, parse_plan, to_toml
from gis.queries.whatif import whatif
from gis.serve.answers import draw_ground, find_queues, find_spread, find_way, layers_file
from gis.serve.desk import BusyError, Desk, SlowError
from gis.serve.guard import Door, Guard
from gis.serve.payload import describe_change, describe_study
from gis.serve.still import still_page
from gis.serve.words import SCRIPTS, Voice, filled, source, words_module
from layers.errors import BorderlinkError
from maps.i18n import speaking
from maps.web.assets import text as vendored

if TYPE_CHECKING:
    from gis.queries.edits import Edit
    from gis.queries.standing import Base

MOST_EDITS = 50
PAGE = {"page.css": "text/css", **{n: "text/javascript" for n in ("say.js", *SCRIPTS) if n != "still.js"}}
"""Files of the page: only these are served, by name."""
VENDORED = {"leaflet.css": "text/css", "leaflet.js": "text/javascript"}
log = logging.getLogger("borderlink.serve")


class Question(BaseModel):
    """What every question says: the study that its edits belong to, and the edits in their order."""

    model_config = ConfigDict(extra="forbid")
    study: Annotated[str, Field(max_length=64)]
    edits: Annotated[list[dict[str, Any]], Field(max_length=MOST_EDITS)]


Degrees = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Place = tuple[Degrees, Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]]


class ChangeQuestion(Question):
    """What edits change; over a sample of the places where that is asked and the border has many."""

    sample: bool = False


class WayQuestion(Question):
    """The way between two places."""

    origin: Place
    target: Place


class GroundQuestion(Question):
    """The ground within minutes of a place."""

    place: Place
    minutes: Annotated[list[Annotated[float, Field(gt=0, le=1440)]], Field(min_length=1, max_length=6)] = [60, 120, 240]


class FileQuestion(BaseModel):
    """The text of a scenario file."""

    model_config = ConfigDict(extra="forbid")
    toml: Annotated[str, Field(max_length=60_000)]


def page_file(name: str) -> str:
    """Return one file of the page."""
    return vendored(name) if name in VENDORED else source(name)


def create_app(
    base: Base, door: Door, *, desk: Desk | None = None, start: list[Edit] | None = None, lang: str = "en"
) -> Guard:
    """Return the application of one border, guarded.

    Parameters
    ----------
    door
        Where it listens and what lets one in.
    start
        Edits that a page without its own begins with.
    lang
        Language of the page.
    """
    desk = desk or Desk()
    # Draws take seconds: one at a time, and never in the place of a click.
    aside = Desk(most=1)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, title="borderlink")
    voice = Voice(base.prepared, lang)
    study = describe_study(base, voice) | {"start": [_plain(e) for e in start or []], "most_edits": MOST_EDITS}
    _add_page(app, door, lang)
    _add_errors(app, voice)

    @app.get("/api/study")
    async def the_study() -> Response:
        return JSONResponse(study)

    async def ask(question: Question, answer: Callable[[list[Edit]], Any], at: Desk = desk) -> Any:
        if question.study != base.key:
            return _error(409, voice.message("these edits belong to another study, or to another state of it"))

        def work() -> Any:
            return answer([edit_of(e, where=f"edit {n}") for n, e in enumerate(question.edits, 1)])

        return await at.ask(work)

    @app.post("/api/whatif")
    async def the_change(question: ChangeQuestion) -> Any:
        def answer(edits: list[Edit]) -> Response:
            return JSONResponse(describe_change(base, whatif(base, edits, rough=question.sample), voice))

        return await ask(question, answer)

    @app.post("/api/spread")
    async def the_spread(question: Question) -> Any:
        return await ask(question, lambda edits: JSONResponse(find_spread(base, edits)), aside)

    @app.post("/api/queues")
    async def the_queues(question: Question) -> Any:
        return await ask(question, lambda edits: JSONResponse(find_queues(base, edits, voice)), aside)

    @app.post("/api/route")
    async def the_way(question: WayQuestion) -> Any:
        return await ask(
            question, lambda edits: JSONResponse(find_way(base, edits, question.origin, question.target, voice))
        )

    @app.post("/api/isochrone")
    async def the_ground(question: GroundQuestion) -> Any:
        def answer(edits: list[Edit]) -> Response:
            return JSONResponse(draw_ground(base, edits, question.place, question.minutes))

        return await ask(question, answer)

    @app.post("/api/scenario.toml")
    async def the_file(question: Question) -> Any:
        return await ask(question, lambda edits: Response(to_toml(edits), media_type="application/toml"))

    @app.post("/api/edits")
    async def the_edits(question: FileQuestion) -> Any:
        plan = parse_plan(question.toml, where="the file")
        if len(plan.edits) > MOST_EDITS:
            return _error(422, f"the file has {len(plan.edits)} edits: allowed are {MOST_EDITS}")
        return JSONResponse({"edits": [_plain(e) for e in plan.edits]})

    @app.post("/api/page.html")
    async def the_still(question: Question) -> Any:
        def answer(edits: list[Edit]) -> Response:
            with speaking(lang):
                page = still_page(study, describe_change(base, whatif(base, edits), voice), question.edits)
            return Response(page, media_type="text/html; charset=utf-8")

        return await ask(question, answer)

    @app.post("/api/layers.gpkg")
    async def the_layers(question: Question) -> Any:
        return await ask(
            question,
            lambda edits: Response(layers_file(base, whatif(base, edits)), media_type="application/geopackage+sqlite3"),
        )

    return Guard(app, door)


def _plain(edit: Edit) -> dict[str, Any]:
    """Return an edit as JSON has it."""
    from gis.queries.edits import plain

    return plain(edit)


def _add_page(app: FastAPI, door: Door, lang: str) -> None:
    """Serve the page and its files, and let in who comes with the token in the address."""
    files = {name: (page_file(name), kind) for name, kind in {**PAGE, **VENDORED}.items()}
    with speaking(lang):
        shell = filled(page_file("page.html"), {"LANG": lang})
        files["words.js"] = words_module(), "text/javascript"

    @app.get("/")
    async def the_page(request: Request) -> Response:
        given = request.query_params.get("token")
        if given is None:
            return Response(shell, media_type="text/html; charset=utf-8")
        answer = RedirectResponse("/", status_code=303)
        if door.fits(given):
            answer.set_cookie(door.cookie, door.token, httponly=True, samesite="strict", path="/")
        return answer

    @app.get("/assets/{name}")
    async def the_asset(name: str) -> Response:
        if name not in files:
            return _error(404, "no such file")
        body, kind = files[name]
        return Response(body, media_type=f"{kind}; charset=utf-8")


def _add_errors(app: FastAPI, voice: Voice) -> None:
    """Answer errors in one sentence each, in the language of the page, and nothing of how the server is made."""

    def refusal(status: int, words: str, headers: Mapping[str, str] | None = None) -> Response:
        return _error(status, voice.message(words), headers)

    @app.exception_handler(BorderlinkError)
    async def of_the_user(_: Request, error: BorderlinkError) -> Response:
        return refusal(422, str(error))

    @app.exception_handler(RequestValidationError)
    async def of_the_body(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        broken = first["type"] == "json_invalid"
        where = "" if broken else ".".join(str(part) for part in first["loc"] if part != "body")
        return refusal(422, f"{where or 'the body'}: {first['msg']}")

    @app.exception_handler(BusyError)
    async def of_the_crowd(_: Request, __: BusyError) -> Response:
        return refusal(429, "as many questions as allowed are being answered: ask again", {"retry-after": "1"})

    @app.exception_handler(SlowError)
    async def of_the_clock(_: Request, __: SlowError) -> Response:
        return refusal(503, "the answer took longer than is allowed here: `borderlink scenario` has no limit")

    @app.exception_handler(HTTPException)
    async def of_the_address(_: Request, error: HTTPException) -> Response:
        if error.status_code == 400:
            return refusal(422, "the body: it can't be read as JSON")
        return refusal(error.status_code, "no such page")

    @app.exception_handler(Exception)
    async def of_ours(_: Request, error: Exception) -> Response:
        log.error("a question failed", exc_info=error)
        return refusal(500, "something went wrong in the server: its terminal has the cause")


def _error(status: int, words: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return an error in words."""
    return JSONResponse({"error": words}, status_code=status, headers=headers)
