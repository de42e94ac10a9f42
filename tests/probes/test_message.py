"""What is recognised in a mailbox that anybody can write to."""

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from probes.message import MAX_HEADER, compose, fields, may_be_report, returned, sighting
from probes.tokens import Token

TOKEN = Token("0123456789abcdef" * 2, datetime(2026, 11, 24, 3, 0, tzinfo=UTC))
OURS = compose(TOKEN, "probe@example.org", "probe@example.net")

REPORT = b"""\
From: MAILER-DAEMON@mail.lab.test (Mail Delivery System)\r
Subject: Undelivered Mail Returned to Sender\r
Content-Type: multipart/report; report-type=delivery-status;\r
\tboundary="x"\r
\r
--x\r
Content-Type: message/delivery-status\r
\r
Final-Recipient: rfc822; full@lab.test\r
Action: failed\r
Status: 5.2.2\r
\r
--x\r
Content-Type: text/rfc822-headers\r
\r
"""
BOUNCE = REPORT + OURS


def test_our_own_message_is_recognised() -> None:
    found = sighting(OURS, "here", junk=True)
    assert found is not None
    assert (found.token, found.place, found.junk, found.genuine, found.bounce) == (
        TOKEN.text,
        "here",
        True,
        True,
        False,
    )
    assert found.dated == TOKEN.issued


def test_our_own_message_is_recognised_behind_what_many_relays_have_put_before_it() -> None:
    relayed = b"Received: from a.example by b.example; Tue, 24 Nov 2026 03:00:00 +0000\r\n" * 300
    assert sighting(relayed + OURS, "here", junk=False) == sighting(OURS, "here", junk=False)


def test_our_own_message_is_small_and_in_ascii_and_ends_its_lines_as_smtp_has_it() -> None:
    assert len(OURS) < 1000
    assert OURS.isascii()
    assert OURS.count(b"\n") == OURS.count(b"\r\n")
    assert max(map(len, OURS.split(b"\r\n"))) <= 78


def test_a_message_under_another_id_is_not_taken_for_ours_to_delete() -> None:
    other = OURS.replace(b"Message-ID: <mailuptime.", b"Message-ID: <somebody.")
    found = sighting(other, "here", junk=False)
    assert found is not None
    assert not found.genuine


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\r\n\r\n" + OURS,
        b"Subject: hello\r\n\r\n" + OURS,
        OURS.replace(TOKEN.text.encode(), b"0123"),
        OURS.replace(TOKEN.text.encode(), TOKEN.text.upper().encode()),
        b"X: " + b"x" * MAX_HEADER + b"\r\n" + OURS,
    ],
)
def test_what_does_not_carry_a_token_in_its_own_header_is_not_ours(header: bytes) -> None:
    assert sighting(header, "here", junk=False) is None


def test_a_report_that_delivery_failed_is_a_bounce() -> None:
    found = returned(BOUNCE, "here", junk=False)
    assert found is not None
    assert (found.token, found.bounce) == (TOKEN.text, True)


@pytest.mark.parametrize("action", [b"delayed", b"delivered", b"relayed", b"expanded"])
def test_a_report_of_anything_else_is_none(action: bytes) -> None:
    assert returned(BOUNCE.replace(b"Action: failed", b"Action: " + action), "here", junk=False) is None


def test_a_bounce_of_a_system_without_delivery_status_is_one() -> None:
    old = b"From: <MAILER-DAEMON@old.example>\r\nSubject: failure\r\n\r\nYour message was not delivered:\r\n" + OURS
    found = returned(old, "here", junk=False)
    assert found is not None
    assert found.token == TOKEN.text


@pytest.mark.parametrize(
    "text",
    [
        BOUNCE.replace(b"report-type=delivery-status", b"report-type=disposition-notification")
        .replace(b"MAILER-DAEMON", b"alice")
        .replace(b"Action: failed\r\n", b""),
        b"From: alice@example.org\r\n\r\nI got this:\r\n" + OURS,
        REPORT,
        OURS,
    ],
    ids=["a receipt", "an answer", "a bounce of somebody else's", "the message itself"],
)
def test_what_is_no_bounce_of_ours_is_not_taken_for_one(text: bytes) -> None:
    assert returned(text, "here", junk=False) is None


@given(st.binary(max_size=6000) | st.text(max_size=3000).map(lambda text: text.encode(errors="replace")))
@example(b"\0" * 100)
@example(b"Date: Mon, 32 Foo 99999999999999999999 99:99:99 +9999\r\nX-Mailuptime-Token: " + b"a" * 32)
@example(b"Date: " + b"(" * 4000)
@example(b"a:\r\n" + b" \r\n" * 4000)
def test_nothing_that_is_written_into_a_mailbox_is_more_than_no_sighting(raw: bytes) -> None:
    for text in (raw, OURS[:200] + raw, BOUNCE[:300] + raw, b"X-Mailuptime-Token: " + b"a" * 32 + b"\r\nDate: " + raw):
        fields(text)
        may_be_report(text)
        for found in (sighting(text, "here", junk=False), returned(text, "here", junk=False)):
            assert found is None or len(found.token) == 32
            assert found is None or found.dated is None or found.dated.timestamp() is not None
