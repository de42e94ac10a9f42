"""What `mailuptime probe` advises: for each situation a real server, or a scripted one, that brings it about."""

import asyncio
import re
import socket
import ssl
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import trustme

from monitor.clock import SystemClock
from monitor.hints import HINTS, Seen, hint
from monitor.ladder import advice
from monitor.runner import Result, Runner, Target
from probes import REGISTRY
from probes.base import Evidence
from probes.errors import Cause
from tests.lab import Lab
from tests.lab.ports import HOST
from tests.probes.conftest import Secret
from tests.probes.scripted import Act, Script, close, serving, stall

QUIT: dict[str, Act] = {"QUIT": b"221 bye\r\n", "*": b"500 what?\r\n"}
EHLO: dict[str, Act] = {**QUIT, "EHLO": b"250 there.example\r\n"}
ALERT = b"\x15\x03\x01\x00\x02\x02\x46"
"""TLS: fatal, protocol_version (RFC 8446 section 6)."""
FORM = {"fields": {"username": "u", "password": "p"}, "success": {"url": "/inbox"}}
LOGIN = {"username": "probe@lab.test", "password": Secret("not-the-one-2271")}
MORE: dict[str, dict[str, Any]] = {"": {}, "login": {"login": LOGIN}, "recipient": {"recipient": "a@b.example"}}


async def checked(kind: str, options: dict[str, Any], seconds: float = 5.0) -> Result:
    probe = REGISTRY[kind](REGISTRY[kind].Options(**options))
    clock = SystemClock()
    return await Runner(clock, lambda _: True).run(Target("mail/one", kind, probe, round(seconds * 1_000_000), 0))


@dataclass(frozen=True)
class Situation:
    """A target of the lab, or of a scripted server, and what is said about it."""

    kind: str
    options: Callable[[Lab], dict[str, Any]]
    cause: Cause
    advice: str
    seconds: float = 5.0


def at(port: str, tls: str = "implicit", **more: Any) -> Callable[[Lab], dict[str, Any]]:
    """Options for one of the lab's ports, its authority trusted."""

    def options(lab: Lab) -> dict[str, Any]:
        mode = "none" if tls == "none" else {"mode": tls, "ca_file": lab.ca_file}
        return {"host": HOST, "port": getattr(lab.ports, port), "tls": mode, **more}

    return options


REAL = {
    "a name that nobody has": Situation(
        "imap", lambda _: {"host": "no-such-host.invalid"}, Cause.DNS, "the name no-such-host.invalid has no address"
    ),
    "implicit TLS on a port of STARTTLS": Situation(
        "imap", at("imap"), Cause.TLS_HANDSHAKE, "does not speak TLS from the first byte: set tls: starttls"
    ),
    "STARTTLS on a port of implicit TLS": Situation(
        "imap", at("imaps", "starttls"), Cause.TIMEOUT, "the port speaks TLS at once (tls: implicit)", 0.5
    ),
    "an expired certificate": Situation("imap", at("imaps_expired"), Cause.TLS_CERTIFICATE, "has expired: renew it"),
    "a certificate of another name": Situation(
        "imap", at("imaps_wrong_name"), Cause.TLS_CERTIFICATE, "is for elsewhere.example: set tls.server_name, or renew"
    ),
    "a recipient that nobody knows": Situation(
        "smtp", at("smtp", "starttls", recipient="nobody@elsewhere.example"), Cause.REJECTED_PERMANENT,
        "the server takes no such mail from here: mend recipient or sender",
    ),
    "a certificate of a strange authority": Situation(
        "imap", at("imaps_untrusted"), Cause.TLS_CERTIFICATE, "set tls.ca_file to the issuer's authority"
    ),
    "a password that is refused": Situation(
        "imap", at("imaps", login=LOGIN), Cause.AUTH, "the password of probe@lab.test was refused"
    ),
    "submission without TLS": Situation(
        "submission", at("submission", "none", login=LOGIN), Cause.AUTH_UNAVAILABLE,
        "the server offers no AUTH before STARTTLS: set tls: starttls",
    ),
    "POP3 on IMAP's port": Situation(
        "pop3", at("imaps"), Cause.PROTOCOL, "the port speaks IMAP, not POP3: mend port, or type"
    ),
    "IMAP on SMTP's port": Situation(
        "imap", at("smtp", "none"), Cause.PROTOCOL, "the port speaks SMTP, not IMAP: mend port, or type"
    ),
    "SMTP on POP3's port": Situation(
        "smtp", at("pop3", "none"), Cause.PROTOCOL, "the port speaks POP3, not SMTP: mend port, or type"
    ),
    "a page that is not there": Situation(
        "webmail", lambda lab: {"url": f"{lab.webmail_url}no", "tls": {"mode": "implicit", "ca_file": lab.ca_file}},
        Cause.REJECTED_PERMANENT, "Roundcube was not found at this address: mend url",
    ),
}  # fmt: skip


