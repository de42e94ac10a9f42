"""Proves what a check of port 25 tells of a recipient, without ever sending a message."""

from typing import Any

import pytest

from probes.errors import Cause
from tests.lab import Lab
from tests.probes.conftest import Run
from tests.probes.scripted import Act, close, serving, stall
from tests.probes.test_real_servers import reach
from tests.probes.test_smtp import POLITE, clear

PATIENT = POLITE.but(
    MAIL=b"250 2.1.0 ok\r\n", RCPT=b"250 2.1.5 ok\r\n", RSET=b"250 2.0.0 ok\r\n", DATA=b"354 never\r\n"
)
RECIPIENT = {"recipient": "postmaster@example.org"}


async def test_a_recipient_of_a_real_server_is_accepted(shared_lab: Lab, run: Run) -> None:
    options = reach(shared_lab, "smtp", "starttls") | {"recipient": shared_lab.probe.username}
    result = await run("smtp", options)
    assert result.failure is None
    assert result.phases[-5:] == ["ehlo", "mail_from", "rcpt_to", "rset", "quit"]
    assert "C: MAIL FROM:<>" in result.steps.evidence.transcript
    codes = dict(result.steps.evidence.codes)
    assert (codes["mail_from"], codes["rcpt_to"], codes["rset"]) == ("250 2.1.0", "250 2.1.5", "250 2.0.0")


@pytest.mark.parametrize(
    ("recipient", "cause", "code"),
    [
        ("greylisted@lab.test", Cause.REJECTED_TEMPORARY, "450 4.2.0"),
        ("nobody@lab.test", Cause.REJECTED_PERMANENT, "550 5.1.1"),
        ("postmaster@elsewhere.example", Cause.REJECTED_PERMANENT, "554 5.7.1"),
    ],
)
async def test_a_real_server_that_refuses_a_recipient_is_named_for_it(
    recipient: str, cause: Cause, code: str, shared_lab: Lab, run: Run
) -> None:
    result = await run("smtp", reach(shared_lab, "smtp", "starttls") | {"recipient": recipient})
    assert (result.cause, result.steps.failed) == (cause, "rcpt_to")
    assert result.steps.evidence.codes[-1] == ("rcpt_to", code)


async def test_no_message_is_sent_and_the_sender_is_the_one_configured(run: Run) -> None:
    async with serving(PATIENT.but()) as script:
        result = await run("smtp", clear(script, None) | RECIPIENT | {"sender": "probe@example.org"})
    assert result.failure is None
    said = [line.decode().strip() for line in script.heard]
    assert said[1:] == ["MAIL FROM:<probe@example.org>", "RCPT TO:<postmaster@example.org>", "RSET", "QUIT"]


HOSTILE: dict[str, tuple[dict[str, Act], Cause, str]] = {
    "refuses the null sender": ({"MAIL": b"550 5.7.1 no\r\n"}, Cause.REJECTED_PERMANENT, "mail_from"),
    "is out of space": ({"MAIL": b"452 4.3.1 full\r\n"}, Cause.REJECTED_TEMPORARY, "mail_from"),
    "shuts down": ({"RCPT": b"421 4.3.2 bye\r\n"}, Cause.REJECTED_TEMPORARY, "rcpt_to"),
    "closes": ({"RCPT": close}, Cause.DISCONNECTED, "rcpt_to"),
    "answers with another code": ({"RCPT": b"354 go on\r\n"}, Cause.PROTOCOL, "rcpt_to"),
    "knows no RSET": ({"RSET": b"502 what\r\n"}, Cause.REJECTED_PERMANENT, "rset"),
}


@pytest.mark.parametrize(("changes", "cause", "phase"), HOSTILE.values(), ids=HOSTILE)
async def test_a_server_is_named_at_once_for_what_it_does(
    changes: dict[str, Act], cause: Cause, phase: str, run: Run
) -> None:
    async with serving(PATIENT.but(**changes)) as script:
        result = await run("smtp", clear(script, None) | RECIPIENT)
    assert (result.cause, result.steps.failed) == (cause, phase)


async def test_a_recipient_that_is_forwarded_is_accepted(run: Run) -> None:
    """251: the user is not local, and the server forwards (RFC 5321 section 3.4)."""
    async with serving(PATIENT.but(RCPT=b"251 will forward\r\n")) as script:
        result = await run("smtp", clear(script, None) | RECIPIENT)
    assert result.failure is None
    assert ("rcpt_to", "251") in result.steps.evidence.codes


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "RSET"])
async def test_a_stall_is_left_to_the_deadline(verb: str, run: Run) -> None:
    phase = {"MAIL": "mail_from", "RCPT": "rcpt_to", "RSET": "rset"}[verb]
    changes: dict[str, Any] = {verb: stall}
    async with serving(PATIENT.but(**changes)) as script:
        result = await run("smtp", clear(script, None) | RECIPIENT, expire=phase)
    assert result.timed_out
    assert result.steps.failed == phase
