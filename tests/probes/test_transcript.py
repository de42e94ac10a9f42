"""Proves that a transcript shows the dialogue of both sides, and of no secret more than that there was one."""

import hashlib
import hmac
import json
import smtplib
import time
from base64 import b64decode, b64encode
from typing import Any

import pytest

from probes import REGISTRY
from probes.base import Steps
from tests.lab import Lab
from tests.lab.dovecot import QUOTA_BYTES
from tests.probes.conftest import PASSWORD, Run, Secret
from tests.probes.scripted import Act, Peer, Script, serving
from tests.probes.test_imap import POLITE as IMAP
from tests.probes.test_pop3 import POLITE as POP3
from tests.probes.test_real_servers import credential, reach
from tests.probes.test_smtp import POLITE as SMTP

CHALLENGE = "<1.2@mail.example.org>"
DIGEST = hmac.new(PASSWORD.encode(), CHALLENGE.encode(), "md5").hexdigest()
APOP_DIGEST = hashlib.md5(f"{CHALLENGE}{PASSWORD}".encode()).hexdigest()
SCRIPTS = {"submission": SMTP, "imap": IMAP, "pop3": POP3}
VERBS = {"submission": "AUTH", "imap": "AUTHENTICATE", "pop3": "AUTH"}
ASKS = {"submission": b"334 %s\r\n", "imap": b"+ %s\r\n", "pop3": b"+ %s\r\n"}
REFUSES = {"submission": b"535 5.7.8 %s\r\n", "imap": b"%%T NO %s\r\n", "pop3": b"-ERR [AUTH] %s\r\n"}
OFFERS: dict[str, dict[str, Act]] = {
    "submission": {"EHLO": b"250-mx\r\n250 AUTH PLAIN LOGIN CRAM-MD5 XOAUTH2\r\n"},
    "imap": {"CAPABILITY": b"* CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=CRAM-MD5 AUTH=XOAUTH2\r\n%T OK\r\n"},
    "pop3": {
        "CAPA": b"+OK\r\nSASL PLAIN CRAM-MD5 XOAUTH2\r\nUSER\r\n.\r\n",
        "greeting": f"+OK {CHALLENGE}\r\n".encode(),
    },
}


def options(script: Script, login: dict[str, Any], mechanism: str) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": script.port, "tls": "none", "login": login | {"mechanism": mechanism}}


def parrot(kind: str, challenge: bytes) -> Act:
    """Asks, and refuses with all that it has heard, in the dress it came in and undressed."""

    async def act(peer: Peer) -> None:
        await peer.say(ASKS[kind] % challenge)
        heard = (await peer.hear()).strip()
        await peer.say(REFUSES[kind] % (heard + b" is " + b64decode(heard)))

    return act


@pytest.mark.parametrize("kind", SCRIPTS)
async def test_a_digest_that_the_server_sends_back_is_struck_out(kind: str, run: Run, login: dict[str, Any]) -> None:
    changes = OFFERS[kind] | {VERBS[kind]: parrot(kind, b64encode(CHALLENGE.encode()))}
    async with serving(SCRIPTS[kind].but(**changes)) as script:
        result = await run(kind, options(script, login, "cram-md5"))
    seen = result.steps.evidence
    assert len([line for line in seen.transcript if line == "C: ***"]) == 1
    whole = f"{result.failure} {seen!r}"
    assert DIGEST not in whole
    assert b64encode(f"probe@example.org {DIGEST}".encode()).decode() not in whole
    assert "*** is probe@example.org ***" in seen.transcript[-1]


async def test_a_digest_of_apop_is_struck_out(run: Run, login: dict[str, Any]) -> None:
    async def echo(peer: Peer) -> None:
        await peer.say(b"-ERR [AUTH] you said " + APOP_DIGEST.encode() + b"\r\n")

    async with serving(POP3.but(**OFFERS["pop3"], APOP=echo)) as script:
        result = await run("pop3", options(script, login, "apop"))
    assert script.heard[1] == f"APOP probe@example.org {APOP_DIGEST}\r\n".encode()
    seen = result.steps.evidence
    assert seen.transcript[-2:] == ["C: APOP probe@example.org ***", "S: -ERR [AUTH] you said ***"]
    assert APOP_DIGEST not in f"{result.failure} {seen!r}"


