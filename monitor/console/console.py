"""The routes of the console: who asks must be known, a form must come from a page of ours, and pages are not kept."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from urllib.parse import parse_qsl, quote

import structlog
from aiohttp import web

from monitor.clock import Clock
from monitor.console import changes, exclusions, maintenance, outages, overview, reports, tickets
from monitor.console.backend import Act, Backend, Source
from monitor.console.tokens import Tokens
from monitor.console.visit import File, MissingError, Moved, Outcome, Person, Shown, Visit
from monitor.console.wording import Wording
from monitor.ledger import LedgerError
from monitor.pages.answers import SECURITY
from monitor.pages.assets import Assets
from monitor.pages.languages import negotiated
from monitor.pages.rendering import Place, Renderer
from monitor.settings import Settings
from monitor.texts import LANGUAGES, Language
from monitor.web.gate import WHO
from monitor.web.guard import Handler

log = structlog.get_logger("web")

ROOT = "/console"
HOW = (
    "the console asks who you are: name a file with basic_auth_users or client certificates as web.config_file "
    "(docs/CONSOLE.md)"
)
MOST_FIELDS = 50
HEADERS = {
    **SECURITY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",  # with none, browsers say of a form's origin that it is null
    "Cross-Origin-Resource-Policy": "same-origin",
}
View = Callable[[Backend, Visit], Awaitable[Outcome]]
VIEWS: Mapping[str, View] = {
    "": overview.overview,
    "maintenance": maintenance.windows,
    "maintenance/new": maintenance.declare,
    "maintenance/{id}": maintenance.window,
    "outages": outages.outages,
    "outages/{id}": outages.outage,
    "exclusions": exclusions.exclusions,
    "exclusions/{id}": exclusions.exclusion,
    "tickets": tickets.tickets,
    "tickets/new": tickets.record,
    "tickets/{id}": tickets.ticket,
    "reports": reports.reports,
    "reports/make": reports.make,
    "reports/{name}": reports.file,
    "changes": changes.changes,
}
FORMS = (
    "maintenance/new", "maintenance/{id}", "outages/{id}", "exclusions/{id}", "tickets/new", "tickets/{id}",
)  # fmt: skip
"""The views that take what a form sends."""
DOING = ("act", "seen")
"""The fields without which a form changes nothing."""


class Console:
    def __init__(self, monotonic: Callable[[], float], backend: Backend) -> None:
        self._backend = backend
        self._tokens = Tokens(monotonic)
        self._assets = Assets("monitor.console")
        self._renderer = Renderer("monitor.console", self._assets)

    @property
    def routes(self) -> list[web.RouteDef]:
        start = [web.get(path, self._start) for path in (ROOT, f"{ROOT}/")]
        made = [web.get(_path(path), self._handler(path, view)) for path, view in VIEWS.items()]
        made += [web.post(_path(path), self._handler(path, VIEWS[path])) for path in FORMS]
        return [*start, *made, *self._assets.routes(ROOT)]

    async def _start(self, request: web.Request) -> web.Response:
        """To the first page in the reader's language."""
        _person(request)
        language = negotiated(request.headers.get("Accept-Language", ""), "th")
        below = "" if request.path.endswith("/") else f"{ROOT.strip('/')}/"
        there = {"Location": f"{below}{language}/", "Vary": "Accept-Language"}
        return web.Response(status=302, headers={**there, **HEADERS})

    def _handler(self, path: str, view: View) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            language = _language(request)
            visit = await self._visit(request, _person(request), language, path)
            try:
                return await self._answered(visit, view, request.method == "POST")
            except MissingError as error:
                return await self._page(visit, Shown("problem.html", {"problem": str(error)}, 404))
            except LedgerError as error:
                line = visit.text("errors.unreadable", why=str(error))
                return await self._page(visit, Shown("problem.html", {"problem": line}, 503))

        return handle

    async def _answered(self, visit: Visit, view: View, sent: bool) -> web.Response:  # noqa: FBT001 - read at once
        """A form that comes from no page of ours, or from one that is too old, is shown again and does nothing."""
        forged = sent and not self._tokens.right(visit.form.get("token", ""), visit.person.proof)
        if forged:
            log.warning("console.form_refused", who=visit.person.proof, page=visit.place.path)
            form = {name: value for name, value in visit.form.items() if name not in DOING}
            outcome = await view(self._backend, replace(visit, form=form))
            assert isinstance(outcome, Shown)  # noqa: S101 - without an act no view has done anything
            return await self._page(visit, replace(outcome, status=403), visit.text("errors.forged"))
        outcome = await view(self._backend, visit)
        if isinstance(outcome, Moved):
            to = quote(outcome.to, safe="/?=&")
            return web.Response(status=303, headers={"Location": f"{visit.place.home}{to}", **HEADERS})
        if isinstance(outcome, File):
            saved = {"Content-Disposition": f'attachment; filename="{outcome.name}"'}
            return web.Response(body=outcome.body, content_type=outcome.content_type, headers={**HEADERS, **saved})
        return await self._page(visit, outcome)

    async def _page(self, visit: Visit, shown: Shown, notice: str = "") -> web.Response:
        made = partial(
            self._renderer.page, shown.template, visit.place,
            w=visit.wording, person=visit.person, token=self._tokens.make(visit.person.proof), notice=notice,
            done=visit.wording.known(f"console.done.{visit.query.get('done', '')}", ""), **shown.values,
        )  # fmt: skip
        text = await asyncio.to_thread(made)
        return web.Response(text=text, content_type="text/html", status=shown.status, headers=HEADERS)

    async def _visit(self, request: web.Request, person: Person, language: Language, path: str) -> Visit:
        names = {key: value for key, value in request.match_info.items() if key != "language"}
        place = Place(language, path.format(**{key: quote(value, safe="") for key, value in names.items()}))
        form = await _form(request) if request.method == "POST" else {}
        return Visit(person, place, Wording(language, self._backend.zone), names, request.query, form)


def console_of(clock: Clock, source: Source, act: Act, settings: Callable[[], Settings]) -> list[web.RouteDef]:
    """The routes of a console over a daemon's parts."""
    return Console(clock.monotonic, Backend(clock, source, act, settings)).routes


def _path(path: str) -> str:
    return f"{ROOT}/{{language}}/{path}"


def _person(request: web.Request) -> Person:
    who = request.get(WHO)
    if who is None:
        raise web.HTTPForbidden(text=HOW)
    return Person.of(who)


def _language(request: web.Request) -> Language:
    for one in LANGUAGES:
        if request.match_info["language"] == one:
            return one
    raise web.HTTPNotFound(text=f"the console speaks {' and '.join(LANGUAGES)}: go to {ROOT}/")


async def _form(request: web.Request) -> dict[str, str]:
    """What a form of ours sends. Raises ValueError for what is no text in UTF-8, or too many fields."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise web.HTTPUnsupportedMediaType(text="a form is expected")
    body = (await request.read()).decode("utf-8")
    return dict(parse_qsl(body, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"))
