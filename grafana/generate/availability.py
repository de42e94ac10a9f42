"""The dashboard of one service: is it down, since when, how many minutes are left; then the month and the year."""

from grafana.generate import past
from grafana.generate.looks import (
    AVAILABILITY,
    BUDGET_LEFT,
    MINUTES,
    STATES_OF_SERVICES,
    VERDICTS,
    coloured,
    mapped,
    steps,
)
from grafana.generate.model import Dashboard, Json, Line, Panel, Query, Row
from grafana.generate.panels import gauge, lines, once, stat, word
from grafana.generate.shared import (
    DATA_SOURCE,
    MAINTENANCE,
    MONTH_VARIABLE,
    OUTAGES,
    SERVICE,
    SERVICE_VARIABLE,
    down_since,
    minutes_left,
    minutes_spent,
    percent,
    running,
    text_box,
    with_maintenance,
)

MONTH = f'{SERVICE}, month="$month"'
SINCE = down_since(SERVICE, "7d:1m")
DURING_MONTH = 'and on () (max(mailuptime_month_current{month="$month"}) == 1)'
LOCAL = "(vector(time()) + $utc_offset * 3600)"
MONTH_GONE = f"((day_of_month({LOCAL}) - 1) * 86400 + ({LOCAL} % 86400)) / (days_in_month({LOCAL}) * 86400)"
"""The share of the month that has passed, by the agreement's time zone: PromQL knows UTC alone."""
BUDGET = f"min by (sla_service) (mailuptime_downtime_budget_seconds{{{MONTH}}})"
LEFT = f"min by (sla_service) (mailuptime_downtime_budget_remaining_seconds{{{MONTH}}})"

UTC_OFFSET = text_box(
    "utc_offset",
    "Hours ahead of UTC",
    "Of the agreement's time zone, for the even line of the burn-down alone: 7 in Bangkok.",
    "7",
)


def _month_now(metric: str) -> str:
    """Of the running month, whatever month is chosen: what the first row shows is of now."""
    return f"min by (sla_service) ({running(f'mailuptime_{metric}{{{SERVICE}}}')})"


def _now() -> Line:
    return Line(
        5,
        (
            word(
                "State",
                "The service's present state by its rule, and whether a declared maintenance window goes on.",
                4,
                once(with_maintenance(SERVICE)),
                STATES_OF_SERVICES,
                noValue="NOT MONITORED",
            ),
            stat(
                "Down since",
                "When it went down, by the first of its targets that did; of one made of services, to the minute.",
                4,
                once(f"{SINCE} * 1000"),
                unit="dateTimeAsLocal",
                noValue="not down",
                look=coloured(steps("green", (0, "red"))),
            ),
            stat(
                "Down for",
                "How long the outage that runs has lasted, in minutes; the agreement wants it over after 216.",
                3,
                once(f"(time() - {SINCE}) / 60"),
                unit=MINUTES,
                decimals=1,
                noValue="not down",
                look=coloured(steps("green", (0, "orange"), (30, "red"), (216, "dark-red"))),
            ),
            *_left(),
        ),
    )


def _left() -> tuple[Panel, ...]:
    return (
        gauge(
            "Minutes left this month",
            "What is left of the running month's downtime budget; yellow from half of it, dark red below zero.",
            5,
            (
                once(minutes_left(_month_now("downtime_budget_remaining_seconds")), "Left"),
                once(f"{_month_now('downtime_budget_seconds')} / 60", "Budget"),
            ),
            "Budget",
            **coloured(BUDGET_LEFT, unit=MINUTES, decimals=1, noValue="no figures yet"),
        ),
        stat(
            "Budget gone in",
            "When the budget is gone if downtime goes on as in the last hour.",
            4,
            once(f"(min by (sla_service) (mailuptime_budget_exhaustion_seconds{{{SERVICE}}}) < +Inf) / 60"),
            unit=MINUTES,
            decimals=0,
            noValue="not burning",
            look=coloured(steps("green", (0, "red"), (60, "orange"), (360, "yellow"))),
        ),
        stat(
            "Next maintenance",
            "When the next declared window begins.",
            4,
            once(f"min(mailuptime_maintenance_next_start_timestamp_seconds{{{SERVICE}}}) * 1000"),
            unit="dateTimeAsLocal",
            noValue="none declared",
        ),
    )


