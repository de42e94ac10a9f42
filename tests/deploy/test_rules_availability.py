"""Alerts about the service fire when the agreement says, and not a minute earlier; maintenance and midnight are quiet.

Each story is the daemon's own arithmetic over an outage, judged by promtool against the rules that are shipped.
"""

from dataclasses import replace
from pathlib import Path

from monitor.core.budget import WINDOWS, burn_rate
from monitor.core.instants import DAY, MINUTE, SECOND, parse_duration
from tests.deploy.rules.promtool import ALERTS, OF_SERVICE, Firing, fired, judge, silence, values
from tests.deploy.rules.story import OWN, SERVICE, TARGET, Story, notation

OUTAGE = Story(minutes=480, outages=((10, 50),))
LONG = Story(minutes=310, outages=((10, 300),))
SPENT = Story(minutes=120, outages=((10, 60),), used=180, turn=100)
UNKNOWN = {
    f'mailuptime_service_state{{state="up",{SERVICE}}}': "1x9 0x29 1x20",
    f'mailuptime_service_state{{state="unknown",{SERVICE}}}': "0x9 1x29 0x20",
}
BLIND = {
    f'mailuptime_coverage_ratio{{month="2026-11",{SERVICE}}}': "1x9 0.98x189 0.99x200",
    f'mailuptime_state_seconds_total{{state="unknown",{SERVICE}}}': "0x9 0+60x400",
}
BLIND_OVER_MIDNIGHT = {
    f'mailuptime_coverage_ratio{{month="2026-11",{SERVICE}}}': "1x9 0.98x139 stale",
    f'mailuptime_coverage_ratio{{month="2026-12",{SERVICE}}}': "_x150 0.5x49 1x200",
    f'mailuptime_state_seconds_total{{state="unknown",{SERVICE}}}': "0x9 0+60x400",
}
RESTART = 5
"""Minutes for which an alert is kept that a restart of the monitor shall neither end nor repeat."""
PAGES = [name for name, rule in ALERTS.items() if rule["labels"]["severity"] == "page"]
IN_NOVEMBER = OF_SERVICE | {"month": "2026-11"}

DOWN = (
    "Down for {} minutes. The SLA's deadlines of a P1 incident: an answer by e-mail within 30 minutes, "
    "resolved within 216 minutes of its record."
)
RECENT = "mail is down, or was within 45 minutes"
RECENTLY = "The outage began {} minutes ago. What it burned is no news."
ANSWER = "mail: the SLA's 30 minutes for an answer by e-mail are over"
ANSWERED = "The outage has run for 30.0 minutes; the SLA has whoever reported it by e-mail answered within 30."
RESOLUTION = "mail: the SLA's 3 h 36 min for the resolution of a P1 incident are over"
RESOLVED = "The outage has run for 216.0 minutes; the SLA allows 216."
BURNS = "mail burns the month's budget {} times too fast"
SOON = "mail will have used the month's budget within the hour"
ENDED_NOW = "The window ended 0.0 minutes ago; each minute counts."
OVER = "Maintenance of mail is over, and it is still down"


def last(window: str, minutes: str, threshold: str, share: str) -> str:
    """The description of a burn rate."""
    return (
        f"{minutes} minutes of downtime in the last {window}; "
        f"the threshold is {threshold} minutes ({share} % of a month's budget)."
    )


