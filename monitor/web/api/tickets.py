"""Incidents, service requests and complaints over HTTP: what may be asked for, and what who proved who he is may write.

The author is who is authenticated, whatever the body says.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from monitor.figures import Document
from monitor.incidents.asked import Asked
from monitor.incidents.requests import VERBS
from monitor.settings.fields import identity
from monitor.web.api.parameters import IDENTITY, Parameter
from monitor.web.gate import WHO, peer_of
from monitor.web.guard import Handler

__all__ = ["PATHS", "WRITES", "Act", "Asked", "Write"]

PATHS = {"incidents": "incident", "requests": "request", "complaints": "complaint"}
Act = Callable[[str, Document, str], Awaitable[Document]]

_THAT = Parameter("id", "path", "Its id.", {"type": "string", "pattern": IDENTITY}, identity, "T-42")
_VERB = Parameter(
    "verb", "path", "What is recorded of it.", {"type": "string", "enum": list(VERBS)}, str, "respond"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Write:
    """One address that is posted to."""

    path: str
    identity: str
    about: str
    kind: str
    parameters: tuple[Parameter, ...] = ()

    @property
    def status(self) -> int:
        return 200 if self.parameters else 201

    def handler(self, act: Act) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            verb = request.match_info.get("verb", "open")
            if verb not in {"open", *VERBS} or (verb == "open" and self.parameters):
                raise web.HTTPNotFound(text=f"known: {', '.join(VERBS)}")
            author = request[WHO].partition(" ")[2]  # of `user alice`: the name, as in the console
            asked = await _asked(request) | {"kind": self.kind, "by": author, "source": "web"}
            if self.parameters:
                asked["id"] = request.match_info["id"]
            document = await act(f"ticket.{verb}", asked, f"{request[WHO]} from {peer_of(request)}")
            return web.json_response(document, status=self.status)

        return handle


def _writes(path: str, kind: str) -> tuple[Write, Write]:
    name = kind.capitalize()
    return (
        Write(f"/{path}", f"open{name}", f"Record a {kind}: its clocks begin.", kind),
        Write(f"/{path}/{{id}}/{{verb}}", f"act{name}", f"Record what became of a {kind}.", kind, (_THAT, _VERB)),
    )


WRITES = tuple(write for path, kind in PATHS.items() for write in _writes(path, kind))


async def _asked(request: web.Request) -> Document:
    try:
        body = json.loads((await request.read()).decode() or "{}")  # JSON is UTF-8, whatever a header says (RFC 8259)
        json.dumps(body, ensure_ascii=False).encode()  # halves of characters are no text
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="a JSON object is expected")
    return body
