"""Proves the webmail probe against something that behaves like Roundcube, and against what does not."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from probes.errors import Cause
from tests.probes.conftest import PASSWORD, Authority, Run
from tests.probes.scripted import Script, close, flood, half_close, serving, stall, then_close

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LOGIN_FORM = """<form action="/?_task=login" method="post"><input type="hidden" name="_token" value="t0ken">
<input type="hidden" name="_task" value="login"><input type="hidden" name="_action" value="login">
<input name="_user"><input name="_pass" type="password"></form>"""
INBOX = """<script>rcmail.set_env({"task":"mail","request_token":"abc123","mailbox":"INBOX"});</script>"""
LISTING = '{"action":"list","unlock":"","exec":"this.set_message_count(3);"}'


def page(text: str, status: int = 200) -> Handler:
    async def show(_: web.Request) -> web.Response:
        return web.Response(text=text, status=status, content_type="text/html")

    return show


def redirect(location: str) -> Handler:
    async def show(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": location})

    return show


async def accept(request: web.Request) -> web.Response:
    form = await request.post()
    assert form["_token"] == "t0ken"
    if (form["_user"], form["_pass"]) != ("probe@example.org", PASSWORD):
        return web.Response(text=LOGIN_FORM, status=401, content_type="text/html")
    response = web.Response(status=302, headers={"Location": "./?_task=mail&_token=abc123"})
    response.set_cookie("roundcube_sessauth", "yes")
    return response


def refuse(message: str) -> Handler:
    script = f'<script>rcmail.display_message("{message}","warning",0);</script>'
    return page(LOGIN_FORM + script, 401)


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"x" * 65536)


def needs_cookie(handler: Handler) -> Handler:
    async def show(request: web.Request) -> web.StreamResponse:
        if request.cookies.get("roundcube_sessauth") != "yes":
            return await page(LOGIN_FORM)(request)
        return await handler(request)

    return show


async def listing(request: web.Request) -> web.Response:
    assert request.headers["X-Roundcube-Request"] == "abc123"
    return web.Response(text=LISTING, content_type="text/plain")


ROUNDCUBE: dict[str, Handler] = {
    "page": page(LOGIN_FORM),
    "login": accept,
    "inbox": needs_cookie(page(INBOX)),
    "list": needs_cookie(listing),
    "logout": page(LOGIN_FORM),
}


@asynccontextmanager
async def roundcube(
    context: ssl.SSLContext | None = None, /, **changes: Handler
) -> AsyncIterator[tuple[int, list[str]]]:
    """A likeness of Roundcube on loopback: its port, and what was asked for."""
    handlers = ROUNDCUBE | changes
    asked: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        query = request.query
        what = {"login": "login", "logout": "logout"}.get(query.get("_task", ""), "page")
        if query.get("_task") == "mail":
            what = query.get("_action", "inbox")
        asked.append(what)
        return await handlers[what](request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    try:
        yield runner.addresses[0][1], asked
    finally:
        await runner.cleanup()


def clear(port: int, login: dict[str, Any] | None) -> dict[str, Any]:
    return {"url": f"http://127.0.0.1:{port}/", "tls": "none", "login": login}


async def test_a_whole_visit_is_up(run: Run, login: dict[str, Any], authority: Authority) -> None:
    async with roundcube(authority.good) as (port, asked):
        options = {
            "url": f"https://127.0.0.1:{port}/",
            "tls": {"mode": "implicit", "ca_file": authority.ca_file},
            "login": login,
        }
        result = await run("webmail", options)
    assert result.failure is None
    assert result.phases == ["dns", "connect", "tls", "page", "login", "inbox", "logout"]
    assert asked == ["page", "login", "inbox", "list", "logout"]
    assert result.steps.evidence.certificate is not None


async def test_without_a_login_the_page_is_enough(run: Run) -> None:
    async with roundcube() as (port, asked):
        result = await run("webmail", clear(port, None))
    assert result.failure is None
    assert asked == ["page"]


async def test_a_pulse_asks_for_nothing(run: Run) -> None:
    async with roundcube() as (port, asked):
        result = await run("webmail", clear(port, None), pulse=True)
    assert result.failure is None
    assert result.phases == ["dns", "connect"]
    assert asked == []


FAULTS: dict[str, tuple[dict[str, Handler], Cause, str]] = {
    "in maintenance": ({"page": page("later", 503)}, Cause.REJECTED_TEMPORARY, "page"),
    "broken behind the proxy": ({"page": page("bad", 502)}, Cause.REJECTED_PERMANENT, "page"),
    "gone": ({"page": page("gone", 404)}, Cause.REJECTED_PERMANENT, "page"),
    "some other page": ({"page": page("<h1>It works!</h1>")}, Cause.CONTENT, "page"),
    "some other form": ({"page": page('<form><input name="q"></form>')}, Cause.CONTENT, "page"),
    "endless": ({"page": endless}, Cause.PROTOCOL, "page"),
    "redirecting in circles": ({"page": redirect("/")}, Cause.PROTOCOL, "page"),
    "redirecting elsewhere": ({"page": redirect("http://elsewhere.example/")}, Cause.CONTENT, "page"),
    "redirecting to a file": ({"page": redirect("file:///etc/passwd")}, Cause.CONTENT, "page"),
    "redirecting to nonsense": ({"page": redirect("http://[")}, Cause.PROTOCOL, "page"),
    "posting elsewhere": (
        {"page": page(LOGIN_FORM.replace('"/?', '"https://elsewhere.example/?'))},
        Cause.CONTENT,
        "login",
    ),
    "refusing the credential": ({"login": refuse("Login failed.")}, Cause.AUTH, "login"),
    "refusing without a word": ({"login": page(LOGIN_FORM)}, Cause.AUTH, "login"),
    "refusing in Thai": ({"login": refuse("ไม่สามารถเข้าสู่ระบบได้")}, Cause.AUTH, "login"),
    "without its IMAP server": (
        {"login": refuse("Connection to storage server failed.")},
        Cause.REJECTED_TEMPORARY,
        "login",
    ),
    "without its IMAP server, in Thai": (
        {"login": refuse("ไม่สามารถติดต่อ IMAP Server ได้")},
        Cause.REJECTED_TEMPORARY,
        "login",
    ),
    "sending the password back": (
        {"login": refuse(PASSWORD.replace("\\", "\\\\").replace('"', '\\"'))},
        Cause.AUTH,
        "login",
    ),
    "failing at the login": ({"login": page("oops", 500)}, Cause.REJECTED_PERMANENT, "login"),
    "blank after the login": ({"login": page("")}, Cause.CONTENT, "login"),
    "without an inbox": ({"inbox": page(LOGIN_FORM)}, Cause.CONTENT, "inbox"),
    "without a list": ({"list": page("<html>")}, Cause.CONTENT, "inbox"),
    "with a list of something": ({"list": page("[1, 2]")}, Cause.CONTENT, "inbox"),
    "with a list of an error": (
        {"list": page('{"action":"list","exec":"this.display_message(\\"Server Error!\\",\\"error\\",0);"}')},
        Cause.CONTENT,
        "inbox",
    ),
}


@pytest.mark.parametrize(("changes", "cause", "phase"), FAULTS.values(), ids=FAULTS)
async def test_a_webmail_is_named_for_what_is_wrong(
    changes: dict[str, Handler], cause: Cause, phase: str, run: Run, login: dict[str, Any]
) -> None:
    async with roundcube(**changes) as (port, _):
        result = await run("webmail", clear(port, login))
    assert (result.cause, result.steps.failed) == (cause, phase)


async def test_redirects_within_the_host_are_followed(run: Run, login: dict[str, Any]) -> None:
    async def moved(request: web.Request) -> web.StreamResponse:
        return await (page(LOGIN_FORM) if request.path == "/mail/" else redirect("/mail/"))(request)

    async with roundcube(page=moved) as (port, _):
        result = await run("webmail", clear(port, login))
    assert result.failure is None


async def test_a_redirect_out_of_tls_is_refused_before_the_password_goes(
    run: Run, login: dict[str, Any], authority: Authority
) -> None:
    async with roundcube(authority.good, page=redirect("http://127.0.0.1:1/")) as (port, asked):
        options = {"url": f"https://127.0.0.1:{port}/", "tls": {"mode": "implicit", "ca_file": authority.ca_file}}
        result = await run("webmail", options | {"login": login})
    assert result.cause is Cause.CONTENT
    assert asked == ["page"]


async def test_a_failing_log_out_is_no_failure(run: Run, login: dict[str, Any]) -> None:
    async with roundcube(logout=redirect("http://elsewhere.example/")) as (port, _):
        result = await run("webmail", clear(port, login))
    assert result.failure is None
    assert not result.steps.phases[-1].ok


async def test_a_refused_certificate_is_shown(run: Run, login: dict[str, Any], authority: Authority) -> None:
    async with roundcube(authority.other_name) as (port, asked):
        options = {"url": f"https://127.0.0.1:{port}/", "tls": {"mode": "implicit", "ca_file": authority.ca_file}}
        result = await run("webmail", options | {"login": login})
    assert (result.cause, result.steps.failed) == (Cause.TLS_CERTIFICATE, "tls")
    assert result.steps.evidence.certificate is not None
    assert result.steps.evidence.certificate.problem == "name"
    assert asked == []


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        (Script(close, {"*": b""}), Cause.DISCONNECTED),
        (Script(half_close, {"*": b""}), Cause.DISCONNECTED),
        (Script(b"", {"GET": close, "*": b""}), Cause.DISCONNECTED),
        (Script(b"", {"GET": b"220 smtp ready\r\n", "*": b""}), Cause.PROTOCOL),
        (Script(b"", {"GET": flood(b"HTTP/1.1 200 " + b"A" * 8192), "*": b""}), Cause.PROTOCOL),
        (Script(b"", {"GET": flood(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 500), "*": b""}), Cause.PROTOCOL),
        (
            Script(b"", {"GET": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "*": b""}),
            Cause.PROTOCOL,
        ),
        (Script(b"", {"GET": b"HTTP/1.1 000 no\r\n\r\n", "*": b""}), Cause.PROTOCOL),
        (Script(b"", {"GET": b"HTTP/1.1 999 no\r\nContent-Length: 0\r\n\r\n", "*": b""}), Cause.REJECTED_PERMANENT),
        (Script(b"", {"GET": b"HTTP/1.1 2000 no\r\n\r\n", "*": b""}), Cause.PROTOCOL),
        (Script(b"", {"GET": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "*": b""}), Cause.PROTOCOL),
        (Script(b"", {"GET": b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", "*": b""}), Cause.PROTOCOL),
        (
            Script(b"", {"GET": then_close(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nfewer"), "*": b""}),
            Cause.DISCONNECTED,
        ),
        (
            Script(b"", {"GET": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n", "*": b""}),
            Cause.PROTOCOL,
        ),
    ],
    ids=[
        "closes",
        "says no more",
        "closes at GET",
        "is an SMTP server",
        "long line",
        "many headers",
        "bad chunk",
        "code 000",
        "code 999",
        "four digits",
        "negative length",
        "NUL",
        "fewer than said",
        "negative chunk",
    ],
)
async def test_what_is_no_web_server_is_named_at_once(script: Script, cause: Cause, run: Run) -> None:
    async with serving(script.but()) as server:
        result = await run("webmail", clear(server.port, None))
    assert (result.cause, result.steps.failed) == (cause, "page")


async def test_a_stall_is_left_to_the_deadline_and_leaves_nothing_behind(run: Run) -> None:
    async with serving(Script(stall, {"*": b""})) as server:
        result = await run("webmail", clear(server.port, None), expire="page")
    assert result.timed_out
    assert result.steps.failed == "page"
