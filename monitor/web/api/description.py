"""The API as OpenAPI 3.1, from the table of operations: nothing is described that is not answered, nor left out."""

from collections.abc import Iterator
from typing import Any

from aiohttp import web

from monitor import __version__
from monitor.figures import Document
from monitor.web.api.answers import answer
from monitor.web.api.operations import BASE, OPERATIONS, Operation
from monitor.web.api.parameters import Parameter
from monitor.web.api.problems import MEDIA_TYPE
from monitor.web.api.schemas import SCHEMAS, ref
from monitor.web.api.tickets import WRITES, Write
from monitor.web.guard import Handler

PATH = f"{BASE}/openapi.json"
_ABOUT = (
    "What mailuptime knows of services, months, outages, declarations and tickets. Only tickets are written, by who "
    "proved who he is. Every answer to GET has a strong "
    "ETag: ask with If-None-Match for 304. Errors are problem documents (RFC 9457). "
    "Parameters that there are not are refused."
)
_REFUSALS = {
    400: "A parameter that cannot be, or an act that is refused.",
    401: "User and password are asked for by the web configuration.",
    403: "The client's certificate is not among those that may ask, or nobody proved who he is and would write.",
    404: "There is no such service or verb.",
    429: "More requests than the web configuration's rate_limit.",
    503: "Too many passwords wait to be looked at; try again.",
}
_ETAG = {"description": "Strong; of exactly this document.", "schema": {"type": "string"}}
_CONDITION = {
    "name": "If-None-Match", "in": "header", "description": "The ETag of what is there already.",
    "schema": {"type": "string"},
}  # fmt: skip


def description() -> Document:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mailuptime", "version": __version__, "description": _ABOUT,
            "license": {"name": "GPL-3.0-or-later", "identifier": "GPL-3.0-or-later"},
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"basic": []}, {"certificate": []}],
        "paths": _paths(),
        "components": {
            "schemas": SCHEMAS,
            "responses": {f"Refused{status}": _refusal(about) for status, about in _REFUSALS.items()},
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic", "description": "Users of the web configuration."},
                "certificate": {"type": "mutualTLS", "description": "Where the web configuration asks for it."},
            },
        },
    }  # fmt: skip


def _paths() -> Document:
    paths: Document = {f"{BASE}{one.path}": {"get": _operation(one)} for one in OPERATIONS}
    for one in WRITES:
        paths.setdefault(f"{BASE}{one.path}", {})["post"] = _write(one)
    return paths


def route() -> web.RouteDef:
    return web.get(PATH, _handler())


def _handler() -> Handler:
    made = description()

    async def handle(request: web.Request) -> web.StreamResponse:
        return await answer(request, made)

    return handle


def _operation(operation: Operation) -> Document:
    statuses = [status for status in _REFUSALS if status != 404 or _names_a_service(operation)]
    return {
        "operationId": operation.identity,
        "summary": operation.about,
        "parameters": [*map(_parameter, operation.parameters), _CONDITION],
        "responses": {**dict(_answers(operation)), **{str(one): _refused(one) for one in statuses}},
    }


def _write(write: Write) -> Document:
    body = {"required": True, "content": {"application/json": {"schema": ref("TicketAct")}}}
    answered = {"description": "The ticket as it is now.", "content": {"application/json": {"schema": ref("Ticket")}}}
    return {
        "operationId": write.identity,
        "summary": write.about,
        "security": [{"basic": []}, {"certificate": []}],
        "parameters": [_parameter(one) for one in write.parameters],
        "requestBody": body,
        "responses": {str(write.status): answered, **{str(one): _refused(one) for one in _REFUSALS}},
    }


def _answers(operation: Operation) -> Iterator[tuple[str, Document]]:
    schema: Any = ref(operation.schema)
    yield "200", {"description": SCHEMAS[operation.schema]["description"], "headers": {"ETag": _ETAG},
                  "content": {"application/json": {"schema": schema}}}  # fmt: skip
    yield "304", {"description": "The same as before.", "headers": {"ETag": _ETAG}}


def _parameter(parameter: Parameter) -> Document:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.place == "path",
        "description": parameter.about,
        "schema": {**parameter.schema, "examples": [parameter.example]},
    }


def _names_a_service(operation: Operation) -> bool:
    return any(one.name in {"name", "service"} for one in operation.parameters)


def _refused(status: int) -> Document:
    return {"$ref": f"#/components/responses/Refused{status}"}


def _refusal(about: str) -> Document:
    return {"description": about, "content": {MEDIA_TYPE: {"schema": ref("Problem")}}}
