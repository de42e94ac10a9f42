"""The page's routes. Reading only; each answer is made once for a change and shared by all who ask."""

from collections.abc import Callable
from typing import cast
from urllib.parse import quote

import structlog
from aiohttp import web

from monitor.pages.answers import SECURITY, Answer, respond
from monitor.pages.assets import Assets
from monitor.pages.languages import negotiated
from monitor.pages.rendering import Renderer
from monitor.statuspage import badges, documents, feeds, schedule
from monitor.statuspage.board import Board
from monitor.statuspage.pages import Asked, Pages
from monitor.statuspage.view import View
from monitor.statuspage.words import Words
from monitor.texts import LANGUAGES, Language
from monitor.web.gate import Gate
from monitor.web.guard import Handler, Limits, bounded, whole_body

log = structlog.get_logger("web")

MOST_KEPT = 16 * 2**20
"""Bytes of answers that are kept; of searches there are as many as readers ask for."""
BRIEFLY = 5
"""Seconds for which caches between may keep an answer."""
ANYWHERE = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
"""For what is meant to stand in other people's pages."""


class Kept:
    """Answers to what was asked, until the board changes."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._version: object = None
        self._answers: dict[object, Answer] = {}
        self._size = 0

    def get(self, key: object, make: Callable[[], Answer]) -> Answer:
        version = self._board.version
        if version != self._version:
            self._version = version
            self._answers.clear()
            self._size = 0
        found = self._answers.get(key)
        if found is None:
            found = self._answers[key] = make().prepared()
            self._size += found.size
            while self._size > MOST_KEPT:
                self._size -= self._answers.pop(next(iter(self._answers))).size
        return found


class Site:
    """The handlers over a board. `gate` decides who reads; where it asks nobody, caches in between may help."""

    def __init__(self, board: Board, gate: Gate, assets: Assets) -> None:
        self._board = board
        self._gate = gate
        self._renderer = Renderer("monitor.statuspage", assets)
        self._pages = Pages(board, self._renderer)
        self._kept = Kept(board)

    def routes(self) -> list[web.RouteDef]:
        language = "/{language:th|en}"
        return [
            web.get("/", self._choose),
            web.get(language, self._slash),
            web.get(f"{language}/", self._overview),
            web.get(f"{language}/history", self._history),
            web.get(f"{language}/maintenance", self._maintenance),
            web.get(f"{language}/feed.atom", self._feed),
            web.get(f"{language}/maintenance.ics", self._schedule),
            web.get(f"{language}/services/{{name}}", self._service),
            web.get(f"{language}/services/{{name}}/feed.atom", self._feed),
            web.get(f"{language}/services/{{name}}/maintenance.ics", self._schedule),
            web.get(f"{language}/services/{{name}}/{{badge:state|availability}}.svg", self._badge),
            web.get("/status.json", self._status),
            web.get("/services/{name}.json", self._document),
            web.get("/-/healthy", self._healthy),
        ]

    async def _choose(self, request: web.Request) -> web.Response:
        """To the reader's language."""
        language = self._negotiated(request)
        headers = {"Location": f"{language}/", "Vary": "Accept-Language", "Cache-Control": self._cache}
        return web.Response(status=302, headers=headers)

    async def _slash(self, request: web.Request) -> web.Response:
        return web.Response(status=308, headers={"Location": f"{_language(request)}/"})

    async def _overview(self, request: web.Request) -> web.Response:
        return self._page(request, self._pages.overview)

    async def _history(self, request: web.Request) -> web.Response:
        return self._page(request, self._pages.history)

    async def _maintenance(self, request: web.Request) -> web.Response:
        return self._page(request, self._pages.maintenance)

    async def _service(self, request: web.Request) -> web.Response:
        name = self._named(request)
        return self._page(request, lambda language, asked: self._pages.service(language, name or "", asked))

    def _page(self, request: web.Request, make: Callable[[Language, Asked], Answer]) -> web.Response:
        language, asked = _language(request), Asked.of(request.query)
        answer = self._kept.get((request.path, asked), lambda: make(language, asked))
        response = respond(request, answer, self._cache)
        if asked.refreshing:
            response.headers["Refresh"] = "60"
        return response

    async def _feed(self, request: web.Request) -> web.Response:
        name, w = self._named(request), self._words(request)
        return self._plain(request, lambda: feeds.feed(self._board, w, name, self._renderer))

    async def _schedule(self, request: web.Request) -> web.Response:
        name, w = self._named(request), self._words(request)
        return self._plain(request, lambda: schedule.calendar(self._view, w, name))

    async def _badge(self, request: web.Request) -> web.Response:
        name, w, which = self._named(request) or "", self._words(request), request.match_info["badge"]
        return self._plain(request, lambda: badges.badge(self._board, w, name, which, self._renderer))

    async def _status(self, request: web.Request) -> web.Response:
        return self._plain(request, lambda: documents.status(self._board))

    async def _document(self, request: web.Request) -> web.Response:
        name = self._named(request) or ""
        return self._plain(request, lambda: documents.service(self._board, name))

    async def _healthy(self, _request: web.Request) -> web.Response:
        return web.Response(text="healthy\n")

    def _plain(self, request: web.Request, make: Callable[[], Answer]) -> web.Response:
        response = respond(request, self._kept.get(request.path, make), self._cache)
        response.headers.update(ANYWHERE)
        return response

    def missing(self, request: web.Request, name: str | None) -> web.Response:
        """A page that helps, in the language of what was asked for."""
        language = request.match_info.get("language")
        if language not in LANGUAGES:
            language = self._negotiated(request)
        path = request.path.strip("/").removeprefix(f"{language}/")
        return respond(request, self._pages.missing(language, quote(path), name), "no-store")

    @property
    def _view(self) -> View:
        return self._board.view

    @property
    def _cache(self) -> str:
        return f"{'private' if self._gate.asks else 'public'}, max-age={BRIEFLY}"

    def _negotiated(self, request: web.Request) -> Language:
        default = self._view.site.language if self._view.site is not None else "th"
        return negotiated(", ".join(request.headers.getall("Accept-Language", [])), default)

    def _named(self, request: web.Request) -> str | None:
        """The service that is asked for, if one is. Raises UnknownServiceError where there is none."""
        name = request.match_info.get("name")
        if name is not None and all(one.name != name for one in self._board.services):
            raise UnknownServiceError(name)
        return name

    def _words(self, request: web.Request) -> Words:
        assert self._view.site is not None  # noqa: S101 - nothing is served before
        return Words(_language(request), self._view.site.zone)


class UnknownServiceError(Exception):
    """A service that is not shown."""


def application(board: Board, gate: Gate, limits: Limits) -> web.Application:
    assets = Assets()
    site = Site(board, gate, assets)

    @web.middleware
    async def hardened(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        for name, value in SECURITY.items():
            response.headers.setdefault(name, value)
        response.headers["Server"] = "mailuptime"  # and not of which versions it is made
        return response

    @web.middleware
    async def helpful(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except UnknownServiceError as error:
            return site.missing(request, str(error))
        except web.HTTPNotFound:
            return site.missing(request, None)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
            return web.Response(status=error.status, text=f"{error.text}\n", headers=allow)
        except Exception:
            log.exception("status_page.failed", path=request.path)
            return web.Response(status=500, text="this page cannot be made now\n")

    middlewares = [bounded(limits), hardened, gate.middleware(), helpful, whole_body(limits)]
    app = web.Application(middlewares=middlewares, client_max_size=1024)
    app.add_routes([*site.routes(), *assets.routes()])
    return app


def _language(request: web.Request) -> Language:
    return cast("Language", request.match_info["language"])
