"""Months that close: when, what is recorded of them, and what a correction adds (R16)."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from monitor.assembly import rules_of
from monitor.bookkeeper import Bookkeeper
from monitor.clock import SystemClock
from monitor.core.instants import DAY, SECOND
from monitor.desk import Desk
from monitor.ledger import Ledger
from monitor.ledger.restore import restored
from monitor.ledger.writer import Writer
from monitor.recorder import Recorder
from monitor.settings import load
from tests.core.worked import at
from tests.declare.office import Office, hourly

T = TypeVar("T")

ACT = (
    "maintenance",
    "add",
    "--reason",
    "upgrade",
    "--by",
    "ops",
    "--start",
    "2027-05-01T10:00",
    "--end",
    "2027-05-02T10:00",
)
END = at("2026-12-01T00:00")
EXCUSE = (
    "exclude", "add", "--id", "EXC-1", "--by", "ops", "--category", "customer", "--evidence", "mail 7",
    "--start", "2026-11-10T10:30", "--end", "2026-11-10T11:00",
)  # fmt: skip


def closed(office: Office) -> Office:
    office.feed(hourly(at("13:00"), END))
    office.now = END + 7 * DAY
    office.act(*ACT)
    return office


def test_a_month_closes_seven_days_after_its_end_and_not_before(office: Office) -> None:
    office.feed(hourly(at("13:00"), END))
    office.now = END + 7 * DAY - SECOND
    office.act(*ACT, "--id", "CHG-1")
    assert office.bodies("closing") == []
    assert "revision" not in office.figures()
    office.now = END + 7 * DAY
    office.act(*ACT, "--id", "CHG-2")
    [body] = office.bodies("closing")
    assert (body["month"], body["revision"], body["reason"]) == ("2026-11", 1, "the month is over")
    assert body["services"]["mail"]["downtime"] == 7200 * SECOND
    assert body["tzdata"]
    assert office.figures()["revision"] == 1


def test_the_file_says_when_a_month_closes(office: Office) -> None:
    office.write(sla={"timezone": "Asia/Bangkok", "close_after": "1d"})
    office.feed(hourly(at("13:00"), END))
    office.now = END + DAY
    office.act(*ACT)
    assert office.figures()["revision"] == 1


def test_a_closing_refers_to_the_head_of_the_chain_before_it(office: Office) -> None:
    closed(office)
    [closing] = office.facts("closing")
    before = office.facts()[closing.seq - 2]
    assert closing.fact.body["head"] == before.digest.hex()


def test_an_exclusion_approved_afterwards_makes_a_second_revision_with_its_reason(office: Office) -> None:
    closed(office)
    first = office.figures()
    office.now += DAY
    office.act(*EXCUSE)
    assert office.figures()["revision"] == 1
    office.now += DAY
    office.act("approve", "EXC-1", "--by", "boss")
    second = office.figures()
    assert (second["revision"], second["downtime_seconds"]) == (2, 5400)
    assert second["digest"] != first["digest"]
    kept, added = office.bodies("closing")
    assert (kept["revision"], kept["services"]["mail"]["downtime"]) == (1, 7200 * SECOND)
    assert (added["revision"], added["reason"]) == (2, "approve EXC-1")
    assert office.verified().differences == ()


def test_a_withdrawal_makes_a_third_revision_with_the_figures_of_the_first(office: Office) -> None:
    closed(office)
    office.act(*EXCUSE)
    office.act("approve", "EXC-1", "--by", "boss")
    office.act("exclude", "withdraw", "EXC-1", "--by", "ops")
    revisions = office.bodies("closing")
    assert [one["revision"] for one in revisions] == [1, 2, 3]
    assert revisions[2]["services"] == revisions[0]["services"]
    assert revisions[2]["reason"] == "exclusion.withdraw EXC-1"
    assert office.verified().differences == ()


def test_what_changes_no_figure_makes_no_revision(office: Office) -> None:
    closed(office)
    office.now += DAY
    office.act(*ACT, "--id", "CHG-9")
    assert office.figures()["revision"] == 1


def test_every_month_since_the_first_check_is_closed_in_order(office: Office) -> None:
    office.feed(hourly(at("13:00"), at("2027-02-01T00:00")))
    office.now = at("2027-02-20T00:00")
    office.act(*ACT)
    assert [body["month"] for body in office.bodies("closing")] == ["2026-11", "2026-12", "2027-01"]
    assert office.figures("2027-01")["revision"] == 1
    assert "revision" not in office.figures("2027-02")


def test_verify_says_what_it_went_through_and_the_head_to_note(office: Office) -> None:
    closed(office)
    office.seal()
    done = office.run("verify")
    facts = office.facts()
    assert (done.status, done.err) == (0, "")
    head = facts[-1].digest.hex()
    assert done.out.splitlines() == [
        f"{office.ledger}: verified; facts: {len(facts)}, checks: {office.verified().checks}, closed months: 1",
        f"head: {head}",
    ]
    assert office.run("verify", "--head", head).status == 0
    assert office.run("verify", "--head", head.upper()).status == 0


def test_an_older_head_is_still_found_after_more_was_recorded(office: Office) -> None:
    noted = office.verified().head
    closed(office)
    assert office.run("verify", "--head", noted).status == 0


class Later(SystemClock):
    def __init__(self, office: Office) -> None:
        self._office = office

    def now(self) -> int:
        return self._office.now


class AtOnce(Writer):
    """Writes without a thread, so that the same turns of the event loop are taken each time."""

    async def call(self, work: Callable[[Ledger], T]) -> T:
        return work(self._ledger)


def test_an_approval_while_months_are_closed_is_in_all_of_a_closing_or_in_nothing_of_it(office: Office) -> None:
    """Closing takes turns of the event loop; what it was made by can be reproduced all the same."""
    office.act(*EXCUSE)
    office.feed(hourly(at("13:00"), END))
    office.now = END + 1000 * DAY  # of many months the first is evaluated long before the last

    async def run() -> None:
        settings = load(office.configuration)
        with Ledger(office.ledger) as ledger:
            book, declarations = restored(ledger, rules_of(settings))
            clock, writer, desk = Later(office), AtOnce(ledger), Desk(settings, book, declarations)
            recorder = Recorder(clock, book, writer, lambda: None)
            books = Bookkeeper(clock, book, desk, recorder, writer, 7 * DAY)
            books.open(ledger)
            recording = asyncio.create_task(recorder.run())
            await asyncio.gather(books.keep(), books.act("approve", {"id": "EXC-1", "by": "boss"}, "user boss"))
            recording.cancel()

    asyncio.run(run())
    assert office.verified().differences == ()
    assert office.downtime() == 5400
