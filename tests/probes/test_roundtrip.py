"""Proves round trips against real Postfix and Dovecot."""

import re

import pytest

from monitor.core.instants import DAY, SECOND
from probes.errors import Cause
from probes.message import HEADER
from tests.lab import Lab, wait_until
from tests.lab.clients import imap_session
from tests.lab.dovecot import QUOTA_BYTES
from tests.lab.postfix import LOST
from tests.probes.trips import SOON, Trip, foreign, messages, put

READERS = pytest.mark.parametrize("fetch", ["imap", "pop3"])


def arrival(lab: Lab) -> bytes:
    """The message that has come, once it has."""
    wait_until(lambda: messages(lab) != [], "mail to arrive")
    (message,) = messages(lab)
    return message


@READERS
async def test_a_message_that_arrives_is_found_and_deleted(fetch: str, lab: Lab) -> None:
    trip = Trip(lab, fetch)
    seen = await trip.check()
    assert seen.failure is None
    assert seen.phases == ["submit", "queue", "fetch"]
    assert seen.warnings == []
    assert trip.counts == {"delivered": 1}
    assert messages(lab) == []


async def test_what_is_sent_says_that_nobody_is_to_answer_it(lab: Lab) -> None:
    lab.hold_delivery()
    await Trip(lab).check(deadline=SOON)
    lab.release_delivery()
    header = arrival(lab).partition(b"\r\n\r\n")[0].splitlines()
    assert {b"Auto-Submitted: auto-generated", b"X-Auto-Response-Suppress: All", b"Precedence: bulk"} <= set(header)
    (token,) = [line.removeprefix(f"{HEADER}: ".encode()) for line in header if line.startswith(HEADER.encode())]
    assert any(line.startswith(b"Message-ID: <mailuptime." + token + b"@lab.test>") for line in header)


async def test_a_message_in_junk_is_delivered_with_a_warning(lab: Lab) -> None:
    trip = Trip(lab, to="probe+Junk@lab.test")
    seen = await trip.check()
    assert seen.failure is None
    assert seen.warnings == ["the message was in Junk"]
    assert trip.counts == {"delivered": 1}
    assert messages(lab, "Junk") == []


@READERS
async def test_what_is_accepted_and_held_is_undelivered_and_late_when_it_comes_after_all(fetch: str, lab: Lab) -> None:
    trip = Trip(lab, fetch)
    lab.hold_delivery()
    seen = await trip.check(deadline=SOON)
    assert (seen.cause, seen.steps.failed) == (Cause.UNDELIVERED, "queue")
    assert trip.counts == {}
    lab.release_delivery()
    arrival(lab)
    assert (await trip.check()).failure is None
    assert trip.counts == {"late": 1, "delivered": 1}
    assert messages(lab) == []


async def test_what_never_comes_is_lost_once_it_is_given_up(lab: Lab) -> None:
    trip = Trip(lab, to=LOST)
    assert (await trip.check(deadline=SOON)).cause is Cause.UNDELIVERED
    trip.clock.ahead = DAY - 60 * SECOND
    await trip.check(deadline=SOON)
    assert trip.counts == {}
    trip.clock.ahead = DAY + 60 * SECOND
    await trip.check(deadline=SOON)
    assert trip.counts == {"lost": 1}


@READERS
async def test_mail_for_a_mailbox_over_its_quota_is_bounced(fetch: str, lab: Lab) -> None:
    full = lab.accounts[1]
    most = foreign("x")
    put(lab, most + b"x" * (QUOTA_BYTES - len(most) - 500), account=full)
    trip = Trip(lab, fetch, to=full.username)
    seen = await trip.check()
    assert (seen.cause, seen.steps.failed) == (Cause.BOUNCED, "fetch")
    assert trip.counts == {"bounced": 1}
    assert messages(lab) == []


@READERS
async def test_between_two_accounts_the_bounce_is_found_where_it_comes_to(fetch: str, lab: Lab) -> None:
    full = lab.accounts[1]
    trip = Trip(lab, fetch, reads=full, returns=True)
    assert (await trip.check()).failure is None
    most = foreign("x")
    put(lab, most + b"x" * (QUOTA_BYTES - len(most) - 500), account=full)
    seen = await trip.check()
    assert (seen.cause, seen.steps.failed) == (Cause.BOUNCED, "fetch")
    assert trip.counts == {"delivered": 1, "bounced": 1}
    assert messages(lab) == []


