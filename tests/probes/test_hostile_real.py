"""Proves, fault by fault on real servers, what a check says of it: the cause, the phase and whose fault it is.

One table: what goes wrong, which way into the service is tried, and what comes of it. A fault that stands in every lab
has a port of its own or is a proxy's; the others are brought about in a fresh lab. What becomes of messages is in
`test_roundtrip.py`, what a packet filter does in `test_hostile_network.py`.
"""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest

from monitor.blame import outcome_of
from monitor.core.check import Outcome
from probes.errors import Cause, cause_of_timeout
from probes.imap_replies import mailbox_name
from tests.lab import Lab
from tests.lab.clients import imap_session
from tests.lab.proxy import Spoiled, spoiling
from tests.probes.conftest import Result, Run
from tests.probes.leaks import nothing_left
from tests.probes.test_real_servers import credential, reach

Bring = Callable[[Lab], object]


class Row(NamedTuple):
    """`hangs`: the server never answers, and the deadline passes in that phase."""

    fault: Bring | Spoiled | str  # done to a fresh lab, done by a proxy, or the port that has it
    kind: str
    mode: str
    cause: Cause
    phase: str
    hangs: bool = False


def stop_all(lab: Lab) -> None:
    lab.stop_dovecot()
    lab.stop_postfix()
    lab.stop_webmail()


def change_password(lab: Lab) -> None:
    """The probe goes on with the old one, as it does where somebody changes it and forgets the monitor."""
    lab.change_password(lab.probe.username)


def frozen(name: Any) -> Bring:
    return lambda lab: lab.freeze(name)


CUT, RESET = Spoiled(intact=12), Spoiled(intact=12, end="reset")
HOLE, GARBAGE, DRIP = Spoiled(intact=0, end="black-hole"), Spoiled(intact=0, end="garbage"), Spoiled(0.5, piece=1)
MAIL = [("imap", "implicit"), ("imap", "starttls"), ("pop3", "implicit"), ("pop3", "starttls")]
SUBMIT = [("submission", "implicit"), ("submission", "starttls")]
EVERY = [*MAIL, *SUBMIT, ("smtp", "starttls"), ("sieve", "starttls"), ("webmail", "implicit")]


def first_words(mode: str) -> str:
    """The phase that waits for the first bytes of a server."""
    return "tls" if mode == "implicit" else "greeting"


TABLE = {
    "stopped": [Row(stop_all, kind, mode, Cause.CONNECT_REFUSED, "connect") for kind, mode in EVERY],
    "hangs before TLS": [Row(frozen("imap-login"), "imap", "implicit", Cause.TIMEOUT, "tls", hangs=True)],
    "hangs before the greeting": [
        Row(frozen("imap-login"), "imap", "starttls", Cause.TIMEOUT, "greeting", hangs=True),
        Row(frozen("smtpd"), "smtp", "starttls", Cause.TIMEOUT, "greeting", hangs=True),
        Row(frozen("smtpd"), "submission", "starttls", Cause.TIMEOUT, "greeting", hangs=True),
        Row(frozen("smtpd"), "submission", "implicit", Cause.TIMEOUT, "tls", hangs=True),
    ],
    "hangs at the log-in": [
        *(Row(frozen("auth"), kind, mode, Cause.TIMEOUT, "auth", hangs=True) for kind, mode in MAIL),
        Row(frozen("auth"), "sieve", "starttls", Cause.TIMEOUT, "auth", hangs=True),
        Row(frozen("auth"), "webmail", "implicit", Cause.TIMEOUT, "login", hangs=True),
    ],
    "hangs where AUTH is prepared": [
        Row(frozen("auth"), "submission", "starttls", Cause.TIMEOUT, "ehlo", hangs=True),
        Row(frozen("auth"), "submission", "implicit", Cause.TIMEOUT, "greeting", hangs=True),
    ],
    "password changed": [
        Row(change_password, kind, mode, Cause.AUTH, "login" if kind == "webmail" else "auth")
        for kind, mode in EVERY
        if kind != "smtp"
    ],
    "certificate expired": [Row("imaps_expired", "imap", "implicit", Cause.TLS_CERTIFICATE, "tls")],
    "certificate for another name": [Row("imaps_wrong_name", "imap", "implicit", Cause.TLS_CERTIFICATE, "tls")],
    "certificate of a stranger": [Row("imaps_untrusted", "imap", "implicit", Cause.TLS_CERTIFICATE, "tls")],
    "certificate refused behind STARTTLS": [
        Row("imap_bad", "imap", "starttls", Cause.TLS_CERTIFICATE, "starttls"),
        Row("pop3_bad", "pop3", "starttls", Cause.TLS_CERTIFICATE, "starttls"),
        Row("smtp_bad", "smtp", "starttls", Cause.TLS_CERTIFICATE, "starttls"),
        Row("submission_bad", "submission", "starttls", Cause.TLS_CERTIFICATE, "starttls"),
    ],
    "slow banner": [Row("smtp_slow", "smtp", "starttls", Cause.TIMEOUT, "greeting", hangs=True)],
    "no AUTH": [Row("submission_no_auth", "submission", "starttls", Cause.AUTH_UNAVAILABLE, "auth")],
    "TLS where none is": [Row("imap", "imap", "implicit", Cause.TLS_HANDSHAKE, "tls")],
    "STARTTLS where TLS is": [Row("imaps", "imap", "starttls", Cause.TIMEOUT, "greeting", hangs=True)],
    "cut off": [Row(CUT, kind, mode, Cause.DISCONNECTED, first_words(mode)) for kind, mode in EVERY],
    "reset": [Row(RESET, kind, mode, Cause.DISCONNECTED, first_words(mode)) for kind, mode in EVERY],
    "black hole": [Row(HOLE, kind, mode, Cause.TIMEOUT, first_words(mode), hangs=True) for kind, mode in EVERY],
    "drop by drop": [Row(DRIP, kind, mode, Cause.TIMEOUT, first_words(mode), hangs=True) for kind, mode in EVERY],
    "garbage": [
        Row(GARBAGE, kind, mode, Cause.TLS_HANDSHAKE if mode == "implicit" else Cause.PROTOCOL, first_words(mode))
        for kind, mode in EVERY
    ],
}
ROWS = [(f"{name}-{row.kind}-{row.mode}", row) for name, rows in TABLE.items() for row in rows]
STANDING = {name: row for name, row in ROWS if not callable(row.fault)}
BROUGHT_ABOUT = {name: row for name, row in ROWS if callable(row.fault)}


