"""Proves that a refused certificate is shown with all that is wrong with it, on every port and behind STARTTLS."""

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from probes import tls
from probes.base import Certificate
from probes.errors import Cause
from tests.lab import Lab
from tests.probes.conftest import Authority, Run
from tests.probes.scripted import serving
from tests.probes.test_tls import implicit, secured, serving_context

DAY = 86_400
PORTS = {
    25: ("smtp", "starttls", "smtp_bad"),
    587: ("submission", "starttls", "submission_bad"),
    465: ("submission", "implicit", "submissions_bad"),
    143: ("imap", "starttls", "imap_bad"),
    993: ("imap", "implicit", "imaps_bad"),
    110: ("pop3", "starttls", "pop3_bad"),
    995: ("pop3", "implicit", "pop3s_bad"),
}


@pytest.mark.parametrize("port", PORTS)
async def test_a_certificate_bad_in_two_ways_is_shown_on_every_port(port: int, shared_lab: Lab, run: Run) -> None:
    kind, mode, name = PORTS[port]
    setting = {"mode": mode, "ca_file": shared_lab.ca_file}
    result = await run(kind, {"host": "localhost", "port": getattr(shared_lab.ports, name), "tls": setting})
    assert (result.cause, result.steps.failed) == (Cause.TLS_CERTIFICATE, "tls" if mode == "implicit" else "starttls")
    assert len(result.phases) == (3 if mode == "implicit" else 5)  # the second look is no part of the ladder
    _assert_doubly_bad(result.steps.evidence.certificate)
    assert (result.steps.evidence.tls_version, result.steps.evidence.tls_cipher) == (
        "TLSv1.3",
        "TLS_AES_256_GCM_SHA384",
    )


async def test_a_certificate_bad_in_two_ways_is_shown_of_a_web_server(shared_lab: Lab, run: Run) -> None:
    setting = {"mode": "implicit", "ca_file": shared_lab.ca_file}
    result = await run("webmail", {"url": f"https://localhost:{shared_lab.ports.https_bad}/", "tls": setting})
    assert (result.cause, result.phases) == (Cause.TLS_CERTIFICATE, ["dns", "connect", "tls"])
    _assert_doubly_bad(result.steps.evidence.certificate)


def _assert_doubly_bad(seen: Certificate | None) -> None:
    assert seen is not None
    assert (seen.problem, seen.problems) == ("name", ("name", "expired"))
    assert seen.names == ("elsewhere.example",)
    assert seen.not_before < seen.not_after
    assert "mailuptime lab" in seen.issuer
    assert [link.subject for link in seen.chain] == [seen.subject]


@pytest.mark.parametrize(
    ("port", "problems"),
    [
        ("imaps_expired", ("expired",)),
        ("imaps_wrong_name", ("name",)),
        ("imaps_untrusted", ("untrusted",)),
    ],
)
async def test_no_more_is_said_to_be_wrong_than_is(
    port: str, problems: tuple[str, ...], shared_lab: Lab, run: Run
) -> None:
    setting = {"mode": "implicit", "ca_file": shared_lab.ca_file}
    result = await run("imap", {"host": "localhost", "port": getattr(shared_lab.ports, port), "tls": setting})
    assert result.steps.evidence.certificate is not None
    assert result.steps.evidence.certificate.problems == problems


async def test_a_stranger_with_an_old_certificate_for_another_name_is_all_of_it(run: Run, authority: Authority) -> None:
    context = serving_context(trustme.CA(), "elsewhere.example", not_after=datetime(2020, 1, 1, tzinfo=UTC))
    async with serving(secured(context)) as script:
        result = await run("pop3", implicit(script, authority.ca_file))
    assert result.steps.evidence.certificate is not None
    assert result.steps.evidence.certificate.problems == ("untrusted", "expired", "name")


