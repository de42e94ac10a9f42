"""What cannot be declared is refused: one line on standard error, its status, and nothing written."""

import pytest

from tests.declare.office import Office, once

WINDOW = ("maintenance", "add", "--reason", "upgrade", "--by", "ops")
EXCLUSION = ("exclude", "add", "--category", "customer", "--evidence", "mail 7", "--by", "ops")
SPAN = ("--start", "2026-11-12T10:00", "--end", "2026-11-12T11:00")
RULE = ("--start", "2026-11-12T10:00", "--duration", "1h", "--rrule")
DECLARED = ((*WINDOW, *SPAN, "--id", "CHG-1"), (*EXCLUSION, *SPAN, "--id", "EXC-1"))

REFUSED = {
    "an end before the start": (
        (*WINDOW, "--start", "2026-11-12T11:00", "--end", "2026-11-12T10:00"),
        "end: must be after start",
    ),
    "an end at the start": (
        (*WINDOW, "--start", "2026-11-12T11:00", "--end", "2026-11-12T11:00"),
        "end: must be after start",
    ),
    "no end": ((*WINDOW, "--start", "2026-11-12T10:00"), "end: is required"),
    "a start that is no time": ((*WINDOW, "--start", "tomorrow", "--end", "2026-11-12T11:00"), '"tomorrow"'),
    "a day that does not exist": (
        (*WINDOW, "--start", "2026-11-31T10:00", "--end", "2026-12-01T10:00"),
        "2026-11-31T10:00",
    ),
    "a rule that is none": ((*WINDOW, *RULE, "every Sunday"), "EVERY SUNDAY"),
    "a rule of an unknown frequency": ((*WINDOW, *RULE, "FREQ=SOMETIMES"), "rrule"),
    "a rule that the start is no occurrence of": (
        (*WINDOW, *RULE, "FREQ=MONTHLY;BYDAY=1SU"),
        "2026-12-06T10:00:00",
    ),
    "a rule with an end": ((*WINDOW, *SPAN, "--rrule", "FREQ=DAILY", "--duration", "1h"), "end"),
    "a zone that does not exist": (
        (*WINDOW, *RULE, "FREQ=DAILY", "--timezone", "Asia/Bangkog"),
        "Asia/Bangkok",
    ),
    "a duration without a unit": (
        (*WINDOW, "--start", "2026-11-12T10:00", "--duration", "60", "--rrule", "FREQ=DAILY"),
        "duration",
    ),
    "a scope of a service that does not exist": ((*WINDOW, *SPAN, "--scope", "male"), "mail"),
    "a scope of a target that does not exist": ((*WINDOW, *SPAN, "--scope", "mail/imap"), "mail/imap"),
    "no reason": (("maintenance", "add", "--reason", " ", "--by", "ops", *SPAN), "must not be empty"),
    "no author": (("maintenance", "add", "--reason", "upgrade", "--by", "", *SPAN), "must not be empty"),
    "a window's id that is taken": ((*WINDOW, *SPAN, "--id", "CHG-1"), "CHG-1"),
    "an exclusion of a window's id": ((*EXCLUSION, *SPAN, "--id", "CHG-1"), "choose another id"),
    "a window of an exclusion's id": ((*WINDOW, *SPAN, "--id", "EXC-1"), "choose another id"),
    "shortening what is unknown": (
        ("maintenance", "shorten", "CHG-9", "--end", "2026-11-12T10:30", "--by", "ops"),
        "CHG-9",
    ),
    "shortening to a later end": (
        ("maintenance", "shorten", "CHG-1", "--end", "2026-11-12T11:30", "--by", "ops"),
        "2026-11-12T11:00:00+07:00",
    ),
    "shortening to before the start": (
        ("maintenance", "shorten", "CHG-1", "--end", "2026-11-12T09:30", "--by", "ops"),
        "cancel",
    ),
    "shortening to what is no time": (
        ("maintenance", "shorten", "CHG-1", "--end", "noon", "--by", "ops"),
        '"noon"',
    ),
    "cancelling what is unknown": (("maintenance", "cancel", "CHG-9", "--by", "ops"), "CHG-9"),
    "an exclusion without a span": (EXCLUSION, "is required"),
    "an exclusion of a span and an outage": (
        (*EXCLUSION, *SPAN, "--outage", "mail-20261110T030000Z"),
        "outage",
    ),
    "an exclusion that ends before it starts": (
        (*EXCLUSION, "--start", "2026-11-12T11:00", "--end", "2026-11-12T10:00"),
        "end: must be after start",
    ),
    "an exclusion of an outage that was not": (
        (*EXCLUSION, "--outage", "mail-20261109T030000Z"),
        "20261109T030000Z",
    ),
    "an exclusion of what is no outage's id": ((*EXCLUSION, "--outage", "yesterday"), "yesterday"),
    "an exclusion of an unknown service's outage": (
        (*EXCLUSION, "--outage", "web-20261110T030000Z"),
        "web-20261110",
    ),
    "an exclusion's id that is taken": ((*EXCLUSION, *SPAN, "--id", "EXC-1"), "EXC-1"),
    "withdrawing what is unknown": (("exclude", "withdraw", "EXC-9", "--by", "ops"), "EXC-9"),
    "approving one's own window": (("approve", "CHG-1", "--by", "ops"), "somebody else"),
    "approving one's own exclusion": (("approve", "EXC-1", "--by", "ops"), "somebody else"),
    "approving one's own under a name with a blank": (("approve", "EXC-1", "--by", "ops "), "somebody else"),
    "approving one's own in capitals": (("approve", "CHG-1", "--by", "OPS"), "somebody else"),
    "approving one's own under a name that only looks different": (
        ("approve", "EXC-1", "--by", "o\u200bp\uff53"),
        "declared by ops; somebody else",
    ),
    "approving what is unknown": (("approve", "CHG-9", "--by", "boss"), "CHG-9"),
    "approving for nobody": (("approve", "CHG-1", "--by", " "), "by"),
    "a month that does not exist": (("sla", "--month", "2026-13"), "2026-13"),
    "a month that is none": (("outages", "--month", "november"), "november"),
}


