"""What `systemctl status` shows of the daemon."""

from fractions import Fraction
from zoneinfo import ZoneInfo

from monitor.announcement import announcement
from monitor.core.budget import Burn
from monitor.core.calendar import Month
from monitor.core.instants import DAY, MINUTE, SECOND
from monitor.core.maintenance import Outlook
from monitor.core.month import Figures, Objectives, Sums
from monitor.snapshot import ServicePicture, Snapshot, TargetPicture

BANGKOK = ZoneInfo("Asia/Bangkok")
NOVEMBER = Month(2026, 11)
COMMITTED = NOVEMBER.start(BANGKOK) + 12 * SECOND + 345_678


def target(name: str, state: str) -> TargetPicture:
    return TargetPicture(name, "imap", state, None, None, {}, {}, None, 0, 0, {}, None, expects=False, backoff=None)


def service(name: str, down_minutes: int) -> ServicePicture:
    down = down_minutes * MINUTE
    figures = Figures(
        name, NOVEMBER, 30 * DAY, 0, 30 * DAY, True, Sums(30 * DAY, 30 * DAY - down, down, 0, 0, down, down),
        Objectives(Fraction("99.5"), 216 * MINUTE), (0, 0), (), (),
    )  # fmt: skip
    return ServicePicture(name, "up", figures, (), Burn({}, None), None, Outlook(), None)


def said(targets: dict[str, str], services: dict[str, int], *, writable: bool = True) -> str:
    pictures = tuple(target(*one) for one in targets.items()), tuple(service(*one) for one in services.items())
    return announcement(Snapshot(0, NOVEMBER, *pictures), COMMITTED, BANGKOK, writable=writable)


def test_a_quiet_day_is_figures_and_the_last_commit() -> None:
    assert said({"mail/imap": "up"}, {"mail": 60}) == (
        "1 target; 2026-11: mail 99.861 %; last commit 2026-11-01T00:00:12+07:00"
    )


def test_what_is_not_up_is_named_and_many_are_counted() -> None:
    down = {f"agency{number}/imap": "down" for number in range(5)}
    line = said({**down, "mail/smtp": "suspect", "mail/imap": "unknown", "mail/pop3": "up"}, {"mail": 0})
    assert line.startswith(
        "8 targets; down: agency0/imap, agency1/imap, agency2/imap and 2 more; suspect: mail/smtp; "
        "unknown: mail/imap; 2026-11: mail 100.000 %; "
    )


def test_of_many_services_the_lowest_are_shown() -> None:
    line = said({"a/imap": "up"}, {"a": 1, "b": 43, "c": 0, "d": 430})
    assert "; 2026-11, the lowest: d 99.004 %, b 99.900 %, a 99.997 %; " in line


def test_a_ledger_that_cannot_be_written_is_said() -> None:
    assert "; the ledger cannot be written; last commit " in said({"a/imap": "up"}, {"a": 0}, writable=False)


def test_before_the_first_commit_there_is_none() -> None:
    assert announcement(Snapshot(0, NOVEMBER, (), ()), None, BANGKOK, writable=True) == "0 targets"
