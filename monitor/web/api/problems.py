"""What is refused under `/api`, as RFC 9457 has it: whoever turned a request away, the answer is a problem document."""

import json
from http import HTTPStatus

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from monitor.web.api.parameters import BadParameterError
from monitor.web.guard import Handler

log = structlog.get_logger("web")

ROOT = "/api/"
MEDIA_TYPE = "application/problem+json"
DESCRIBED = f"{ROOT}v1/openapi.json describes what there is"
OWN_WORDS = {
    404: f"there is nothing at this address; {DESCRIBED}",
    405: f"this address does not take that method; {DESCRIBED}",
    500: "a mistake of mailuptime's own; its log has the rest",
}
"""In place of the library's."""


def problem(status: int, detail: str, **more: str) -> web.Response:
    document = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return web.Response(status=status, text=f"{json.dumps(document, ensure_ascii=False)}\n", content_type=MEDIA_TYPE)


def problems() -> Middleware:
    """Around everything that may refuse a request."""

    @web.middleware
    async def as_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith(ROOT):
            return await handler(request)
        try:
            response = await handler(request)
        except BadParameterError as error:
            return problem(400, str(error), parameter=error.name)
        except Exception:
            log.exception("api.failed", path=request.path)
            return problem(500, OWN_WORDS[500])
        if response.status < 400 or not isinstance(response, web.Response) or response.content_type == MEDIA_TYPE:
            return response
        return _turned(response)

    return as_problems


def _turned(plain: web.Response) -> web.Response:
    """The same as a problem, with what else the answer's head says, such as which methods are allowed."""
    text = (plain.text or "").strip()
    librarys = text.startswith(f"{plain.status}: ")
    detail = OWN_WORDS.get(plain.status, text) if librarys or not text else text
    made = problem(plain.status, detail)
    for name, value in plain.headers.items():
        if name.lower() not in {"content-type", "content-length"}:
            made.headers.add(name, value)
    return made
