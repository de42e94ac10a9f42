"""Alerts about the monitor itself fire when they should; the watchdog always does."""

from dataclasses import replace
from pathlib import Path

from tests.deploy.rules.promtool import ALERTS, Firing, fired, judge, silence
from tests.deploy.rules.story import OWN, Story

RESTART = 5
"""Minutes for which an alert is kept that a restart of the monitor shall neither end nor repeat."""
MONITOR = {"job": "mailuptime", "instance": "mx1:9925"}


def told(minutes: int = 100, **series: str) -> Story:
    return Story(minutes, turn=25, more={NAMES[name]: values for name, values in series.items()})


NAMES = {
    "writable": f"mailuptime_ledger_writable{{{OWN}}}",
    "pending": f"mailuptime_ledger_pending_records{{{OWN}}}",
    "committed": f"mailuptime_last_commit_timestamp_seconds{{{OWN}}}",
    "resolver": f'mailuptime_self_test_success{{test="resolver",{OWN}}}',
    "second": f'mailuptime_schedule_lateness_seconds_bucket{{le="1.0",{OWN}}}',
    "five": f'mailuptime_schedule_lateness_seconds_bucket{{le="5.0",{OWN}}}',
    "infinity": f'mailuptime_schedule_lateness_seconds_bucket{{le="+Inf",{OWN}}}',
    "lag": f"mailuptime_event_loop_lag_seconds{{{OWN}}}",
    "steps": f"mailuptime_clock_steps_total{{{OWN}}}",
    "synchronized": f"mailuptime_clock_synchronized{{{OWN}}}",
    "reports": f"mailuptime_reports_waiting{{{OWN}}}",
    "reloaded": f"mailuptime_config_last_reload_successful{{{OWN}}}",
    "reloaded_at": f"mailuptime_config_last_reload_success_timestamp_seconds{{{OWN}}}",
}
MISSING = (
    "Prometheus has had no metrics from mx1:9925 for 2 minutes or more. Nobody watches the mail service.",
    "The monitor is missing",
)
LEDGER = "The monitor cannot write its ledger"
FIRINGS = [
    Firing(
        "MailuptimeWatchdog", Story(60), 0, 61, "Alerts arrive",
        "Fires always; have something outside raise the alarm when it has not arrived for 5 minutes.", {},
    ),
    Firing("MailuptimeMonitorMissing", Story(100, turn=25, missing=(10, 40)), 12, 40, MISSING[1], MISSING[0], MONITOR),
    # The last commit was at minute 9.
    Firing(
        "MailuptimeNotCommitting",
        told(writable="1x9 0x29 1x60", committed="0+60x9 540x29 2400+60x60", pending="0x9 1+10x29 0x60"), 15,
        40 + RESTART,
        LEDGER, "The last commit is 6.0 minutes old; 51 records wait in memory. The month's figures stand still.",
        MONITOR,
    ),
    # It says that it can write, but it does not: after ten minutes, for five.
    Firing(
        "MailuptimeNotCommitting", told(writable="1x100", committed="540x39 2400+60x60", pending="0x9 1x29 0x60"),
        25, 40 + RESTART, LEDGER,
        "The last commit is 16.0 minutes old; 1 records wait in memory. The month's figures stand still.", MONITOR,
    ),
    Firing(
        "MailuptimeSelfTestFailing", told(resolver="1x9 0x29 1x60"), 12, 40 + RESTART,
        "The monitor's self-test fails: resolver",
        "It has failed for 2 minutes. While it does, failed checks count as unknown, not as downtime.",
        MONITOR | {"test": "resolver"},
    ),
    # From minute 10 to 39 every check is late; after two scrapes one in ten of five minutes is, and that for ten.
    Firing(
        "MailuptimeScheduleLate",
        told(second="0+10x9 90x29 100+10x60", five="0+10x100", infinity="0+10x100"), 20, 44,
        "Checks start late",
        "For 10 minutes one check in ten has started 4.6 s late or later: outages are seen later, and missed slots "
        "count as unknown.",
        MONITOR,
    ),
    Firing(
        "MailuptimeEventLoopLagging", told(lag="0.01x9 0.6x29 0.01x60"), 15, 45, "The monitor measures itself",
        "For 5 minutes and more its event loop has been 600ms late on average: that much of every latency is its own.",
        MONITOR,
    ),
    Firing(
        "MailuptimeClockStepped", told(steps="3x9 4x90"), 10, 25, "The monitor's clock was set, or the machine slept",
        "Steps in the last 15 minutes: 1. The time stepped over is unknown.", MONITOR,
    ),
    Firing(
        "MailuptimeClockUnsynchronized", told(synchronized="1x9 0x29 1x60"), 25, 40 + RESTART,
        "The monitor's clock is not kept by a time source",
        "For 15 minutes nothing has kept it; the bounds of outages drift with it.", MONITOR,
    ),
    Firing(
        "MailuptimeReloadFailed", told(reloaded="1x9 0x29 1x60", reloaded_at="0x100"), 10, 40,
        "The monitor refused its configuration and keeps the old one",
        "The configuration in force was read 10 minutes ago. A window declared in the file since then is not in force.",
        MONITOR,
    ),
    Firing(
        "MailuptimeReportWaiting", told(200, reports="0x9 2x99 0x90"), 70, 110 + RESTART,
        "The service report is not written, or nobody was told of it",
        "Closed months whose newest report has waited for an hour: 2.", MONITOR,
    ),
]  # fmt: skip


def test_an_alert_of_the_monitor_fires_exactly_when_it_should_and_through_the_months_turn(tmp_path: Path) -> None:
    judge(fired(*FIRINGS), tmp_path)


def test_while_every_service_is_in_maintenance_the_monitor_may_be_restarted(tmp_path: Path) -> None:
    quiet = [replace(one.story, windows=((0, one.story.minutes + 1),)) for one in FIRINGS[1:]]
    judge([silence(story, ALERTS.keys() - {"MailuptimeWatchdog"}) for story in quiet], tmp_path)


def test_a_monitor_that_stays_away_pages_an_hour_later_though_it_left_in_maintenance(tmp_path: Path) -> None:
    story = Story(150, windows=((0, 151),), missing=(10, 140))
    judge(fired(Firing("MailuptimeMonitorMissing", story, 72, 140, MISSING[1], MISSING[0], MONITOR)), tmp_path)


def test_a_monitor_that_is_not_even_a_target_is_missing(tmp_path: Path) -> None:
    description = MISSING[0].replace("mx1:9925", "any monitor")
    story = Story(40, more={f"up{{{OWN}}}": "1x9 stale _x20 1x9"}, missing=(10, 31))
    job = {"job": "mailuptime"}
    judge(fired(Firing("MailuptimeMonitorMissing", story, 12, 31, MISSING[1], description, job)), tmp_path)
