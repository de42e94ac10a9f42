"""Proves that a described form is enough: against real Roundcube, a likeness of SOGo, and what is hostile."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aiohttp import web

from probes.errors import Cause
from tests.lab import Lab
from tests.probes.conftest import PASSWORD, Run, Secret
from tests.probes.test_webmail import LOGIN_FORM, Handler, clear, endless, page, redirect, roundcube

# Roundcube as somebody would describe it who has never heard of it
DESCRIBED = {
    "fields": {"username": "_user", "password": "_pass"},
    "success": {"text": '"task":"mail"', "url": "_task=mail", "cookie": "roundcube_sessauth", "status": 200},
    "failure": {"text": "Login failed"},
    "unavailable": {"text": "(?i)storage server"},
}


def real(lab: Lab, password: str | None = None) -> dict[str, Any]:
    return {
        "url": lab.webmail_url,
        "tls": {"mode": "implicit", "ca_file": lab.ca_file},
        "login": {"username": lab.probe.username, "password": Secret(password or lab.probe.password)},
        "flavour": "form",
        "form": DESCRIBED,
    }


async def test_real_roundcube_is_up_by_its_description_alone(shared_lab: Lab, run: Run) -> None:
    result = await run("webmail", real(shared_lab))
    assert result.failure is None
    assert result.phases == ["dns", "connect", "tls", "page", "login"]


async def test_a_wrong_password_is_refused_by_real_roundcube(shared_lab: Lab, run: Run) -> None:
    result = await run("webmail", real(shared_lab, "wrong-0451"))
    assert (result.cause, result.steps.failed) == (Cause.AUTH, "login")


async def test_roundcube_without_its_imap_server_blames_no_credential(lab: Lab, run: Run) -> None:
    lab.stop_dovecot()
    result = await run("webmail", real(lab))
    assert (result.cause, result.steps.failed) == (Cause.REJECTED_TEMPORARY, "login")


def described(port: int, login: dict[str, Any], **form: Any) -> dict[str, Any]:
    marks = {"success": {"text": "Welcome"}, "failure": {"text": "Wrong"}}
    fields = {"username": "_user", "password": "_pass"}
    return clear(port, login) | {"flavour": "form", "form": {"fields": fields} | marks | form}


ANSWERS: dict[str, tuple[Handler, Cause | None]] = {
    "success": (page("Welcome"), None),
    "failure": (page("Wrong", 401), Cause.AUTH),
    "both": (page("Wrong, Welcome"), Cause.AUTH),
    "neither": (page("Hello"), Cause.CONTENT),
    "broken": (page("oops", 500), Cause.REJECTED_PERMANENT),
    "busy": (page("later", 503), Cause.REJECTED_TEMPORARY),
    "endless": (endless, Cause.PROTOCOL),
    "elsewhere": (redirect("http://elsewhere.example/"), Cause.CONTENT),
    "in circles": (redirect("/?_task=circle"), Cause.PROTOCOL),
    "a script that would go on": (page("<script>location = '/?_task=mail'</script>"), Cause.CONTENT),
}


@pytest.mark.parametrize(("answer", "cause"), ANSWERS.values(), ids=ANSWERS)
async def test_the_page_after_the_log_in_decides(
    answer: Handler, cause: Cause | None, run: Run, login: dict[str, Any]
) -> None:
    async def shown(request: web.Request) -> web.StreamResponse:
        return await (redirect("/?_task=circle") if "_task" in request.query else page(LOGIN_FORM))(request)

    async with roundcube(login=answer, page=shown) as (port, _):
        result = await run("webmail", described(port, login))
    assert result.cause == cause
    assert result.steps.failed == (None if cause is None else "login")


async def test_hidden_fields_are_carried_along_and_further_ones_added(run: Run, login: dict[str, Any]) -> None:
    sent: list[dict[str, Any]] = []

    async def take(request: web.Request) -> web.StreamResponse:
        sent.append(dict(await request.post()))
        return await page("Welcome")(request)

    async with roundcube(login=take) as (port, _):
        assert (await run("webmail", described(port, login, extra={"lang": "th"}))).failure is None
        assert (await run("webmail", described(port, login, hidden="drop"))).failure is None
    credential = {"_user": "probe@example.org", "_pass": PASSWORD}
    assert sent == [
        {"_token": "t0ken", "_task": "login", "_action": "login", "lang": "th"} | credential,
        credential,
    ]


async def test_a_page_without_the_fields_is_not_the_log_in_page(run: Run, login: dict[str, Any]) -> None:
    async with roundcube(page=page('<form><input name="q"></form>')) as (port, asked):
        result = await run("webmail", described(port, login))
    assert (result.cause, result.steps.failed) == (Cause.CONTENT, "page")
    assert asked == ["page"]


async def test_a_form_that_posts_to_another_host_gets_no_password(run: Run, login: dict[str, Any]) -> None:
    async with roundcube(page=page(LOGIN_FORM.replace('"/?', '"http://elsewhere.example/?'))) as (port, asked):
        result = await run("webmail", described(port, login))
    assert (result.cause, result.steps.failed) == (Cause.CONTENT, "login")
    assert asked == ["page"]


@asynccontextmanager
async def forgetful(answers: int) -> AsyncIterator[tuple[int, list[str]]]:
    """It answers so many requests, each connection's first one, as if more could follow, and ends the connection."""
    heard: list[str] = []

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            heard.append(head.split()[0])
            length = re.search(r"(?i)content-length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            if len(heard) <= answers:
                body = LOGIN_FORM if heard[-1] == "GET" else "Welcome"
                writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
                await writer.drain()
        writer.close()

    async with await asyncio.start_server(visit, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], heard


async def test_a_log_in_over_a_kept_connection_that_has_ended_is_made_over_a_new_one(
    run: Run, login: dict[str, Any]
) -> None:
    async with forgetful(2) as (port, heard):
        result = await run("webmail", described(port, login))
    assert result.failure is None
    assert heard == ["GET", "POST"]


async def test_a_log_in_that_a_new_connection_does_not_answer_is_not_made_again(
    run: Run, login: dict[str, Any]
) -> None:
    async with forgetful(1) as (port, heard):
        result = await run("webmail", described(port, login))
    assert (result.cause, result.steps.failed) == (Cause.DISCONNECTED, "login")
    assert heard == ["GET", "POST"]


@asynccontextmanager
async def sogo(**answers: web.Response) -> AsyncIterator[int]:
    """What SOGo's own page meets: JSON to /SOGo/connect, answered by JSON and a session's cookie."""

    async def connect(request: web.Request) -> web.Response:
        given = await request.json()
        if forced := answers.get("connect"):
            return forced
        if (given["userName"], given["password"]) != ("probe@example.org", PASSWORD):
            return web.json_response({"LDAPPasswordPolicyError": 65535}, status=403)
        response = web.json_response({"username": "probe", "language": "English"})
        response.set_cookie("0xHIGHFLYxSOGo", "session", path="/SOGo/")
        response.set_cookie("XSRF-TOKEN", "token", path="/SOGo/")
        return response

    async def front(_: web.Request) -> web.Response:
        return web.Response(text="<div ng-controller='LoginController'></div>", content_type="text/html")

    app = web.Application()
    app.router.add_post("/SOGo/connect", connect)
    app.router.add_get("/SOGo/", front)
    app.router.add_get("/SOGo/so/logoff", front)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def groupware(port: int, login: dict[str, Any]) -> dict[str, Any]:
    return {"url": f"http://127.0.0.1:{port}/SOGo/", "tls": "none", "login": login, "flavour": "sogo"}


async def test_sogo_is_up(run: Run, login: dict[str, Any]) -> None:
    async with sogo() as port:
        result = await run("webmail", groupware(port, login))
    assert result.failure is None
    assert result.phases == ["dns", "connect", "page", "login", "logout"]


async def test_sogo_refuses_a_wrong_password(run: Run, login: dict[str, Any]) -> None:
    async with sogo() as port:
        result = await run("webmail", groupware(port, login | {"password": Secret("wrong-0451")}))
    assert (result.cause, result.steps.failed) == (Cause.AUTH, "login")


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (web.Response(status=403, text="<h1>Forbidden</h1>"), Cause.REJECTED_PERMANENT),
        (web.Response(status=503, text="no worker"), Cause.REJECTED_TEMPORARY),
        (web.json_response({"totpMissingKey": 1}), Cause.CONTENT),
    ],
    ids=["by a proxy", "without a worker", "wants a second factor"],
)
async def test_what_is_not_sogos_refusal_blames_no_credential(
    answer: web.Response, cause: Cause, run: Run, login: dict[str, Any]
) -> None:
    async with sogo(connect=answer) as port:
        result = await run("webmail", groupware(port, login))
    assert (result.cause, result.steps.failed) == (cause, "login")