@READERS
async def test_a_second_copy_is_a_duplicate_also_when_it_comes_later(fetch: str, lab: Lab) -> None:
    trip = Trip(lab, fetch)
    lab.hold_delivery()
    await trip.check(deadline=SOON)
    lab.release_delivery()
    copy = arrival(lab)
    put(lab, copy)
    await trip.check()
    assert trip.counts == {"late": 1, "duplicate": 1, "delivered": 1}
    put(lab, copy)
    await trip.check()
    assert trip.counts == {"late": 1, "duplicate": 2, "delivered": 2}
    assert messages(lab) == []


@READERS
async def test_a_sweep_takes_old_messages_of_other_monitors_and_nothing_else(fetch: str, lab: Lab) -> None:
    lab.hold_delivery()
    stranger = Trip(lab)
    await stranger.check(deadline=SOON)
    lab.release_delivery()
    theirs = arrival(lab)
    other = b"f" * 32
    token = theirs.partition(f"{HEADER}: ".encode())[2][:32]
    forged = theirs.replace(b"Message-ID: <mailuptime." + token, b"Message-ID: <somebody." + other)
    mine = [foreign("one"), forged, b"Subject: NUL and dust\r\n\r\n\xff\xfe" + b"." * 5000 + b"\r\n"]
    for message in mine:
        put(lab, message)
    trip = Trip(lab, fetch)
    await trip.check()
    assert len(messages(lab)) == 4  # theirs may still be waited for
    trip.clock.ahead = 2 * DAY
    assert (await trip.check()).failure is None
    left = messages(lab)
    assert len(left) == 3
    assert not any(b"<mailuptime." + token in message for message in left)
    assert trip.counts == {"delivered": 2}


async def test_without_uidplus_what_others_have_marked_as_deleted_stays(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("probes.mailbox_imap.UIDPLUS", "NO-SUCH-CAPABILITY")
    put(lab, foreign("kept"))
    with imap_session(lab) as client:
        client.store("1", "+FLAGS", r"(\Deleted)")
        trip = Trip(lab)
        assert (await trip.check()).failure is None
        assert (await trip.check()).failure is None
    assert trip.counts == {"delivered": 2}
    assert [b"Subject: kept" in message for message in messages(lab)] == [True, False, False]


@READERS
async def test_more_foreign_mail_than_is_looked_at_hides_no_message(fetch: str, lab: Lab) -> None:
    with imap_session(lab) as client:
        for number in range(70):
            client.append("INBOX", "", "", foreign(str(number)))
    seen = await Trip(lab, fetch).check()
    assert seen.failure is None
    assert len(messages(lab)) == 70


async def test_a_wrong_password_of_the_submitter_sends_nothing(lab: Lab) -> None:
    seen = await Trip(lab, submit_password="wrong-0451").check()
    assert (seen.cause, seen.steps.failed) == (Cause.AUTH, "submit")
    assert seen.failure is not None
    assert seen.failure.reply.startswith("auth: 535 ")


@READERS
async def test_a_wrong_password_of_the_reader_is_tried_once(fetch: str, lab: Lab) -> None:
    trip = Trip(lab, fetch, password="wrong-0451")
    seen = await trip.check()
    assert (seen.cause, seen.steps.failed) == (Cause.AUTH, "fetch")
    assert seen.failure is not None
    assert seen.failure.reply.startswith("auth: ")
    attempts = [line for line in seen.steps.evidence.transcript if re.match(r"C: (\S+ AUTHENTICATE|AUTH) ", line)]
    assert len(attempts) == 2  # one at each end
    assert (await Trip(lab, fetch).check()).failure is None


async def test_a_reader_that_is_down_is_asked_again_until_the_deadline(lab: Lab) -> None:
    trip = Trip(lab)
    lab.freeze("imap-login")
    # Nothing but the end of a time-out is waited for here: the server accepts and says nothing.
    seen = await trip.check(deadline=SOON)
    assert (seen.cause, seen.steps.failed) == (Cause.TIMEOUT, "fetch")
    lab.thaw("imap-login")
    assert (await trip.check()).failure is None
    assert trip.counts == {"late": 1, "delivered": 1}


async def test_a_recipient_that_does_not_exist_is_refused_and_never_lost(lab: Lab) -> None:
    trip = Trip(lab, to="nobody@lab.test")
    seen = await trip.check()
    assert (seen.cause, seen.steps.failed) == (Cause.REJECTED_PERMANENT, "submit")
    trip.clock.ahead = 2 * DAY
    trip.to = None
    await trip.check()
    assert trip.counts == {"delivered": 1}