FIRINGS = [
    Firing("MailuptimeOutage", OUTAGE, 10, 50, "mail is down", DOWN.format("0.0")),
    Firing("MailuptimeRecentOutage", OUTAGE, 10, 50 + 45, RECENT, RECENTLY.format("0.0")),
    Firing("MailuptimeResponseDeadline", OUTAGE, 40, 50, ANSWER, ANSWERED),
    Firing("MailuptimeResolutionDeadline", LONG, 226, 300, RESOLUTION, RESOLVED),
    Firing(
        "MailuptimeServiceUnknown",
        Story(minutes=60, turn=30, more=UNKNOWN),
        20,
        40 + RESTART,
        "mail is not being observed",
        "For 10 minutes the monitor could not tell whether the service is up: an outage would go unseen, and the time "
        "counts as unknown.",
        OF_SERVICE | {"state": "unknown"},
    ),
    # 4.32 minutes of an hour; for as long as 5 minutes have 21.6 s of it, and 6 minutes on.
    Firing(
        "MailuptimeBurnRate1h", OUTAGE, 15, 55 + 6, BURNS.format("16.7"), last("hour", "5.00", "4.32", "2"),
        OF_SERVICE | {"window": "1h"},
    ),
    # 10.8 minutes of six hours; for as long as 30 minutes have 54 s of it, and 15 minutes on.
    Firing(
        "MailuptimeBurnRate6h", OUTAGE, 21, 80 + 15, BURNS.format("6.1"), last("6 hours", "11.00", "10.80", "5"),
        OF_SERVICE | {"window": "6h"},
    ),
    # 21.6 minutes of a day; for as long as two hours have 1.8 minutes of it, and 30 minutes on.
    Firing(
        "MailuptimeBurnRate1d", OUTAGE, 32, 169 + 30, BURNS.format("3.1"), last("day", "22.00", "21.60", "10"),
        OF_SERVICE | {"window": "1d"},
    ),
    # 21.6 minutes of three days; for as long as six hours have 1.8 minutes of it, and 30 minutes on.
    Firing(
        "MailuptimeBurnRate3d", OUTAGE, 32, 409 + 30, BURNS.format("1.0"), last("3 days", "22.00", "21.60", "10"),
        OF_SERVICE | {"window": "3d"},
    ),
    # 17 minutes are left when 19 of the last 60 were down; nothing is to be foretold once nothing is left.
    Firing(
        "MailuptimeBudgetExhaustion", SPENT, 29, 46 + RESTART, SOON,
        "If the last hour goes on, nothing is left in 53.7 minutes.",
    ),
    Firing(
        "MailuptimeBudgetUsed50", replace(SPENT, used=100), 18, 100 + RESTART,
        "mail has used half of the budget of 2026-11", "108.0 minutes of downtime in the month.", IN_NOVEMBER,
    ),
    Firing(
        "MailuptimeBudgetUsed75", replace(SPENT, used=150), 22, 100 + RESTART,
        "mail has used three quarters of the budget of 2026-11", "162.0 minutes of downtime in the month.", IN_NOVEMBER,
    ),
    Firing(
        "MailuptimeBudgetUsed90", SPENT, 25, 100 + RESTART, "mail has used nine tenths of the budget of 2026-11",
        "195.0 minutes of downtime in the month.", IN_NOVEMBER,
    ),
    Firing(
        "MailuptimeBudgetUsed100", SPENT, 46, 100 + RESTART, "mail has used all of the budget of 2026-11",
        "216.0 minutes of downtime in the month.", IN_NOVEMBER,
    ),
    # Exactly the budget is met.
    Firing(
        "MailuptimeObjectiveMissed", SPENT, 47, 100 + RESTART, "mail has missed the objective downtime of 2026-11",
        "217.0 minutes of downtime in the month.", IN_NOVEMBER | {"objective": "downtime"},
    ),
    Firing(
        "MailuptimeCoverageLow", Story(minutes=400, more=BLIND), 130, 200 + 180,
        "Only 98.00 % of the month so far of mail was observed",
        "120 minutes of the last day are unknown. An auditor may count what nobody observed as downtime.",
    ),
]  # fmt: skip
OVER_MIDNIGHT = Story(minutes=480, outages=((10, 80),), turn=40)
AFTER_MIDNIGHT = [
    Firing("MailuptimeOutage", OVER_MIDNIGHT, 10, 80, "mail is down", DOWN.format("0.0")),
    Firing("MailuptimeResponseDeadline", OVER_MIDNIGHT, 40, 80, ANSWER, ANSWERED),
    Firing("MailuptimeResolutionDeadline", replace(LONG, turn=250), 226, 300, RESOLUTION, RESOLVED),
    Firing(
        "MailuptimeBurnRate1h", OVER_MIDNIGHT, 15, 85 + 6, BURNS.format("16.7"), last("hour", "5.00", "4.32", "2"),
        OF_SERVICE | {"window": "1h"},
    ),
    Firing(
        "MailuptimeBurnRate6h", OVER_MIDNIGHT, 21, 110 + 15, BURNS.format("6.1"),
        last("6 hours", "11.00", "10.80", "5"), OF_SERVICE | {"window": "6h"},
    ),
    Firing(
        "MailuptimeBurnRate1d", OVER_MIDNIGHT, 32, 199 + 30, BURNS.format("3.1"), last("day", "22.00", "21.60", "10"),
        OF_SERVICE | {"window": "1d"},
    ),
    Firing(
        "MailuptimeBurnRate3d", OVER_MIDNIGHT, 32, 439 + 30, BURNS.format("1.0"),
        last("3 days", "22.00", "21.60", "10"), OF_SERVICE | {"window": "3d"},
    ),
    Firing(
        "MailuptimeCoverageLow", Story(minutes=400, turn=150, more=BLIND_OVER_MIDNIGHT), 130, 200 + 180,
        "Only 98.00 % of the month so far of mail was observed",
        "120 minutes of the last day are unknown. An auditor may count what nobody observed as downtime.",
    ),
    # The new month has a budget of its own.
    Firing(
        "MailuptimeBudgetExhaustion", replace(SPENT, turn=35), 29, 35 + RESTART, SOON,
        "If the last hour goes on, nothing is left in 53.7 minutes.",
    ),
]  # fmt: skip
# Down before the window, in it, and after it: what the window covers is not counted, and the deadlines start anew.
OVERRUN = Story(minutes=160, outages=((10, 120),), windows=((5, 40),))
ENDED = [
    Firing("MailuptimeMaintenanceOverrun", OVERRUN, 40, 120, OVER, ENDED_NOW),
    Firing("MailuptimeOutage", OVERRUN, 40, 120, "mail is down", DOWN.format("30.0")),
    Firing("MailuptimeResponseDeadline", OVERRUN, 70, 120, ANSWER, ANSWERED),
    Firing(
        "MailuptimeMaintenanceOverrun", replace(OVERRUN, turn=60), 40, 120, OVER,
        ENDED_NOW,
    ),
]  # fmt: skip
# Down before the window and in it: what burned before is nothing to page about in it.
INTO_WINDOW = Story(minutes=290, outages=((5, 60),), windows=((30, 291),))
BURNT_BEFORE = [
    Firing("MailuptimeOutage", INTO_WINDOW, 5, 30, "mail is down", DOWN.format("0.0")),
    Firing(
        "MailuptimeBurnRate1h", INTO_WINDOW, 10, 30 + 6, BURNS.format("16.7"), last("hour", "5.00", "4.32", "2"),
        OF_SERVICE | {"window": "1h"},
    ),
    Firing(
        "MailuptimeBurnRate6h", INTO_WINDOW, 16, 30 + 15, BURNS.format("6.1"), last("6 hours", "11.00", "10.80", "5"),
        OF_SERVICE | {"window": "6h"},
    ),
    Firing(
        "MailuptimeBurnRate1d", INTO_WINDOW, 27, 30 + 30, BURNS.format("3.1"), last("day", "22.00", "21.60", "10"),
        OF_SERVICE | {"window": "1d"},
    ),
    Firing(
        "MailuptimeBurnRate3d", INTO_WINDOW, 27, 30 + 30, BURNS.format("1.0"), last("3 days", "22.00", "21.60", "10"),
        OF_SERVICE | {"window": "3d"},
    ),
    Firing(
        "MailuptimeBudgetExhaustion", replace(INTO_WINDOW, used=180, minutes=60), 24, 30 + RESTART, SOON,
        "If the last hour goes on, nothing is left in 53.7 minutes.",
    ),
]  # fmt: skip
ANNOUNCED = Firing(
    "MailuptimeMaintenanceSoon", Story(minutes=120, windows=((80, 100),)), 20, 80,
    "Maintenance of mail begins within the hour",
    "It begins in 60 minutes. Downtime in the window is not counted.",
)  # fmt: skip
THRESHOLDS = [
    ("1h", "14.5", "4m19s200ms", "4.34", "4.32", "2"),
    ("6h", "6.0", "10m48s", "10.82", "10.80", "5"),
    ("1d", "3.0", "21m36s", "21.62", "21.60", "10"),
    ("3d", "1.0", "21m36s", "21.62", "21.60", "10"),
]
MONTHS = [
    (28, "4.32", "201.6"),
    (29, "4.32", "208.8"),
    (30, "4.32", "216.0"),
    (31, "4.18", "216.0"),
]


