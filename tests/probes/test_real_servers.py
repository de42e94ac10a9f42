"""Proves the probes against real Dovecot, Postfix and Roundcube."""

from typing import Any

import pytest

from probes.errors import Cause
from tests.lab import Lab
from tests.probes.conftest import Run, Secret


def reach(lab: Lab, kind: str, mode: str) -> dict[str, Any]:
    setting = {"mode": mode, "ca_file": lab.ca_file}
    if kind == "webmail":
        return {"url": lab.webmail_url, "tls": setting}
    secure = {"imap": "imaps", "pop3": "pop3s", "submission": "submissions"}
    port = getattr(lab.ports, secure[kind] if mode == "implicit" else kind)
    return {"host": "localhost", "port": port, "tls": setting}


def credential(lab: Lab, password: str | None = None) -> dict[str, Any]:
    return {"username": lab.probe.username, "password": Secret(password or lab.probe.password)}


WAYS = [
    ("imap", "implicit", "quota"),
    ("imap", "starttls", "quota"),
    ("pop3", "implicit", "uidl"),
    ("pop3", "starttls", "uidl"),
    ("submission", "implicit", "auth"),
    ("submission", "starttls", "auth"),
    ("webmail", "implicit", "inbox"),
]


@pytest.mark.parametrize(("kind", "mode", "last"), WAYS)
async def test_a_real_server_is_up(kind: str, mode: str, last: str, shared_lab: Lab, run: Run) -> None:
    result = await run(kind, reach(shared_lab, kind, mode) | {"login": credential(shared_lab)})
    assert result.failure is None
    assert result.phases[-2] == last
    assert all(phase.ok for phase in result.steps.phases)
    assert shared_lab.probe.password not in repr(result.steps.evidence)


async def test_port_25_is_up_without_a_login(shared_lab: Lab, run: Run) -> None:
    result = await run("smtp", reach(shared_lab, "smtp", "starttls"))
    assert result.failure is None
    assert result.phases == ["dns", "connect", "greeting", "ehlo", "starttls", "ehlo", "quit"]


@pytest.mark.parametrize(("kind", "mode"), [(kind, mode) for kind, mode, _ in WAYS])
async def test_a_wrong_password_is_refused_as_such(kind: str, mode: str, shared_lab: Lab, run: Run) -> None:
    result = await run(kind, reach(shared_lab, kind, mode) | {"login": credential(shared_lab, "wrong-0451")})
    assert (result.cause, result.steps.failed) == (Cause.AUTH, "login" if kind == "webmail" else "auth")


@pytest.mark.parametrize(
    ("port", "problem"),
    [("imaps_expired", "expired"), ("imaps_wrong_name", "name"), ("imaps_untrusted", "untrusted")],
)
async def test_a_bad_certificate_is_named(port: str, problem: str, shared_lab: Lab, run: Run) -> None:
    options = reach(shared_lab, "imap", "implicit") | {"port": getattr(shared_lab.ports, port)}
    result = await run("imap", options | {"login": credential(shared_lab)})
    assert result.cause is Cause.TLS_CERTIFICATE
    assert result.steps.evidence.certificate is not None
    assert result.steps.evidence.certificate.problem == problem


async def test_a_mailbox_that_is_not_there_is_a_matter_of_content(shared_lab: Lab, run: Run) -> None:
    options = reach(shared_lab, "imap", "implicit") | {"login": credential(shared_lab), "mailbox": "ที่ไม่มี"}
    result = await run("imap", options)
    assert (result.cause, result.steps.failed) == (Cause.CONTENT, "select")


async def test_webmail_without_its_imap_server_blames_no_credential(lab: Lab, run: Run) -> None:
    lab.stop_dovecot()
    result = await run("webmail", reach(lab, "webmail", "implicit") | {"login": credential(lab)})
    assert (result.cause, result.steps.failed) == (Cause.REJECTED_TEMPORARY, "login")


async def test_frozen_servers_run_into_the_deadline_where_they_hang(lab: Lab, run: Run) -> None:
    for name, kind, mode, phase in (
        ("auth", "imap", "starttls", "auth"),
        ("imap-login", "imap", "implicit", "tls"),
        ("smtpd", "smtp", "starttls", "greeting"),
    ):
        lab.freeze(name)  # type: ignore[arg-type]
        login = {} if kind == "smtp" else {"login": credential(lab)}
        result = await run(kind, reach(lab, kind, mode) | login, expire=phase)
        assert result.timed_out, name
        assert result.steps.failed == phase, name
