"""Proves each mechanism against real Dovecot and Postfix: accepted, refused, in one attempt, and never shown."""

import re
from pathlib import Path
from typing import Any

import pytest

from monitor.settings.secrets import SecretReference
from probes.errors import Cause
from tests.lab import Lab
from tests.probes.conftest import Run, Secret
from tests.probes.test_real_servers import reach

WAYS = [
    ("submission", "starttls", "plain"),
    ("submission", "starttls", "login"),
    ("submission", "starttls", "cram-md5"),
    ("submission", "implicit", "auto"),
    ("imap", "starttls", "plain"),
    ("imap", "implicit", "login"),
    ("imap", "implicit", "cram-md5"),
    ("imap", "implicit", "auto"),
    ("imap", "none", "auto"),
    ("pop3", "starttls", "user"),
    ("pop3", "implicit", "plain"),
    ("pop3", "implicit", "apop"),
    ("pop3", "implicit", "cram-md5"),
    ("pop3", "none", "auto"),
]
TOKENS = [("submission", "starttls"), ("submission", "implicit"), ("imap", "implicit"), ("pop3", "implicit")]


def options(lab: Lab, kind: str, mode: str, mechanism: str, password: Any) -> dict[str, Any]:
    place = reach(lab, kind, "starttls" if mode == "none" else mode)
    login = {"username": lab.probe.username, "password": password, "mechanism": mechanism}
    return place | {"login": login} | ({"tls": "none"} if mode == "none" else {})


def attempts(lines: list[str]) -> list[str]:
    """What the client said to log in, but for its arguments; PASS is part of USER."""
    said = (re.search(r"\b(AUTH|AUTHENTICATE|LOGIN|USER|APOP)\b( [A-Z0-9-]+)?", one) for one in lines if one[0] == "C")
    return [found.group() for found in said if found]


@pytest.mark.parametrize(("kind", "mode", "mechanism"), WAYS)
async def test_the_right_password_is_accepted_in_one_attempt_and_never_shown(
    kind: str, mode: str, mechanism: str, shared_lab: Lab, run: Run
) -> None:
    result = await run(kind, options(shared_lab, kind, mode, mechanism, Secret(shared_lab.probe.password)))
    assert result.failure is None
    assert len(attempts(result.steps.evidence.transcript)) == 1
    assert shared_lab.probe.password not in repr(result.steps.evidence)
    assert any("***" in line for line in result.steps.evidence.transcript)


@pytest.mark.parametrize(("kind", "mode", "mechanism"), WAYS)
async def test_a_wrong_password_is_refused_in_one_attempt(
    kind: str, mode: str, mechanism: str, shared_lab: Lab, run: Run
) -> None:
    result = await run(kind, options(shared_lab, kind, mode, mechanism, Secret("wrong-0451")))
    assert (result.cause, result.steps.failed) == (Cause.AUTH, "auth")
    assert len(attempts(result.steps.evidence.transcript)) == 1
    assert result.steps.evidence.codes[-1][0] == "auth"


@pytest.mark.parametrize(
    ("kind", "mode", "attempt"),
    [
        ("imap", "implicit", "AUTHENTICATE PLAIN"),
        ("imap", "none", "AUTHENTICATE CRAM-MD5"),
        ("pop3", "implicit", "AUTH PLAIN"),
        ("pop3", "none", "AUTH CRAM-MD5"),
        ("submission", "starttls", "AUTH PLAIN"),
    ],
)
async def test_auto_shows_the_password_under_tls_and_answers_a_challenge_in_clear(
    kind: str, mode: str, attempt: str, shared_lab: Lab, run: Run
) -> None:
    result = await run(kind, options(shared_lab, kind, mode, "auto", Secret(shared_lab.probe.password)))
    assert attempts(result.steps.evidence.transcript) == [attempt]


class TokenFile:
    """Where somebody else keeps a token, and what refers to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.secret = SecretReference("file", str(path))

    def keep(self, token: str) -> None:
        self.path.touch(mode=0o600)
        self.path.write_text(token)

    def lose(self) -> None:
        self.path.unlink()


@pytest.fixture
def token_file(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "token")


@pytest.mark.parametrize(("kind", "mode"), TOKENS)
async def test_a_token_is_accepted_and_never_shown(
    kind: str, mode: str, shared_lab: Lab, run: Run, token_file: TokenFile
) -> None:
    token = shared_lab.token()
    token_file.keep(token)
    result = await run(kind, options(shared_lab, kind, mode, "xoauth2", token_file.secret))
    assert result.failure is None
    assert len(attempts(result.steps.evidence.transcript)) == 1
    assert token not in repr(result.steps.evidence)


@pytest.mark.parametrize(("kind", "mode"), TOKENS)
async def test_a_token_that_has_ended_is_no_fault_of_the_server_until_somebody_renews_it(
    kind: str, mode: str, shared_lab: Lab, run: Run, token_file: TokenFile
) -> None:
    ended = shared_lab.token(seconds=-60)
    token_file.keep(ended)
    refused = await run(kind, options(shared_lab, kind, mode, "xoauth2", token_file.secret))
    assert (refused.cause, refused.steps.failed) == (Cause.CREDENTIAL, "auth")
    assert refused.failure is not None
    assert refused.failure.reply.endswith("(XOAUTH2 status 401)")
    assert ended not in repr(refused.steps.evidence)

    token_file.keep(shared_lab.token())
    assert (await run(kind, options(shared_lab, kind, mode, "xoauth2", token_file.secret))).failure is None


async def test_a_token_that_is_not_there_is_no_fault_of_the_server(
    shared_lab: Lab, run: Run, token_file: TokenFile
) -> None:
    token_file.keep(shared_lab.token())
    token_file.secret.load()
    token_file.lose()
    result = await run("imap", options(shared_lab, "imap", "implicit", "xoauth2", token_file.secret))
    assert result.cause is Cause.CREDENTIAL
    assert result.failure is not None
    assert result.failure.reply == f"file {token_file.path}: No such file or directory"
    assert result.phases == []
