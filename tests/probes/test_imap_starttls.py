"""Proves that IMAP goes on behind STARTTLS only under TLS that was verified."""

from typing import Any

import pytest

from probes.errors import Cause
from tests.probes.conftest import Authority, Run
from tests.probes.scripted import Act, Peer, Script, close, serving, stall, upgrade
from tests.probes.test_imap import POLITE, clear, lacking


def starttls(script: Script, authority: Authority, login: dict[str, Any] | None) -> dict[str, Any]:
    return clear(script, login) | {"tls": {"mode": "starttls", "ca_file": authority.ca_file}}


async def test_starttls_protects_the_login(run: Run, login: dict[str, Any], authority: Authority) -> None:
    async with serving(POLITE.but(STARTTLS=upgrade(b"%T OK go\r\n", authority.good))) as script:
        result = await run("imap", starttls(script, authority, login))
    assert result.failure is None
    assert result.phases[2:6] == ["greeting", "capability", "starttls", "capability"]
    certificate = result.steps.evidence.certificate
    assert certificate is not None
    assert (certificate.names, certificate.problem) == (("127.0.0.1",), None)


BEFORE_TLS: dict[str, tuple[dict[str, Act], Cause]] = {
    "offers no STARTTLS": ({"CAPABILITY": lacking("STARTTLS")}, Cause.STARTTLS_UNAVAILABLE),
    "is logged in before TLS": ({"greeting": b"* PREAUTH hi\r\n"}, Cause.STARTTLS_UNAVAILABLE),
    "refuses STARTTLS": ({"STARTTLS": b"%T NO later\r\n"}, Cause.REJECTED_PERMANENT),
    "injects plaintext": ({"STARTTLS": b"%T OK go\r\n* CAPABILITY IMAP4rev1\r\n"}, Cause.PROTOCOL),
    "injects half a line": ({"STARTTLS": b"%T OK go\r\n* CAPA"}, Cause.PROTOCOL),
    "closes instead of TLS": ({"STARTTLS": close}, Cause.DISCONNECTED),
}


@pytest.mark.parametrize(("changes", "cause"), BEFORE_TLS.values(), ids=BEFORE_TLS)
async def test_nothing_goes_on_in_clear(
    changes: dict[str, Act], cause: Cause, run: Run, login: dict[str, Any], authority: Authority
) -> None:
    async with serving(POLITE.but(**changes)) as script:
        result = await run("imap", starttls(script, authority, login))
    assert (result.cause, result.steps.failed) == (cause, "starttls")
    assert not any(b"AUTH" in line or b"LOGIN" in line for line in script.heard)


async def test_noise_in_place_of_a_handshake_is_a_failed_handshake(
    run: Run, login: dict[str, Any], authority: Authority
) -> None:
    async def noise(peer: Peer) -> None:
        await peer.say(b"%T OK go\r\n")
        await peer.reader.read(1)  # the ClientHello
        await peer.say(b"* OK what is this\r\n")
        await stall(peer)

    async with serving(POLITE.but(STARTTLS=noise)) as script:
        result = await run("imap", starttls(script, authority, login))
    assert (result.cause, result.steps.failed) == (Cause.TLS_HANDSHAKE, "starttls")


async def test_a_certificate_refused_behind_starttls_is_shown_and_no_password_sent(
    run: Run, login: dict[str, Any], authority: Authority
) -> None:
    async with serving(POLITE.but(STARTTLS=upgrade(b"%T OK go\r\n", authority.other_name))) as script:
        result = await run("imap", starttls(script, authority, login))
    assert (result.cause, result.steps.failed) == (Cause.TLS_CERTIFICATE, "starttls")
    certificate = result.steps.evidence.certificate
    assert certificate is not None
    assert (certificate.names, certificate.problem) == (("elsewhere.example",), "name")
    assert not any(b"AUTH" in line or b"LOGIN" in line for line in script.heard)
    assert result.phases.count("connect") == 1