def test_an_alert_fires_exactly_when_it_should(tmp_path: Path) -> None:
    judge(fired(*FIRINGS), tmp_path)


def test_exactly_the_threshold_is_not_over_it_and_a_second_more_is(tmp_path: Path) -> None:
    firings = []
    for window, over, minutes, burnt, threshold, share in THRESHOLDS:
        length, limit = WINDOWS[window], parse_duration(minutes)
        exact, more = (float(burn_rate(spent, length, 216 * MINUTE, 30 * DAY)) for spent in (limit, limit + SECOND))
        series = {f'mailuptime_burn_rate{{window="{name}",{SERVICE}}}': "200x20" for name in WINDOWS}
        series[f'mailuptime_burn_rate{{window="{window}",{SERVICE}}}'] = notation([exact] * 10 + [more] * 11)
        name = {"1h": "hour", "6h": "6 hours", "1d": "day", "3d": "3 days"}[window]
        said = last(name, burnt, threshold, share)
        labels = OF_SERVICE | {"window": window}
        story = Story(minutes=20, more=series)
        firings.append(Firing(f"MailuptimeBurnRate{window}", story, 10, 21, BURNS.format(over), said, labels))
    judge(fired(*firings), tmp_path)


def test_nothing_fires_in_maintenance(tmp_path: Path) -> None:
    def all_of_it(story: Story) -> Story:
        return replace(story, windows=((0, story.minutes + 1),))

    told = [one for one in FIRINGS if ALERTS[one.alert]["labels"]["severity"] != "none"]
    judge(
        [silence(all_of_it(firing.story), [firing.alert]) for firing in told if firing.story is not OUTAGE]
        + [silence(all_of_it(OUTAGE), [firing.alert for firing in told if firing.story is OUTAGE])],
        tmp_path,
    )