@pytest.mark.parametrize("kind", SCRIPTS)
async def test_a_token_that_the_server_wraps_into_its_error_is_struck_out(
    kind: str, run: Run, login: dict[str, Any]
) -> None:
    token = "ya29.a-token-that-nobody-may-see-0451"
    error = b64encode(json.dumps({"status": "400", "scope": f"mail {token}"}).encode())

    async def refuse(peer: Peer) -> None:
        if kind != "submission":
            await peer.say(ASKS[kind] % b"")
            await peer.hear()
        await peer.say(ASKS[kind] % error)
        assert await peer.hear() == b"\r\n"
        await peer.say(REFUSES[kind] % b"no")

    async with serving(SCRIPTS[kind].but(**OFFERS[kind], **{VERBS[kind]: refuse})) as script:
        if kind == "pop3":
            login = login | {"username": "p" * 150}  # so long that the line has no room for the answer
        result = await run(kind, options(script, login | {"password": Secret(token)}, "xoauth2"))
    assert result.failure is not None
    assert result.failure.reply.endswith("no (XOAUTH2 status 400)")
    seen = "\n".join(result.steps.evidence.transcript)
    assert token not in seen
    assert error.decode() not in seen
    assert any(line.startswith("S: ") and "***" in line for line in result.steps.evidence.transcript)
    assert sum(VERBS[kind].encode() in line for line in script.heard) == 1


async def test_the_password_of_user_and_pass_and_of_login_is_struck_out(run: Run, login: dict[str, Any]) -> None:
    async with serving(POP3.but(**OFFERS["pop3"])) as script:
        result = await run("pop3", options(script, login, "user"))
    assert "C: USER probe@example.org" in result.steps.evidence.transcript
    assert "C: PASS ***" in result.steps.evidence.transcript
    async with serving(IMAP.but()) as script:
        result = await run("imap", options(script, login, "login"))
    assert any(line.endswith(" LOGIN ***") for line in result.steps.evidence.transcript)


@pytest.mark.parametrize(
    ("kind", "first", "last"),
    [
        ("submission", "S: 220 mail.lab.test ESMTP Postfix", "S: 221 2.0.0 Bye"),
        ("pop3", "S: +OK Dovecot (Debian) ready.", "S: +OK Logging out."),
        ("imap", "S: * OK [CAPABILITY IMAP4rev1", "OK Logout completed"),
    ],
)
async def test_the_dialogue_with_a_real_server_is_whole(
    kind: str, first: str, last: str, shared_lab: Lab, run: Run
) -> None:
    result = await run(kind, reach(shared_lab, kind, "starttls") | {"login": credential(shared_lab)})
    lines = result.steps.evidence.transcript
    assert lines[0].startswith(first)
    assert last in lines[-1]
    assert {line[:3] for line in lines} == {"C: ", "S: "}
    assert not [line for line in lines if "\n" in line or len(line) > 210]


async def test_no_transcript_is_kept_unless_it_is_wanted(shared_lab: Lab) -> None:
    probe = REGISTRY["imap"]
    wanted = reach(shared_lab, "imap", "implicit") | {"login": credential(shared_lab)}
    steps = Steps(time.monotonic)
    await probe(probe.Options(**wanted)).check(steps)
    assert steps.evidence.transcript == []


async def test_figures_of_a_real_mailbox_are_evidence(lab: Lab, run: Run) -> None:
    mail = b"Subject: a large one\r\n\r\n" + (b"x" * 70 + b"\r\n") * 10_000
    with smtplib.LMTP("localhost", lab.ports.lmtp) as client:  # which answers when it is in the mailbox
        client.sendmail("probe@lab.test", [lab.probe.username], mail)
    imap = (await run("imap", reach(lab, "imap", "implicit") | {"login": credential(lab)})).steps.evidence
    assert imap.figures == {"messages": 1, "unseen": 1, "uidnext": 2}
    assert imap.quota_used is not None
    assert imap.quota_used == pytest.approx(len(mail) / QUOTA_BYTES, rel=0.05)
    pop3 = (await run("pop3", reach(lab, "pop3", "implicit") | {"login": credential(lab)})).steps.evidence
    assert pop3.figures["messages"] == 1
    assert pop3.figures["octets"] >= len(mail)
