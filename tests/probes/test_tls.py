"""Proves that TLS from the first byte is verified, and that a refused certificate is shown."""

import asyncio
import os
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from probes import REGISTRY, session, tls
from probes.errors import Cause
from probes.tls import TlsOptions
from tests.probes.conftest import Authority, Run
from tests.probes.scripted import Script, serving, stall
from tests.probes.test_pop3 import POLITE


def implicit(script: Script, ca_file: Path, **more: Any) -> dict[str, Any]:
    setting = {"mode": "implicit", "ca_file": ca_file} | more
    return {"host": "127.0.0.1", "port": script.port, "tls": setting}


def secured(context: ssl.SSLContext) -> Script:
    return Script(POLITE.greeting, POLITE.replies, tls=context)


def serving_context(ca: trustme.CA, *names: str, **more: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(*names, **more).configure_cert(context)
    return context


async def test_a_verified_certificate_is_evidence(run: Run, authority: Authority) -> None:
    async with serving(secured(authority.good)) as script:
        result = await run("pop3", implicit(script, authority.ca_file))
    assert result.failure is None
    assert result.phases == ["dns", "connect", "tls", "greeting", "capability", "quit"]
    seen = result.steps.evidence
    assert seen.tls_version == "TLSv1.3"
    assert seen.certificate is not None
    assert seen.certificate.names == ("127.0.0.1",)
    assert seen.certificate.problem is None
    assert seen.certificate.not_before < seen.certificate.not_after


@pytest.mark.parametrize("pulse", [False, True])
async def test_a_certificate_for_another_name_is_refused_and_shown(
    pulse: bool,
    run: Run,
    authority: Authority,
) -> None:
    async with serving(secured(authority.other_name)) as script:
        result = await run("pop3", implicit(script, authority.ca_file), pulse=pulse)
    assert (result.cause, result.steps.failed) == (Cause.TLS_CERTIFICATE, "tls")
    assert result.phases == ["dns", "connect", "tls"]
    if not pulse:
        assert result.steps.evidence.certificate is not None
        assert result.steps.evidence.certificate.problem == "name"


@pytest.mark.parametrize(
    ("not_before", "not_after", "problem"),
    [
        (datetime(2001, 1, 1, tzinfo=UTC), datetime(2002, 1, 1, tzinfo=UTC), "expired"),
        (datetime(2901, 1, 1, tzinfo=UTC), datetime(2902, 1, 1, tzinfo=UTC), "not_yet_valid"),
    ],
)
async def test_a_certificate_out_of_its_time_is_refused_and_shown(
    not_before: datetime, not_after: datetime, problem: str, run: Run, tmp_path: Path
) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = serving_context(ca, "127.0.0.1", not_before=not_before, not_after=not_after)
    async with serving(secured(context)) as script:
        result = await run("pop3", implicit(script, tmp_path / "ca.pem"))
    assert result.cause is Cause.TLS_CERTIFICATE
    certificate = result.steps.evidence.certificate
    assert certificate is not None
    assert (certificate.problem, certificate.not_after) == (problem, not_after.timestamp())


async def test_a_certificate_of_a_stranger_is_refused_and_shown(run: Run, authority: Authority) -> None:
    async with serving(secured(serving_context(trustme.CA(), "127.0.0.1"))) as script:
        result = await run("pop3", implicit(script, authority.ca_file))
    assert result.cause is Cause.TLS_CERTIFICATE
    assert result.steps.evidence.certificate is not None
    assert result.steps.evidence.certificate.problem == "untrusted"


async def test_server_name_decides_which_name_is_expected(run: Run, authority: Authority) -> None:
    async with serving(secured(authority.other_name)) as script:
        result = await run("pop3", implicit(script, authority.ca_file, server_name="elsewhere.example"))
    assert result.failure is None


async def test_verify_false_accepts_a_stranger_and_still_shows_him(run: Run, authority: Authority) -> None:
    async with serving(secured(authority.other_name)) as script:
        tls_setting = {"mode": "implicit", "verify": False}
        result = await run("pop3", {"host": "127.0.0.1", "port": script.port, "tls": tls_setting})
    assert result.failure is None
    assert result.steps.evidence.certificate is not None
    assert result.steps.evidence.certificate.names == ("elsewhere.example",)


async def test_a_server_that_hangs_at_the_second_look_is_still_named_for_its_certificate(
    run: Run, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "LOOK_SECONDS", 0.05)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    visits = 0

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal visits
        visits += 1
        try:
            if visits == 1:
                await writer.start_tls(context)
            while await reader.read(4096):
                pass
        except OSError:
            pass
        finally:
            writer.transport.abort()

    async with await asyncio.start_server(once, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        options = {"host": "127.0.0.1", "port": port, "tls": {"mode": "implicit", "ca_file": authority.ca_file}}
        result = await run("pop3", options)
    assert result.cause is Cause.TLS_CERTIFICATE
    assert result.steps.evidence.certificate is None


async def test_a_server_without_tls_fails_the_handshake(run: Run, authority: Authority) -> None:
    async with serving(POLITE.but()) as script:
        result = await run("pop3", implicit(script, authority.ca_file))
    assert (result.cause, result.steps.failed) == (Cause.TLS_HANDSHAKE, "tls")


async def test_a_handshake_that_hangs_is_left_to_the_deadline(run: Run, authority: Authority) -> None:
    async with serving(POLITE.but(greeting=stall)) as script:
        result = await run("pop3", implicit(script, authority.ca_file), expire="tls")
    assert result.timed_out
    assert result.steps.failed == "tls"


async def test_a_pulse_ends_at_the_greeting(run: Run, login: dict[str, Any], authority: Authority) -> None:
    async with serving(secured(authority.good)) as script:
        result = await run("pop3", implicit(script, authority.ca_file) | {"login": login}, pulse=True)
    assert result.failure is None
    assert result.phases == ["dns", "connect", "tls", "greeting"]
    assert script.heard == []


def test_equal_settings_share_one_context_and_a_renewed_file_is_read_again(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(ca_file))
    setting = TlsOptions(mode="implicit", ca_file=ca_file)
    first = tls.context(setting)
    assert tls.context(TlsOptions(mode="starttls", ca_file=ca_file)) is first
    os.utime(ca_file, (1, 1))
    assert tls.context(setting) is not first


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_an_unusable_ca_file_is_a_problem_of_the_configuration(content: str | None, tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    if content:
        ca_file.write_text(content)
    kind = REGISTRY["imap"]
    options = kind.Options.model_validate({"host": "mail.example.org", "tls": {"mode": "implicit", "ca_file": ca_file}})
    with pytest.raises(ValueError, match=r"ca_file .*ca\.pem"):
        kind(options)
