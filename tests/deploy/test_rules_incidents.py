"""Alerts about deadlines of incidents and requests fire when they should, and stand still with their clocks."""

from dataclasses import replace
from pathlib import Path

from tests.deploy.rules.promtool import Firing, fired, judge, silence
from tests.deploy.rules.story import OWN, Story

RESTART = 5
"""Minutes for which an alert is kept that a restart of the monitor shall neither end nor repeat."""


def used(values: str, kind: str = "incident", priority: str = "P3") -> Story:
    labels = f'kind="{kind}",priority="{priority}",clock="resolution",{OWN}'
    return Story(100, turn=25, more={f"mailuptime_ticket_clock_used_ratio{{{labels}}}": values})


def labels(kind: str = "incident", priority: str = "P3") -> dict[str, str]:
    own = {"job": "mailuptime", "instance": "mx1:9925"}
    return own | {"kind": kind, "priority": priority, "clock": "resolution"}


def missed() -> Story:
    month = '{month="2026-12",clock="resolution",' + OWN + "}"
    return Story(
        100,
        turn=25,
        more={
            f"mailuptime_ticket_within_target_ratio{month}": "1x39 0.98x60",
            f"mailuptime_ticket_objective_met{month}": "1x39 0x29 1x30",
        },
    )


FIRINGS = [
    # Four fifths come at minute 50, the deadline at minute 70, and it is resolved at minute 80.
    Firing(
        "MailuptimeTicketDeadlineHalf", used("0.3x19 0.5x29 0.8x19 1x9 stale"), 20, 80 + RESTART,
        "Half of the time for a resolution is over: incident P3", "50% of the SLA's time has run.", labels(),
    ),
    Firing(
        "MailuptimeTicketDeadlineNear", used("0.3x19 0.5x29 0.8x19 1x9 stale"), 50, 80 + RESTART,
        "Four fifths of the time for a resolution are over: incident P3", "80% of the SLA's time has run.", labels(),
    ),
    Firing(
        "MailuptimeIncidentDeadlineNear", used("0.3x19 0.5x29 0.8x19 1x9 stale", priority="P1"), 50, 80 + RESTART,
        "Four fifths of the time for a resolution are over: incident P1",
        "80% of the SLA's time has run, which does so day and night.", labels(priority="P1"),
    ),
    Firing(
        "MailuptimeTicketDeadlineReached", used("0.3x19 0.5x29 0.8x19 1x9 stale", "request", "low"), 70, 80 + RESTART,
        "The SLA's time for a resolution is over: request low",
        "100% of it has run; the resolution counts as missed.", labels("request", "low"),
    ),
    Firing(
        "MailuptimeTicketObjectiveMissed", missed(), 40, 70 + RESTART,
        "Too few resolutions of 2026-12 were within target", "98.00 % of those that are decided.",
        {"job": "mailuptime", "instance": "mx1:9925", "month": "2026-12", "clock": "resolution"},
    ),
]  # fmt: skip


def test_alerts_fire_at_the_share_of_the_time_that_has_run_and_tell_it(tmp_path: Path) -> None:
    judge(fired(*FIRINGS), tmp_path)


def test_only_what_runs_day_and_night_pages(tmp_path: Path) -> None:
    quiet = [used("0.9x99", "request", "high"), used("0.9x99", priority="P4")]
    judge([silence(story, ["MailuptimeIncidentDeadlineNear"]) for story in quiet], tmp_path)


def test_maintenance_puts_no_deadline_off(tmp_path: Path) -> None:
    first = FIRINGS[0]
    judge(fired(replace(first, story=replace(first.story, windows=((0, 101),)))), tmp_path)
