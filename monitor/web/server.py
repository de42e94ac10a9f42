"""HTTP on the loopback listener (metrics, health, API) and on the control socket (what commands ask)."""

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import structlog
from aiohttp import web

from monitor.acts import RefusedActError
from monitor.bookkeeper import NotDurableError
from monitor.core.calendar import Month
from monitor.figures import Document
from monitor.incidents.asked import Asked
from monitor.ledger import LedgerError
from monitor.logs import levels
from monitor.metrics import Answer
from monitor.resting import proof_of
from monitor.settings import ConfigurationError
from monitor.web import tickets
from monitor.web.api import description, operations
from monitor.web.api.problems import problems
from monitor.web.gate import WHO, Gate, peer_of
from monitor.web.guard import Handler, Limits, bounded, whole_body

log = structlog.get_logger("web")

MOST_BODY = 64 * 1024
_LINKS = (
    *("/metrics", "/-/healthy", "/-/ready", "/console/", description.PATH),
    *(f"{operations.BASE}{one.path}" for one in operations.OPERATIONS if "{" not in one.path),
)
Act = Callable[[str, Document, str], Awaitable[Document]]
"""Carries out an act by name, with its request and what is known of who asks."""

Reload = Callable[[str], Awaitable[list[str]]]
"""Reads the configuration again for somebody and returns what waits for a restart. Raises ConfigurationError."""


class Service(Protocol):
    """What the pages are made from; every answer is of the moment."""

    def exposition(self, accept: str, accept_encoding: str) -> Callable[[], Answer]:
        """The metrics of this moment; what is returned is called in a thread."""

    def unready(self) -> list[str]:
        """Why the daemon is not ready; empty when it is."""

    def sla(self, month: str | None, service: str | None = None) -> Document: ...

    def outages(self, month: str | None) -> Document: ...

    async def outages_in_turns(self, month: str | None, service: str | None = None) -> Document: ...

    def status(self) -> Document: ...

    def condition(self) -> Document: ...

    def services(self) -> list[str]: ...

    def declarations(self) -> Document: ...

    async def tickets_in_turns(self, asked: Asked) -> Document: ...

    def ticket_figures(self, month: Month) -> Document: ...