def test_an_outage_over_the_months_turn_is_one_alert(tmp_path: Path) -> None:
    judge(fired(*AFTER_MIDNIGHT), tmp_path)


def test_what_is_still_down_at_a_windows_end_pages_from_then_on(tmp_path: Path) -> None:
    judge(fired(*ENDED), tmp_path)


def test_what_burned_before_a_window_falls_silent_in_it(tmp_path: Path) -> None:
    judge(fired(*BURNT_BEFORE), tmp_path)


def test_an_outage_that_ends_inside_its_window_pages_nobody(tmp_path: Path) -> None:
    inside = Story(minutes=200, outages=((10, 60),), windows=((5, 70),))
    judge([silence(inside, PAGES)], tmp_path)


def test_maintenance_is_announced_an_hour_before(tmp_path: Path) -> None:
    judge(fired(ANNOUNCED, replace(ANNOUNCED, story=replace(ANNOUNCED.story, turn=50))), tmp_path)


def test_a_quiet_hour_fires_nothing_but_the_watchdog(tmp_path: Path) -> None:
    judge([silence(Story(minutes=60, turn=30), ALERTS.keys() - {"MailuptimeWatchdog"})], tmp_path)


def test_descriptions_have_the_minutes_of_the_month_that_runs(tmp_path: Path) -> None:
    def in_a_month_of(days: int, threshold: str) -> Firing:
        burns = BURNS.format("17.2" if days == 31 else "16.7")
        description = last("hour", "5.00", threshold, "2")
        story = Story(minutes=70, outages=((10, 50),), days=days)
        return Firing("MailuptimeBurnRate1h", story, 15, 61, burns, description, OF_SERVICE | {"window": "1h"})

    assert [Story(0, days=days).left(0).split()[-1] for days, _, _ in MONTHS] == [budget for _, _, budget in MONTHS]
    judge(fired(*(in_a_month_of(days, threshold) for days, threshold, _ in MONTHS)), tmp_path)


def test_burn_never_pages_beside_the_outage_that_it_is_nor_after_it(tmp_path: Path) -> None:
    """Whenever a burn alert that pages fires, one fires that inhibits it; also over midnight and into a window."""
    burns = 'ALERTS{alertstate="firing",severity="page",alertname=~"MailuptimeBurnRate.+"}'
    inhibits = 'ALERTS{alertstate="firing",alertname=~"Mailuptime(Recent)?Outage"}'
    again = replace(OUTAGE, outages=((10, 22), (75, 90)))
    stories = (OUTAGE, LONG, OVER_MIDNIGHT, INTO_WINDOW, OVERRUN, again)
    expressions = {
        f"count_over_time(({burns} unless on (sla_service) {inhibits})[480m:1m])": {},
        f"count(count_over_time({burns}[480m])) > bool 0": {"{}": 1.0},
    }
    judge([values(story, story.minutes, expressions) for story in stories], tmp_path)