async def test_the_chain_is_shown_as_it_was_sent(run: Run, tmp_path: Path) -> None:
    root = trustme.CA(organization_name="Root")
    middle = root.create_child_ca()
    root.cert_pem.write_to_path(str(tmp_path / "root.pem"))
    async with serving(secured(serving_context(middle, "127.0.0.1"))) as script:
        result = await run("pop3", implicit(script, tmp_path / "root.pem"))
    assert result.failure is None
    seen = result.steps.evidence.certificate
    assert seen is not None
    assert (seen.problem, seen.problems) == (None, ())
    leaf, issuer = seen.chain
    assert (leaf.subject, leaf.issuer, leaf.not_after) == (seen.subject, seen.issuer, seen.not_after)
    assert issuer.subject == leaf.issuer
    assert "Root" in issuer.issuer


async def test_what_nobody_verifies_is_shown_with_what_is_wrong_and_is_no_failure(run: Run) -> None:
    context = serving_context(trustme.CA(), "elsewhere.example", not_after=datetime(2020, 1, 1, tzinfo=UTC))
    async with serving(secured(context)) as script:
        setting = {"mode": "implicit", "verify": False}
        result = await run("pop3", {"host": "127.0.0.1", "port": script.port, "tls": setting})
    assert result.failure is None
    seen = result.steps.evidence.certificate
    assert seen is not None
    assert (seen.problem, seen.problems) == (None, ("expired", "name"))


@pytest.mark.parametrize(("days", "warned"), [(10, True), (20, False)])
async def test_a_certificate_that_runs_out_is_a_warning_and_no_failure(
    days: int, warned: bool, run: Run, tmp_path: Path
) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = serving_context(ca, "127.0.0.1", not_after=datetime.now(UTC) + timedelta(days=days, hours=1))
    async with serving(secured(context)) as script:
        result = await run("pop3", implicit(script, tmp_path / "ca.pem", min_days_left=15))
    assert result.failure is None
    expected = [f"certificate: {days}.0 days left of the 15 wanted"] if warned else []
    assert result.steps.evidence.warnings == expected


async def test_a_server_that_refuses_the_login_is_warned_of_its_certificate_too(
    run: Run, tmp_path: Path, login: dict[str, object]
) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = serving_context(ca, "127.0.0.1", not_after=datetime.now(UTC) + timedelta(days=3, hours=1))
    script = secured(context)
    script.replies = script.replies | {"AUTH": b"-ERR [AUTH] no\r\n"}
    async with serving(script):
        result = await run("pop3", implicit(script, tmp_path / "ca.pem") | {"login": login})
    assert result.cause is Cause.AUTH
    assert result.steps.evidence.warnings == ["certificate: 3.0 days left of the 14 wanted"]


PLAIN = Certificate("CN=a", "CN=b", ("mail.example.org",), 0.0, 100.0 * DAY)


@pytest.mark.parametrize(
    ("now", "warning"),
    [
        (85.9 * DAY, None),
        (86.1 * DAY, "certificate: 13.9 days left of the 14 wanted"),
        (100 * DAY, "certificate: 0.0 days left of the 14 wanted"),
        (101 * DAY, None),
    ],
)
def test_a_warning_begins_with_the_last_days_and_ends_where_the_failure_begins(now: float, warning: str | None) -> None:
    assert tls.expiring(PLAIN, 14, now) == warning


@pytest.mark.parametrize(
    ("names", "host", "covered"),
    [
        (("mail.example.org",), "MAIL.example.org", True),
        (("*.example.org",), "mail.example.org", True),
        (("*.example.org",), "a.mail.example.org", False),
        (("*.example.org",), "example.org", False),
        (("*.org",), "example.org", False),
        (("*.0.0.1",), "127.0.0.1", False),
        (("127.0.0.1",), "127.0.0.1", True),
        ((), "mail.example.org", False),
    ],
)
def test_a_name_is_covered_as_openssl_says(names: tuple[str, ...], host: str, covered: bool) -> None:
    """Each row is checked against OpenSSL itself, by a handshake in memory that verifies the name."""
    certificate = replace(PLAIN, names=names)
    assert ("name" not in tls.faults(certificate, host, None)) is covered
    if names:
        assert _openssl_accepts(names, host) is covered


def _openssl_accepts(names: tuple[str, ...], host: str) -> bool:
    ca = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ca.issue_cert(*names).configure_cert(server)
    ca.configure_trust(client)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=host),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                return False
    return True