def _figures() -> Line:
    shown: Json = {"unit": "percent", "decimals": 3, "noValue": "no figures of this month"}
    return Line(
        5,
        (
            stat(
                "Availability of $month",
                "By the agreement's formula over the whole month, rounded down; red below 99.5 %.",
                5,
                once(percent(f"mailuptime_availability_ratio{{{MONTH}}}")),
                look=coloured(AVAILABILITY),
                **shown,
            ),
            stat(
                "Its bounds",
                "The least and the most that it can have been, given what lies between checks or was not observed.",
                5,
                (
                    once(percent(f"mailuptime_availability_lower_ratio{{{MONTH}}}"), "at least"),
                    once(percent(f"mailuptime_availability_upper_ratio{{{MONTH}}}"), "at most"),
                ),
                name=True,
                look=coloured(AVAILABILITY),
                **shown,
            ),
            stat(
                "Downtime of $month",
                "Minutes that count against the budget and minutes excused by maintenance or exclusions, rounded up.",
                5,
                (
                    once(_downtime("counted"), "counted"),
                    once(_downtime("excused"), "excused"),
                ),
                name=True,
                unit=MINUTES,
                decimals=1,
                noValue="no figures of this month",
            ),
            *_verdict(),
        ),
    )


def _verdict() -> tuple[Panel, ...]:
    return (
        stat(
            "Observed",
            "The share of the time accounted for that somebody watched; the rest is neither up nor down.",
            4,
            once(percent(f"mailuptime_coverage_ratio{{{MONTH}}}")),
            unit="percent",
            decimals=3,
            noValue="nothing to observe",
            look=coloured(steps("red", (95, "orange"), (99, "green"))),
        ),
        stat(
            "Objectives of $month",
            "Whether 99.5 % and 216 minutes are kept; undetermined while unobserved time could still decide it.",
            5,
            once(f"min by (objective) (mailuptime_objective_met{{{MONTH}}})", "{{objective}}"),
            name=True,
            mappings=mapped(VERDICTS),
            noValue="undetermined",
        ),
    )


def _downtime(kind: str) -> str:
    return minutes_spent(f'max by (sla_service) (mailuptime_downtime_seconds{{{MONTH}, kind="{kind}"}})')


def _burning() -> Line:
    rate = f"max by (window) (mailuptime_burn_rate{{{SERVICE}}})"
    return Line(
        9,
        (
            lines(
                "Burn-down of $month",
                "What is left of the budget against the line of spending it evenly, in minutes, while the month ran.",
                12,
                (
                    Query(f"({LEFT} / 60) {DURING_MONTH}", "left"),
                    Query(f"({BUDGET} / 60 * on () group_left () (1 - {MONTH_GONE})) {DURING_MONTH}", "spent evenly"),
                    Query(f"({BUDGET} / 60) {DURING_MONTH}", "budget"),
                ),
                unit=MINUTES,
                decimals=1,
                overrides={
                    "left": {"color": {"mode": "fixed", "fixedColor": "green"}, "custom.lineWidth": 2},
                    "spent evenly": {
                        "color": {"mode": "fixed", "fixedColor": "text"},
                        "custom.lineStyle": {"fill": "dash", "dash": [8, 8]},
                    },
                    "budget": {"color": {"mode": "fixed", "fixedColor": "orange"}},
                },
                noValue="choose a time range within this month",
            ),
            lines(
                "Burn rates",
                "How fast the running month's budget is spent, by window: 1 lasts the month; alerts at 14.4, 6, 3, 1.",
                12,
                Query(rate, "{{window}}"),
                unit="none",
                thresholds=steps("transparent", (1, "yellow"), (3, "orange"), (6, "red"), (14.4, "dark-red")),
                noValue="no figures yet",
            ),
        ),
    )


DASHBOARD = Dashboard(
    "availability",
    "Availability",
    "One service: is it down, since when, how many minutes are left this month, and how the months went.",
    "now/M",
    (DATA_SOURCE, SERVICE_VARIABLE, MONTH_VARIABLE, UTC_OFFSET),
    (OUTAGES, MAINTENANCE),
    (
        Row("Now: $sla_service", (_now(),)),
        Row("The month $month", (_figures(), _burning())),
        Row("What happened in the time range", past.happened()),
        Row("The year", (past.year(),)),
    ),
)
