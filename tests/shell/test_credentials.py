"""Whether a credential has worked before, remembered across restarts without saying what it is."""

import asyncio
import json

from monitor.credentials import KIND, Credentials
from monitor.ledger import Fact
from monitor.ledger.chain import canonical

IMAP, SMTP = "mail/imap", "mail/smtp"
USER, PASSWORD = "probe@example.go.th", "hunter2-ลับ"


async def accepted() -> Fact:
    fact = await Credentials([]).accepted(IMAP, USER, PASSWORD, 5)
    assert fact is not None
    return fact


async def test_a_credential_has_not_worked_before_it_was_accepted() -> None:
    known = Credentials([])
    await known.prepare({IMAP: (USER, PASSWORD)})
    assert not known.worked(IMAP)
    await known.accepted(IMAP, USER, PASSWORD, 5)
    assert known.worked(IMAP)
    assert not known.worked(SMTP)


async def test_what_was_accepted_is_recorded_once() -> None:
    known = Credentials([])
    assert await known.accepted(IMAP, USER, PASSWORD, 5) is not None
    assert await known.accepted(IMAP, USER, PASSWORD, 6) is None


async def test_a_credential_that_has_worked_is_known_after_a_restart() -> None:
    known = Credentials([await accepted()])
    assert not known.worked(IMAP)  # what is configured now has not been compared yet
    await known.prepare({IMAP: (USER, PASSWORD)})
    assert known.worked(IMAP)


async def test_a_changed_password_or_user_has_not_worked_yet() -> None:
    fact = await accepted()
    for login in ((USER, "hunter3"), ("other@example.go.th", PASSWORD)):
        known = Credentials([fact])
        await known.prepare({IMAP: login})
        assert not known.worked(IMAP)


async def test_what_a_former_password_met_is_not_recorded_behind_the_one_that_holds() -> None:
    known = Credentials([])
    await known.prepare({IMAP: (USER, PASSWORD)})
    late = asyncio.create_task(known.accepted(IMAP, USER, PASSWORD, 5))
    await asyncio.sleep(0)  # its mark is being made
    await known.prepare({IMAP: (USER, "hunter3")})
    fact = await known.accepted(IMAP, USER, "hunter3", 6)
    assert await late is None
    assert fact is not None
    assert fact.at == 6


async def test_the_newest_fact_of_a_target_counts() -> None:
    old, new = await accepted(), await Credentials([]).accepted(IMAP, USER, "hunter3", 6)
    assert new is not None
    known = Credentials([old, new])
    await known.prepare({IMAP: (USER, PASSWORD)})
    assert not known.worked(IMAP)


async def test_the_fact_says_who_and_too_little_to_confirm_a_guess_at_the_password() -> None:
    fact, again = await accepted(), await accepted()
    assert (fact.at, fact.kind) == (5, KIND)
    assert PASSWORD not in canonical(fact.body).decode()
    assert fact.body["salt"] != again.body["salt"]
    assert len(fact.body["mark"]) == 4
    assert json.loads(canonical(fact.body)) == fact.body