@pytest.mark.parametrize("situation", REAL.values(), ids=REAL.keys())
async def test_a_real_server_in_a_known_situation_is_told_apart(situation: Situation, shared_lab: Lab) -> None:
    result = await checked(situation.kind, situation.options(shared_lab), situation.seconds)
    if (result.check.cause, situation.cause) == (Cause.RESOLVER, Cause.DNS):
        pytest.skip("no resolver answers here")
    assert (result.check.cause, situation.advice in str(advice(result))) == (situation.cause, True), advice(result)


SCRIPTED: dict[str, tuple[str, Act, dict[str, Act], str, Cause, str]] = {
    "no STARTTLS": (
        "smtp", b"220 there ESMTP\r\n", EHLO, "starttls", Cause.STARTTLS_UNAVAILABLE,
        "the server does not offer STARTTLS on this port",
    ),
    "no AUTH on port 25": (
        "smtp+login", b"220 there ESMTP\r\n",
        {**EHLO, "EHLO": b"250-there\r\n250 SIZE\r\n"}, "none", Cause.AUTH_UNAVAILABLE, "set tls: starttls",
    ),
    "greylisting": (
        "smtp", b"450 4.2.0 Greylisted, try again later\r\n", EHLO, "none", Cause.REJECTED_TEMPORARY,
        "greylisted or deferred: exempt the monitor's address",
    ),
    "too many connections": (
        "smtp", b"421 4.7.0 too many concurrent connections\r\n", EHLO, "none", Cause.REJECTED_TEMPORARY,
        "limits connections: exempt the monitor's address",
    ),
    "an address that is turned away": (
        "smtp", b"554 5.7.1 you are listed\r\n", EHLO, "none", Cause.REJECTED_PERMANENT,
        "turns the monitor's address away: a blocklist",
    ),
    "no word": ("smtp", stall, EHLO, "none", Cause.TIMEOUT, "the port speaks TLS at once (tls: implicit)"),
    "no word of TLS": ("imap", stall, EHLO, "implicit", Cause.TIMEOUT, "the server is overloaded or hangs"),
    "a password that nobody looks at": (
        "pop3+login", b"+OK\r\n", {"CAPA": b"+OK\r\nUSER\r\n.\r\n", "*": stall}, "none", Cause.TIMEOUT,
        "what checks passwords hangs",
    ),
    "closed at once": ("pop3", close, QUIT, "none", Cause.DISCONNECTED, "a limit of connections, a blocklist"),
    "SSH": ("imap", b"SSH-2.0-OpenSSH_9.2\r\n", QUIT, "none", Cause.PROTOCOL, "the port speaks SSH, not IMAP"),
    "ManageSieve": (
        "imap", b'"IMPLEMENTATION" "Dovecot Pigeonhole"\r\nOK\r\n', QUIT, "none", Cause.PROTOCOL,
        "the port speaks ManageSieve, not IMAP: mend port, or type",
    ),
    "AUTH only with encryption": (
        "imap+login", b"* OK there\r\n",
        {"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n%T OK\r\n",
         "LOGIN": b"%T NO [PRIVACYREQUIRED] not in clear\r\n", "*": b"%T OK\r\n"},
        "none", Cause.AUTH_UNAVAILABLE, "the server offers no AUTH before STARTTLS: set tls: starttls",
    ),
    "no mechanism for a password": (
        "submission+login", b"220 there ESMTP\r\n", {**EHLO, "EHLO": b"250-there\r\n250 AUTH GSSAPI\r\n"}, "none",
        Cause.AUTH_UNAVAILABLE, "no way of logging in that the probe may use; it offers AUTH, AUTH GSSAPI",
    ),
    "a log-in that wants TLS": (
        "submission+login", b"220 there ESMTP\r\n",
        {**EHLO, "EHLO": b"250-there\r\n250 AUTH PLAIN\r\n", "AUTH": b"538 5.7.11 Encryption required\r\n"}, "none",
        Cause.AUTH_UNAVAILABLE, "the server offers no AUTH before STARTTLS: set tls: starttls",
    ),
    "mail that wants TLS": (
        "smtp+recipient", b"220 there ESMTP\r\n",
        {**EHLO, "MAIL": b"530 5.7.0 Must issue a STARTTLS command first\r\n"}, "none", Cause.REJECTED_PERMANENT,
        "the server takes nothing in clear: set tls: starttls",
    ),
    "passwords that cannot be checked": (
        "submission+login", b"220 there ESMTP\r\n",
        {**EHLO, "EHLO": b"250-there\r\n250 AUTH PLAIN\r\n", "AUTH": b"454 4.7.0 Temporary failure\r\n"}, "none",
        Cause.REJECTED_TEMPORARY, "the server cannot check passwords at the moment",
    ),
    "a mailbox that is not there": (
        "imap+login", b"* OK there\r\n",
        {"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n%T OK\r\n", "LOGIN": b"%T OK in\r\n",
         "SELECT": b"%T NO [NONEXISTENT] no such mailbox\r\n", "*": b"%T OK\r\n"},
        "none", Cause.CONTENT, "the mailbox INBOX is not there or may not be read",
    ),
    "a page of something else": (
        "webmail", b"", {"GET": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "*": b""}, "none", Cause.CONTENT,
        "Roundcube was not found behind this address: mend url",
    ),
    "a gateway without a server behind it": (
        "webmail", b"", {"GET": b"HTTP/1.1 503 no\r\nContent-Length: 0\r\n\r\n", "*": b""}, "none",
        Cause.REJECTED_TEMPORARY, "the web server answers, what is behind it does not",
    ),
    "a page that is forbidden": (
        "webmail", b"", {"GET": b"HTTP/1.1 403 no\r\nContent-Length: 0\r\n\r\n", "*": b""}, "none",
        Cause.REJECTED_PERMANENT, "forbids this page to the monitor",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SCRIPTED.values(), ids=SCRIPTED.keys())
async def test_a_server_that_says_what_no_real_one_will_is_told_apart(
    case: tuple[str, Act, dict[str, Act], str, Cause, str],
) -> None:
    kind, greeting, replies, tls, cause, said = case
    kind, _, more = kind.partition("+")
    async with serving(Script(greeting, replies, tagged=kind == "imap")) as server:
        place = {"url": f"http://{HOST}:{server.port}/"} if kind == "webmail" else {"host": HOST, "port": server.port}
        options = {**place, "tls": tls, **MORE[more]}
        result = await checked(kind, options, 0.5 if cause is Cause.TIMEOUT else 5.0)
    assert (result.check.cause, said in str(advice(result))) == (cause, True), (result.check.cause, advice(result))


async def test_a_self_signed_certificate_is_told_from_one_of_a_strange_authority() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority = trustme.CA()
    with authority.private_key_pem.tempfile() as key, authority.cert_pem.tempfile() as own:
        context.load_cert_chain(own, key)
    async with serving(Script(b"* OK\r\n", {"*": close}, tls=context)) as server:
        result = await checked("imap", {"host": HOST, "port": server.port})
    assert str(advice(result)).startswith("the certificate is self-signed: set tls.ca_file")


async def test_a_server_of_old_tls_only_is_told_to_offer_a_newer_one() -> None:
    async with serving(Script(ALERT, {"*": close})) as server:
        result = await checked("imap", {"host": HOST, "port": server.port})
    assert result.check.cause == Cause.TLS_HANDSHAKE
    assert "have the server offer TLS 1.2 or 1.3" in str(advice(result))


async def test_where_nothing_listens_the_usual_ports_are_named() -> None:
    server = await asyncio.start_server(lambda _reader, _writer: None, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    result = await checked("imap", {"host": HOST, "port": port})
    assert advice(result) == (
        f"nothing listens on this port of {HOST}: start the service, or mend port; "
        "imap usually listens on 993 (or 143 with tls: starttls)"
    )


async def test_where_packets_are_dropped_a_firewall_is_suspected() -> None:
    with ExitStack() as stack:
        full = stack.enter_context(socket.create_server((HOST, 0), backlog=0))
        for _ in range(2):  # behind them the kernel drops whoever else knocks
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        result = await checked("imap", {"host": HOST, "port": full.getsockname()[1]}, 0.3)
    assert (result.check.cause, result.failed_phase) == (Cause.CONNECT_TIMEOUT, "connect")
    assert str(advice(result)).startswith("no answer at all: a firewall drops the packets")


async def test_a_check_that_succeeds_needs_no_advice(shared_lab: Lab) -> None:
    result = await checked("imap", at("imaps")(shared_lab))
    assert (result.check.cause, advice(result)) == (None, None)


OPTIONS: dict[str, tuple[str, dict[str, Any], Cause, str, str, str]] = {
    "SOGo that is not there": (
        "webmail", {"url": f"https://{HOST}/", "flavour": "sogo"}, Cause.REJECTED_PERMANENT, "page", "HTTP 404",
        "SOGo was not found at this address: mend url",
    ),
    "a form that is not there": (
        "webmail", {"url": f"https://{HOST}/", "flavour": "form", "form": FORM}, Cause.CONTENT, "page", "",
        "the webmail was not found behind this address: mend url",
    ),
    "markers that fit no page": (
        "webmail", {"url": f"https://{HOST}/", "flavour": "form", "form": FORM}, Cause.CONTENT, "login", "",
        "has none of the markers: mend form.success and form.failure",
    ),
    "a mail server behind SOGo that is gone": (
        "webmail", {"url": f"https://{HOST}/", "flavour": "sogo"}, Cause.REJECTED_TEMPORARY, "login", "HTTP 503",
        "what is behind it does not: log, database, IMAP server of SOGo",
    ),
    "plain HTTP on a port of TLS": (
        "webmail", {"url": f"http://{HOST}/", "tls": "none"}, Cause.REJECTED_PERMANENT, "page", "HTTP 400",
        "write https:// in url",
    ),
    "a name without an IPv6 address": (
        "imap", {"host": "mx.example", "address_family": "ipv6"}, Cause.DNS, "dns", "",
        "the name mx.example has no IPv6 address: mend host, or the AAAA records of its zone, or address_family",
    ),
    "a web address without one": (
        "webmail", {"url": "https://web.example/path"}, Cause.DNS, "dns", "",
        "the name web.example has no address: mend url, or the A and AAAA records",
    ),
    "a round trip that may not submit": (
        "roundtrip", {"submit": "out", "fetch": "in"}, Cause.AUTH, "submit", "auth: 535",
        "the password of out was refused",
    ),
    "a round trip that may not look": (
        "roundtrip", {"submit": "out", "fetch": "in"}, Cause.AUTH, "fetch", "auth: NO",
        "the password of in was refused",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", OPTIONS.values(), ids=OPTIONS)
def test_a_hint_speaks_of_what_is_configured(case: tuple[str, dict[str, Any], Cause, str, str, str]) -> None:
    kind, given, cause, phase, reply, said = case
    told = hint(Seen(kind, REGISTRY[kind].Options.model_validate(given), cause, phase, reply, Evidence()))
    assert said in told
    assert "Roundcube" not in told


def test_every_cause_has_a_hint_of_one_line_whatever_else_is_known() -> None:
    assert set(HINTS) == set(Cause)
    for cause in Cause:
        for kind in REGISTRY:
            said = hint(Seen(kind, None, cause, None, "", Evidence()))
            assert re.fullmatch(r"[^\n]{20,250}", said), (cause, said)


@pytest.mark.parametrize("port", [993, 995, 465])
def test_starttls_on_a_well_known_port_of_implicit_tls_is_told_so(port: int) -> None:
    options = REGISTRY["imap"].Options.model_validate({"host": HOST, "port": port, "tls": "starttls"})
    hung = hint(Seen("imap", options, Cause.TIMEOUT, "greeting", "", Evidence()))
    bare = hint(Seen("imap", options, Cause.STARTTLS_UNAVAILABLE, "starttls", "", Evidence()))
    assert hung == f"port {port} speaks TLS from the first byte: set tls: implicit"
    assert f"is not offered on {port}" in bare
    assert bare.endswith("set tls: implicit")
