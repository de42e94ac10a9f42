"""Proves the browser against real Roundcube: a real Chromium logs in, opens a message, and leaves nothing behind."""

import asyncio
import html
import os
import socket as socketlib
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from monitor.blame import outcome_of
from monitor.core.check import Outcome
from probes.errors import Cause
from probes.processes import below
from tests.lab import Lab
from tests.lab.clients import imap_session
from tests.probes.conftest import Authority, Run, Secret
from tests.probes.test_webmail import LOGIN_FORM, clear, page, roundcube

PATIENCE_S = 90.0
PNG = b"\x89PNG\r\n"


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No process of a browser outlives its check."""
    before = below(os.getpid())
    yield
    programs = []
    for pid in below(os.getpid()) - before:
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            programs.append(Path(f"/proc/{pid}/comm").read_text())
    assert not [name for name in programs if name.startswith(("chrom", "node", "python"))]


def target(lab: Lab, password: str | None = None, **browser: Any) -> dict[str, Any]:
    return {
        "url": lab.webmail_url,
        "tls": {"mode": "implicit", "ca_file": lab.ca_file},
        "login": {"username": lab.probe.username, "password": Secret(password or lab.probe.password)},
        "browser": {"patience": 30} | browser,
    }


@pytest.fixture(scope="module")
def mail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab whose probe has a message to open."""
    with Lab(tmp_path_factory.mktemp("lab")) as lab:
        with imap_session(lab) as client:
            client.append("INBOX", "", "", b"From: a@example.org\r\nSubject: Hello\r\n\r\nThe text.\r\n")
        yield lab


async def test_a_browser_logs_in_and_opens_the_newest_message(mail: Lab, run: Run) -> None:
    result = await run("webmail", target(mail), within=PATIENCE_S)
    assert result.failure is None
    assert result.phases == ["dns", "connect", "tls", "launch", "page", "login", "message", "logout"]
    assert all(phase.ok for phase in result.steps.phases)
    assert result.steps.evidence.attachments == {}


async def test_a_wrong_password_is_refused_as_such_with_a_picture(mail: Lab, run: Run) -> None:
    result = await run("webmail", target(mail, "wrong-0451"), within=PATIENCE_S)
    assert (result.cause, result.steps.failed) == (Cause.AUTH, "login")
    assert result.steps.evidence.attachments["screenshot.png"].startswith(PNG)


async def test_a_mailbox_without_a_message_is_said_to_be_so(mail: Lab, run: Run) -> None:
    selectors = {"link": "#no-such-list a", "shown": "#messagebody"}
    result = await run("webmail", target(mail, patience=8, message=selectors), within=PATIENCE_S)
    assert (result.cause, result.steps.failed) == (Cause.CONTENT, "message")
    assert result.steps.evidence.attachments["screenshot.png"].startswith(PNG)


async def test_a_browser_that_is_not_there_is_one_line_and_no_downtime(shared_lab: Lab, run: Run) -> None:
    result = await run("webmail", target(shared_lab, executable="/usr/bin/no-such-browser"), within=PATIENCE_S)
    assert (result.cause, result.steps.failed) == (Cause.BROWSER, "launch")
    assert "apt install chromium" in str(result.failure)
    assert outcome_of(Cause.BROWSER) is Outcome.UNKNOWN


async def test_a_browser_that_breaks_down_is_no_downtime(shared_lab: Lab, run: Run) -> None:
    result = await run("webmail", target(shared_lab, executable="/bin/false"), within=PATIENCE_S)
    assert (result.cause, result.steps.failed) == (Cause.BROWSER, "launch")


async def test_a_socket_that_nobody_serves_says_how_to_serve_it(shared_lab: Lab, run: Run, tmp_path: Path) -> None:
    result = await run("webmail", target(shared_lab, socket=tmp_path / "none.sock"))
    assert (result.cause, result.steps.failed) == (Cause.BROWSER, "launch")
    assert "systemctl start mailuptime-browser.socket" in str(result.failure)


async def test_a_browser_behind_a_socket_ends_with_the_connection(mail: Lab, run: Run, tmp_path: Path) -> None:
    """As systemd serves it: each connection is the input and the output of a worker of its own."""
    socket = tmp_path / "browser.sock"
    async with activated(socket):
        result = await run("webmail", target(mail, socket=socket), within=PATIENCE_S)
        assert result.failure is None
        assert result.phases[-2:] == ["message", "logout"]
        result = await run("webmail", target(mail, socket=socket), within=PATIENCE_S, expire="page")
        assert result.timed_out