@pytest.fixture
def declared(office: Office, ledgers: dict[str, bytes]) -> Office:
    """With a window and an exclusion in its ledger."""

    def declare() -> None:
        for arguments in DECLARED:
            office.act(*arguments)

    once(office, ledgers, "a window and an exclusion", declare)
    return office


@pytest.mark.parametrize(("arguments", "part"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_in_one_line_and_nothing_is_written(
    arguments: tuple[str, ...], part: str, declared: Office
) -> None:
    office = declared
    before = office.facts()
    done = office.run(*arguments)
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1), done
    assert part in done.err
    assert office.facts() == before


TWICE, NEVER = "2026-10-25T02:30", "2026-03-29T02:30"


@pytest.mark.parametrize(("time", "readings"), [(TWICE, "+02:00 or"), (NEVER, "+01:00 or")], ids=["twice", "never"])
def test_a_local_time_that_is_no_single_instant_is_refused_with_its_readings(
    time: str, readings: str, office: Office
) -> None:
    office.write(sla={"timezone": "Europe/Berlin"})
    before = office.facts()
    done = office.run(*WINDOW, "--start", time, "--end", "2026-12-01T00:00")
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1), done
    assert time in done.err
    assert readings in done.err
    assert office.facts() == before


def test_an_approval_that_was_given_is_not_given_again(declared: Office) -> None:
    office = declared
    office.act("approve", "EXC-1", "--by", "boss")
    before = office.facts()
    done = office.run("approve", "EXC-1", "--by", "director")
    assert (done.status, done.err.count("\n")) == (2, 1)
    assert "boss" in done.err
    assert office.facts() == before


def test_a_window_that_was_shortened_cannot_be_lengthened_again(office: Office) -> None:
    office.act(*DECLARED[0])
    office.act("maintenance", "shorten", "CHG-1", "--end", "2026-11-12T10:20", "--by", "ops")
    before = office.facts()
    done = office.run("maintenance", "shorten", "CHG-1", "--end", "2026-11-12T10:40", "--by", "ops")
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert "2026-11-12T10:20:00+07:00" in done.err
    assert office.facts() == before


def test_without_a_ledger_there_is_nothing_to_declare_on(office: Office) -> None:
    office.ledger.unlink()
    done = office.run(*WINDOW, *SPAN)
    assert (done.status, done.out, done.err.count("\n")) == (69, "", 1)
    assert not office.ledger.exists()