class Pages:
    """The routes over a `Service`. Documents may raise ValueError for a bad month: a 400 that says so."""

    def __init__(
        self,
        service: Service,
        act: Act,
        probe: Handler,
        report: Handler,
        reload: Reload,
        gate: Gate,
        set_level: Callable[[str, str], None],
        console: Sequence[web.RouteDef] = (),
    ) -> None:
        self._service = service
        self._act = act
        self._probe = probe
        self._report = report
        self._reload = reload
        self._gate = gate
        self._set_level = set_level
        self._console = console
        self._renderer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="metrics")

    def context(self) -> ssl.SSLContext | None:
        """The TLS of a connection that comes now."""
        return self._gate.context()

    def public(self, limits: Limits) -> web.Application:
        """What `web.listen` serves: reading, and for who has proved who he is, the reload."""
        middlewares = [bounded(limits), problems(), self._gate.middleware(), _plain_errors, whole_body(limits)]
        app = web.Application(middlewares=middlewares, client_max_size=MOST_BODY)
        app.add_routes(
            [
                web.get("/", self._index),
                web.get("/metrics", self._metrics),
                web.get("/probe", self._probe),
                web.get("/-/healthy", self._healthy),
                web.get("/-/ready", self._ready),
                web.post("/-/reload", self._reload_for_web),
                *operations.routes(self._service, operations.OPERATIONS),
                *operations.writing(self._act),
                description.route(),
                *self._console,
            ]
        )
        return app

    def control(self, limits: Limits) -> web.Application:
        """What commands ask of a running daemon; who may ask is the socket's mode."""
        app = web.Application(
            middlewares=[bounded(limits), _plain_errors, whole_body(limits)], client_max_size=MOST_BODY
        )
        app.add_routes(
            [
                web.get("/sla", self._sla),
                web.get("/outages", self._outages),
                web.get("/status", self._status),
                web.get("/condition", self._condition),
                web.get("/declarations", self._declarations),
                web.get("/tickets", tickets.listed(self._service)),
                web.get("/report", self._report),
                web.post("/acts/{act}", self._acts),
                web.post("/reload", self._reload_for_command),
                web.get("/log-levels", self._log_levels),
                web.post("/log-levels", self._log_level),
            ]
        )
        return app

    def close(self) -> None:
        self._renderer.shutdown(wait=False, cancel_futures=True)
        self._gate.close()

    async def _index(self, _request: web.Request) -> web.Response:
        links = "".join(f'<li><a href="{path}">{path}</a>' for path in _LINKS)
        page = f"<!doctype html><title>mailuptime</title><h1>mailuptime</h1><ul>{links}</ul>"
        return web.Response(text=page, content_type="text/html")

    async def _metrics(self, request: web.Request) -> web.Response:
        accept, encoding = (", ".join(request.headers.getall(name, [])) for name in ("Accept", "Accept-Encoding"))
        render = self._service.exposition(accept, encoding)
        answer = await asyncio.get_running_loop().run_in_executor(self._renderer, render)
        return web.Response(body=answer.body, headers=answer.headers)

    async def _healthy(self, _request: web.Request) -> web.Response:
        return web.Response(text="healthy\n")

    async def _ready(self, _request: web.Request) -> web.Response:
        reasons = self._service.unready()
        if reasons:
            return web.Response(status=503, text="".join(f"{reason}\n" for reason in reasons))
        return web.Response(text="ready\n")

    async def _sla(self, request: web.Request) -> web.Response:
        return web.json_response(self._service.sla(request.query.get("month")))

    async def _outages(self, request: web.Request) -> web.Response:
        return web.json_response(self._service.outages(request.query.get("month")))

    async def _declarations(self, _request: web.Request) -> web.Response:
        return web.json_response(self._service.declarations())

    async def _acts(self, request: web.Request) -> web.Response:
        """Carry out an act; who asks is what the kernel says of the other end of the socket."""
        try:
            body = json.loads(await request.text())
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise web.HTTPBadRequest(text="a JSON object is expected")
        return web.json_response(await self._act(request.match_info["act"], body, _peer(request)))

    async def _reload_for_web(self, request: web.Request) -> web.Response:
        """As Prometheus answers: 200, or 500 and what is wrong."""
        try:
            waiting = await self._reload(f"{request[WHO]} from {peer_of(request)}")
        except ConfigurationError as error:
            return web.Response(status=500, text=f"the configuration is refused, the old one stays:\n{error}\n")
        return web.Response(text="".join(f"{line}\n" for line in ("reloaded", *waiting)))

    async def _reload_for_command(self, request: web.Request) -> web.Response:
        return web.json_response({"waiting": await self._reload(f"command of {_peer(request)}")})

    async def _log_levels(self, _request: web.Request) -> web.Response:
        return web.json_response(levels.listed())

    async def _log_level(self, request: web.Request) -> web.Response:
        """Until the next reload."""
        given = json.loads(await request.text())
        if not isinstance(given, dict):
            raise web.HTTPBadRequest(text="a JSON object is expected")
        subsystem, level = str(given.get("subsystem")), str(given.get("level"))
        self._set_level(subsystem, level)
        log.info("log.level_changed", of=subsystem, to=level, who=f"command of {_peer(request)}")
        return web.json_response(levels.listed())

    async def _condition(self, _request: web.Request) -> web.Response:
        return web.json_response(self._service.condition())

    async def _status(self, _request: web.Request) -> web.Response:
        return web.json_response(self._service.status())


@web.middleware
async def _plain_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Bad requests get one line of text, never a page of the library's."""
    try:
        return await handler(request)
    except (ValueError, RefusedActError, ConfigurationError) as error:
        return web.Response(status=400, text=f"{error}\n")
    except (NotDurableError, LedgerError) as error:
        return web.Response(status=503, text=f"{error}\n")
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return web.Response(status=error.status, text=f"{error.text}\n", headers=_allow(error))


def _allow(error: web.HTTPException) -> dict[str, Any]:
    return {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}


def _peer(request: web.Request) -> str:
    """The login on the other end of the control socket (SO_PEERCRED)."""
    transport = request.transport
    if transport is None:
        raise web.HTTPBadRequest(text="the connection is gone")
    credentials = transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    _pid, uid, _gid = struct.unpack("3i", credentials)
    return proof_of(uid)