@asynccontextmanager
async def activated(path: Path) -> AsyncIterator[None]:
    """What systemd does with Accept=yes."""
    listener = socketlib.socket(socketlib.AF_UNIX)
    listener.setblocking(False)
    listener.bind(str(path))
    listener.listen()
    workers: list[asyncio.subprocess.Process] = []

    async def serve() -> None:
        while True:
            connection, _ = await asyncio.get_running_loop().sock_accept(listener)
            connection.setblocking(True)
            program = (sys.executable, "-m", "monitor", "browser-worker")
            descriptor = connection.fileno()
            workers.append(await asyncio.create_subprocess_exec(*program, stdin=descriptor, stdout=descriptor))
            connection.close()

    serving = asyncio.create_task(serve())
    try:
        yield
        for worker in workers:
            await worker.wait()  # by itself: nobody kills it
    finally:
        serving.cancel()
        listener.close()


async def hang(request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def test_a_page_that_hangs_runs_into_the_deadline(run: Run, login: dict[str, Any]) -> None:
    async with roundcube(page=hang) as (port, _):
        options = clear(port, login) | {"browser": {"patience": 300}}
        result = await run("webmail", options, within=PATIENCE_S, expire="page")
    assert result.timed_out
    assert result.steps.failed == "page"


async def test_a_log_in_that_hangs_is_given_up_with_a_picture_without_the_password(
    run: Run, login: dict[str, Any]
) -> None:
    async with roundcube(login=hang) as (port, _):
        options = clear(port, login) | {"browser": {"patience": 5}}
        result = await run("webmail", options, within=PATIENCE_S)
    assert (result.cause, result.steps.failed) == (Cause.TIMEOUT, "login")


@pytest.mark.parametrize("status", [302, 307])
async def test_a_log_in_never_reaches_another_host(status: int, run: Run, login: dict[str, Any]) -> None:
    reached: list[str] = []

    async def catch(request: web.Request) -> web.Response:
        reached.append(await request.text())
        return web.Response(text="caught")

    async with roundcube(page=catch, login=catch) as (other, _):

        async def away(request: web.Request) -> web.Response:
            return web.Response(status=status, headers={"Location": f"http://127.0.0.1:{other}/?_task=login"})

        async with roundcube(login=away) as (port, asked):
            result = await run("webmail", clear(port, login) | {"browser": {"patience": 3}}, within=PATIENCE_S)
    assert (result.cause, result.steps.failed) == (Cause.CONTENT, "login")
    assert "login" in asked
    assert reached == []


async def test_a_form_that_posts_elsewhere_gets_no_password(run: Run, login: dict[str, Any]) -> None:
    reached: list[str] = []

    async def catch(request: web.Request) -> web.Response:
        reached.append(await request.text())
        return web.Response(text="caught")

    async with roundcube(page=catch, login=catch) as (other, _):
        form = LOGIN_FORM.replace('"/?', f'"http://127.0.0.1:{other}/?')
        async with roundcube(page=page(form)) as (port, _):
            result = await run("webmail", clear(port, login) | {"browser": {"patience": 3}}, within=PATIENCE_S)
    assert (result.cause, result.steps.failed) == (Cause.CONTENT, "login")
    assert reached == []


async def test_a_password_on_the_page_is_never_in_a_picture(run: Run, login: dict[str, Any]) -> None:
    text = html.escape(login["password"].reveal())
    async with roundcube(login=page(f"<p>{text}</p>")) as (port, _):
        result = await run("webmail", clear(port, login) | {"browser": {"patience": 3}}, within=PATIENCE_S)
    assert (result.cause, result.steps.failed) == (Cause.CONTENT, "login")
    assert result.steps.evidence.attachments == {}


async def test_a_certificate_of_another_name_stops_before_the_browser(
    run: Run, login: dict[str, Any], authority: Authority
) -> None:
    async with roundcube(authority.other_name) as (port, asked):
        options = {"url": f"https://127.0.0.1:{port}/", "tls": {"mode": "implicit", "ca_file": authority.ca_file}}
        result = await run("webmail", options | {"login": login, "browser": {}}, within=PATIENCE_S)
    assert (result.cause, result.steps.failed) == (Cause.TLS_CERTIFICATE, "tls")
    assert asked == []
