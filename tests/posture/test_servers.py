"""What servers must refuse, asked of real ones and, where those refuse, of scripted ones."""

import ssl
import time
from pathlib import Path
from typing import Any

import pytest
import trustme

from probes import REGISTRY
from probes.posture import servers
from probes.posture.facts import Fact, Verdict
from tests.lab import Lab
from tests.probes.scripted import Act, Script, reset, serving, upgrade

GOOD, BAD, UNKNOWN = Verdict.GOOD, Verdict.BAD, Verdict.UNKNOWN


async def facts(kind: str, port: int, mode: str = "starttls", ca_file: Path | None = None) -> dict[str, Fact]:
    known = REGISTRY[kind]
    tls: Any = {"mode": mode, "ca_file": ca_file} if ca_file else mode
    options = known.Options.model_validate({"host": "127.0.0.1", "port": port, "tls": tls})
    return {fact.name: fact for fact in await servers.facts(known(options), time.monotonic)}  # type: ignore[arg-type]


def verdicts(found: dict[str, Fact]) -> dict[str, Verdict]:
    return {name: fact.verdict for name, fact in found.items()}


@pytest.mark.parametrize("kind", ["smtp", "submission"])
async def test_a_postfix_as_it_comes_takes_nothing_in_clear_but_still_speaks_old_tls(
    kind: str, shared_lab: Lab
) -> None:
    """No AUTH in clear, no foreign mail; what it says of TLS is Debian's default for receiving mail."""
    found = await facts(kind, getattr(shared_lab.ports, kind))
    assert verdicts(found) == {
        "auth_needs_tls": GOOD,
        "open_relay_refused": GOOD,
        "tls_1_0_refused": BAD,
        "tls_1_1_refused": BAD,
    }


async def test_a_port_that_speaks_tls_at_once_has_no_log_in_in_clear_to_ask_about(shared_lab: Lab) -> None:
    """The relay and the versions are asked over TLS."""
    found = await facts("submission", shared_lab.ports.submissions, "implicit", shared_lab.ca_file)
    assert verdicts(found) == {"open_relay_refused": GOOD, "tls_1_0_refused": BAD, "tls_1_1_refused": BAD}


@pytest.mark.parametrize(("kind", "offered"), [("imap", "LOGIN"), ("pop3", "USER")])
async def test_a_dovecot_that_takes_passwords_in_clear_is_told_apart(kind: str, offered: str, shared_lab: Lab) -> None:
    """The lab's does so for clients of its own address; it refuses old TLS."""
    found = await facts(kind, getattr(shared_lab.ports, kind))
    assert verdicts(found) == {"auth_needs_tls": BAD, "tls_1_0_refused": GOOD, "tls_1_1_refused": GOOD}
    assert offered in found["auth_needs_tls"].detail


async def test_a_lax_postfix_is_an_open_relay(lab: Lab) -> None:
    """The same Postfix, with two lines of its configuration changed; not a message is sent."""
    lab.configure_postfix(
        smtpd_relay_restrictions="permit_mynetworks, reject_unauth_destination",
        mynetworks="127.0.0.0/8",
        default_transport="discard:",
        relay_transport="discard:",
    )
    found = await facts("submission", lab.ports.submission)
    assert found["open_relay_refused"].verdict is BAD
    assert "took mail from probe@example.com for probe@example.net: 250" in found["open_relay_refused"].detail
    assert (await facts("smtp", lab.ports.smtp))["auth_needs_tls"].verdict is GOOD  # port 25 has no AUTH at all


CLEAR: dict[str, tuple[Script, Verdict]] = {
    "smtp": (Script(b"220 mx\r\n", {"EHLO": b"250-mx\r\n250 AUTH LOGIN PLAIN\r\n", "*": b"550 no\r\n"}), BAD),
    "submission": (Script(b"220 mx\r\n", {"EHLO": b"250-mx\r\n250 AUTH CRAM-MD5\r\n", "*": b"550 no\r\n"}), GOOD),
    "imap": (
        Script(
            b"* OK hi\r\n",
            {"CAPABILITY": b"* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\n%T OK done\r\n", "*": b"%T BAD\r\n"},
            tagged=True,
        ),
        GOOD,
    ),
    "pop3": (Script(b"+OK hi\r\n", {"CAPA": b"+OK\r\nSTLS\r\nUIDL\r\n.\r\n", "*": b"-ERR\r\n"}), GOOD),
}


@pytest.mark.parametrize("kind", CLEAR)
async def test_what_is_offered_before_tls_decides(kind: str) -> None:
    """Passwords in clear are bad; challenges, and nothing, are good."""
    script, verdict = CLEAR[kind]
    async with serving(script.but()) as server:
        assert (await facts(kind, server.port))["auth_needs_tls"].verdict is verdict


async def test_a_pop3_server_that_tells_no_capabilities_is_unknown() -> None:
    """It may or may not take USER."""
    async with serving(CLEAR["pop3"][0].but(CAPA=b"-ERR what\r\n")) as server:
        assert (await facts("pop3", server.port))["auth_needs_tls"].verdict is UNKNOWN


@pytest.mark.parametrize(
    ("rcpt", "verdict"),
    [
        (b"250 ok\r\n", BAD),
        (b"251 will forward\r\n", BAD),
        (b"550 5.7.1 no\r\n", GOOD),
        (b"450 4.2.0 later\r\n", UNKNOWN),
    ],
)
async def test_what_is_said_to_a_foreign_recipient_decides(rcpt: bytes, verdict: Verdict) -> None:
    """Greylisting says nothing yet."""
    replies: dict[str, Act] = {"EHLO": b"250 mx\r\n", "MAIL": b"250 ok\r\n", "RCPT": rcpt, "*": b"250 ok\r\n"}
    async with serving(Script(b"220 mx\r\n", replies)) as server:
        assert (await facts("smtp", server.port, "none"))["open_relay_refused"].verdict is verdict
    assert not any(line.upper().startswith(b"DATA") for line in server.heard)


def old(version: ssl.TLSVersion) -> ssl.SSLContext:
    """The server's side of what ended in 2021."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = version
    return context


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.*deprecated:DeprecationWarning")
async def test_a_server_that_still_speaks_tls_1_0_is_bad() -> None:
    """From the first byte and behind STARTTLS."""
    lax = old(ssl.TLSVersion.TLSv1)
    replies: dict[str, Act] = {
        "EHLO": b"250-mx\r\n250 STARTTLS\r\n",
        "STARTTLS": upgrade(b"220 go\r\n", lax),
        "*": b"550 no\r\n",
    }
    async with serving(Script(b"220 mx\r\n", replies)) as server:
        found = await facts("smtp", server.port)
    assert (found["tls_1_0_refused"].verdict, found["tls_1_1_refused"].verdict) == (BAD, BAD)
    later = old(ssl.TLSVersion.TLSv1_1)
    async with serving(Script(b"* OK hi\r\n", {"*": b"%T BAD\r\n"}, tagged=True, tls=later)) as server:
        found = await facts("imap", server.port, "implicit")
    assert verdicts(found) == {"tls_1_0_refused": GOOD, "tls_1_1_refused": BAD}


@pytest.mark.parametrize("kind", ["smtp", "imap", "pop3"])
async def test_a_server_that_hangs_up_is_unknown(kind: str) -> None:
    """And nobody listening is, too."""
    async with serving(Script(reset, {"*": reset})) as server:
        assert set(verdicts(await facts(kind, server.port)).values()) == {UNKNOWN}
    assert set(verdicts(await facts(kind, server.port)).values()) == {UNKNOWN}