def options(lab: Lab, row: Row, password: str | None = None) -> dict[str, Any]:
    if row.kind == "sieve":
        found: dict[str, Any] = {
            "host": "localhost",
            "port": lab.ports.sieve,
            "tls": {"mode": row.mode, "ca_file": lab.ca_file},
        }
    else:
        found = reach(lab, row.kind, row.mode)
    return found if row.kind == "smtp" else found | {"login": credential(lab, password)}


@asynccontextmanager
async def spoiled(lab: Lab, row: Row) -> AsyncIterator[dict[str, Any]]:
    """The way through the proxy or to the port that has the fault."""
    way = options(lab, row)
    if isinstance(row.fault, str):
        yield way | {"port": getattr(lab.ports, row.fault)}
        return
    assert isinstance(row.fault, Spoiled)
    async with spoiling(lab.ports.https if row.kind == "webmail" else way["port"], row.fault) as port:
        yield way | ({"url": f"https://localhost:{port}/"} if row.kind == "webmail" else {"port": port})


def seen(result: Result) -> tuple[Cause | None, str | None, Outcome]:
    """What the runner makes of it."""
    cause = cause_of_timeout(result.steps.failed) if result.timed_out else result.cause
    return cause, result.steps.failed, Outcome.UP if cause is None else outcome_of(cause)


@pytest.mark.parametrize("row", STANDING.values(), ids=STANDING)
async def test_a_fault_is_named(row: Row, shared_lab: Lab, run: Run) -> None:
    async with nothing_left(), spoiled(shared_lab, row) as way:
        result = await run(row.kind, way, expire=row.phase if row.hangs else None)
    assert seen(result) == (row.cause, row.phase, Outcome.DOWN)


@pytest.mark.parametrize("row", BROUGHT_ABOUT.values(), ids=BROUGHT_ABOUT)
async def test_a_fault_that_comes_about_is_named(row: Row, lab: Lab, run: Run) -> None:
    assert callable(row.fault)
    way = options(lab, row, lab.probe.password)
    row.fault(lab)
    async with nothing_left():
        result = await run(row.kind, way, expire=row.phase if row.hangs else None)
    assert seen(result) == (row.cause, row.phase, Outcome.DOWN)


@pytest.mark.parametrize(("kind", "mode"), [way for way in EVERY if way[0] != "webmail"])
async def test_a_server_far_away_is_up_and_its_phases_say_how_far(
    kind: str, mode: str, shared_lab: Lab, run: Run
) -> None:
    row = Row(Spoiled(delay=0.05), kind, mode, Cause.TIMEOUT, "")
    async with nothing_left(), spoiled(shared_lab, row) as way:
        result = await run(kind, way)
    assert result.failure is None
    waited = [phase for phase in result.steps.phases if phase.name not in {"dns", "connect", "quit"}]
    assert all(phase.seconds >= 0.04 for phase in waited)


async def test_a_slow_banner_is_up_or_down_as_the_target_says(shared_lab: Lab, run: Run) -> None:
    way = reach(shared_lab, "smtp", "starttls") | {"port": shared_lab.ports.smtp_slow}
    for slow, cause in (("warn", None), ("down", Cause.SLOW)):
        result = await run("smtp", way | {"expect": {"max_seconds": {"greeting": 0.5}, "slow": slow}})
        assert result.cause is cause


async def test_one_connection_too_many_is_refused_for_now(shared_lab: Lab, run: Run) -> None:
    port = shared_lab.ports.smtp_single
    with socket.create_connection(("127.0.0.1", port)) as only:
        assert only.recv(3) == b"220"
        result = await run("smtp", reach(shared_lab, "smtp", "starttls") | {"port": port})
    assert seen(result) == (Cause.REJECTED_TEMPORARY, "greeting", Outcome.DOWN)
    assert result.failure is not None
    assert result.failure.reply.startswith("421 4.7.0")


async def test_a_mailbox_with_a_thai_name_is_selected(shared_lab: Lab, run: Run) -> None:
    way = reach(shared_lab, "imap", "implicit") | {"login": credential(shared_lab), "mailbox": "งานปี ๒๕๖๙ & อื่นๆ"}
    with imap_session(shared_lab) as client:
        client.create(f'"{mailbox_name(way["mailbox"])}"')
    result = await run("imap", way)
    assert result.failure is None