def test_an_outage_goes_on_while_the_monitor_is_missing_however_long(tmp_path: Path) -> None:
    """And its deadlines with it: no all-clear of what nobody sees, and no second page once it is seen again."""
    story = Story(minutes=260, outages=((10, 240),), missing=(20, 160))
    firings = [
        Firing("MailuptimeOutage", story, 10, 240, "mail is down", DOWN.format("0.0")),
        Firing("MailuptimeRecentOutage", story, 10, 261, RECENT, RECENTLY.format("0.0")),
        Firing("MailuptimeResponseDeadline", story, 40, 240, ANSWER, ANSWERED),
        Firing("MailuptimeResolutionDeadline", story, 226, 240, RESOLUTION, RESOLVED),
    ]
    missing = [
        replace(one, budget="not known") if one.alert == "MailuptimeResponseDeadline" else one for one in firings
    ]
    judge(fired(*missing), tmp_path)


def test_a_page_names_the_targets_that_are_down(tmp_path: Path) -> None:
    states = {"imap": "0x9 1x40", "pop3": "0x9 1x40", "smtp": "0x50"}
    target = f'mailuptime_target_state{{state="down",protocol="tcp",sla_service="mail",{OWN},target="%s"}}'
    story = Story(50, outages=((10, 50),), more={target % name: told for name, told in states.items()})
    said = DOWN.format("0.0").replace("minutes. The", "minutes. Targets that are down: imap pop3. The")
    judge(fired(Firing("MailuptimeOutage", story, 10, 50, "mail is down", said)), tmp_path)


def test_an_overrun_goes_on_while_the_monitor_is_missing(tmp_path: Path) -> None:
    story = replace(OVERRUN, missing=(50, 90))
    firings = [
        Firing("MailuptimeMaintenanceOverrun", story, 40, 120, OVER, ENDED_NOW),
        Firing("MailuptimeResponseDeadline", story, 70, 120, ANSWER, ANSWERED, budget="not known"),
    ]
    judge(fired(*firings), tmp_path)


def test_in_a_window_that_was_open_when_the_monitor_went_missing_nothing_pages(tmp_path: Path) -> None:
    story = Story(minutes=90, outages=((10, 70),), windows=((5, 80),), missing=(20, 60))
    judge([silence(story, set(PAGES) - {"MailuptimeMonitorMissing"})], tmp_path)


def test_an_outage_is_not_over_because_the_monitor_cannot_tell(tmp_path: Path) -> None:
    """It is restarted, then cannot tell, then sees it down for the first time: one alert, and one for each deadline."""
    states = {
        "down": "0x9 1x9 stale _x3 0x14 1x9 0x52",
        "unknown": "0x9 0x9 stale _x3 1x9 0x4 0x62",
        "suspect": "0x9 0x9 stale _x3 0x9 1x4 0x62",
        "up": "1x9 0x9 stale _x3 0x24 1x52",
    }
    more = {f'mailuptime_service_state{{state="{state}",{SERVICE}}}': told for state, told in states.items()}
    story = Story(minutes=100, outages=((10, 20), (39, 49)), missing=(20, 24), more=more)
    firings = [
        Firing("MailuptimeOutage", story, 10, 49, "mail is down", DOWN.format("0.0")),
        Firing("MailuptimeResponseDeadline", story, 40, 49, ANSWER, ANSWERED),
    ]
    judge(fired(*firings), tmp_path)


def test_the_age_is_that_of_the_services_outage_not_of_a_target_that_does_not_count(tmp_path: Path) -> None:
    """A second target has been down for long, and decides nothing."""
    webmail = f'mailuptime_outage_start_timestamp_seconds{{sla_service="mail",target="webmail",{OWN}}}'
    story = replace(OUTAGE, minutes=100, more={webmail: "0x100"})
    judge(fired(Firing("MailuptimeResponseDeadline", story, 40, 50, ANSWER, ANSWERED)), tmp_path)


def test_the_age_is_the_outages_own_where_a_service_has_no_target_of_its_own_that_is_down(tmp_path: Path) -> None:
    """Down by a shared target, and seen to be only after the monitor was missing."""
    target = f"mailuptime_outage_start_timestamp_seconds{{{TARGET}}}"
    story = Story(minutes=100, outages=((10, 60),), missing=(5, 25), more={target: "_x100"})
    judge(fired(Firing("MailuptimeOutage", story, 25, 60, "mail is down", DOWN.format("15.0"))), tmp_path)
