"""The dashboard of hundreds of services: the worst first. Its queries cut to the worst before anything is drawn."""

from dataclasses import replace

from grafana.generate.looks import AVAILABILITY, MINUTES, STATES_OF_SERVICES, coloured, steps
from grafana.generate.model import Annotation, Dashboard, Json, Line, Panel, Query, Row
from grafana.generate.panels import bar_gauge, cells, heat_map, lines, once, stat, table, timeline, tinted
from grafana.generate.shared import (
    DATA_SOURCE,
    MONTH_VARIABLE,
    choice,
    down_since,
    minutes_left,
    minutes_spent,
    percent,
    text_box,
    with_maintenance,
)

SERVICES = 'sla_service=~"$services"'
MONTH = f'{SERVICES}, month="$month"'
LEFT = f"min by (sla_service) (mailuptime_downtime_budget_remaining_seconds{{{MONTH}}})"
BUDGET = f"min by (sla_service) (mailuptime_downtime_budget_seconds{{{MONTH}}})"
USED = f"(1 - {LEFT} / {BUDGET})"
AMONG_WORST = f"and on (sla_service) bottomk($top, {LEFT})"
# Otherwise each moment of a time range had worst ones of its own.
AT_THE_END = f"min by (sla_service) (mailuptime_downtime_budget_remaining_seconds{{{MONTH}}} @ end())"
ALL = f"max by (sla_service) (mailuptime_service_state{{{SERVICES}}})"
BY_STATE = f"sum by (state) (max by (sla_service, state) (mailuptime_service_state{{{SERVICES}}}))"
COLOURS = {"up": "green", "suspect": "yellow", "down": "red", "unknown": "text"}

NAMES = text_box("services", "Services", "A regular expression; .* is every service, ministry-.* some.", ".*")
TOP = choice("top", "Show", "How many of the worst are shown.", ("20", "10", "50", "100"))
DETAILS: Json = {
    "links": [
        {
            "title": "Availability of ${__value.text}",
            "url": "/d/mailuptime-availability?${datasource:queryparam}&var-sla_service=${__value.text}"
            "&${month:queryparam}&${__url_time_range}",
            "targetBlank": False,
        },
        {
            "title": "Targets of ${__value.text}",
            "url": "/d/mailuptime-service?${datasource:queryparam}&var-sla_service=${__value.text}&${__url_time_range}",
            "targetBlank": False,
        },
    ],
}


def _count(title: str, description: str, expr: str, colour: str) -> Panel:
    return stat(
        title,
        description,
        4,
        once(f"count({expr}) or vector(0)"),
        background=True,
        decimals=0,
        look=coloured(steps("green", (1, colour))),
    )


def _in_state(state: str) -> str:
    return f'max by (sla_service) (mailuptime_service_state{{{SERVICES}, state="{state}"}}) == 1'


def _counts() -> Line:
    return Line(
        4,
        (
            _count("Down", "Services that are down now.", _in_state("down"), "red"),
            _count("Suspect", "Services with a failure that waits to be confirmed.", _in_state("suspect"), "yellow"),
            _count("Unknown", "Services that nobody can tell about now.", _in_state("unknown"), "purple"),
            _count(
                "In maintenance",
                "Services with a declared maintenance window that goes on.",
                f"max by (sla_service) (mailuptime_maintenance_active{{{SERVICES}}}) == 1",
                "blue",
            ),
            _count(
                "Budget gone",
                "Services with less than nothing left of the budget of $month.",
                f"{LEFT} < 0",
                "dark-red",
            ),
            stat("Services", "Services that are monitored.", 4, once(f"count({ALL})")),
        ),
    )


def _down_now() -> Panel:
    since = down_since(SERVICES, "1d:5m")
    return table(
        "Down now",
        "Services that are down, the longest first; one made of services to five minutes.",
        8,
        cells(f"topk($top, (time() - {since}) / 60)"),
        {"sla_service": ("Service", DETAILS), "Value": ("Down for", {"unit": MINUTES, "decimals": 1})},
        sort=("Down for", True),
        noValue="nothing is down",
    )


def _worst() -> Panel:
    minutes: Json = {"unit": MINUTES, "decimals": 1}
    text: Json = {"custom.cellOptions": {"type": "color-text"}}
    left = steps("dark-red", (0, "red"), (21.6, "orange"), (54, "yellow"), (108, "green"))
    speed = steps("text", (1, "yellow"), (6, "orange"), (14.4, "red"))
    ratio = f"mailuptime_availability_ratio{{{MONTH}}}"
    lower = f"mailuptime_availability_lower_ratio{{{MONTH}}}"
    spent = f'max by (sla_service) (mailuptime_downtime_seconds{{{MONTH}, kind="counted"}})'
    burning = f'max by (sla_service) (mailuptime_burn_rate{{{SERVICES}, window="1h"}})'
    return table(
        "The worst of $month",
        "The services with the least budget left; a click on a name opens its dashboards.",
        16,
        (
            cells(minutes_left(f"bottomk($top, {LEFT})")),
            cells(f"{percent(ratio)} {AMONG_WORST}"),
            cells(f"{percent(lower)} {AMONG_WORST}"),
            cells(f"{minutes_spent(spent)} {AMONG_WORST}"),
            cells(f"{burning} {AMONG_WORST}"),
        ),
        {
            "sla_service": ("Service", DETAILS),
            "Value #A": ("Left", {**minutes, **text, "thresholds": left}),
            "Value #B": ("Availability", {"unit": "percent", "decimals": 3, **text, "thresholds": AVAILABILITY}),
            "Value #C": ("at least", {"unit": "percent", "decimals": 3}),
            "Value #D": ("Downtime", minutes),
            "Value #E": ("Burning (1 h)", {"decimals": 1, **text, "thresholds": speed}),
        },
        sort=("Left", False),
        noValue="no figures of this month",
    )


def _used() -> Panel:
    def between(lower: float, upper: float) -> Query:
        bounds = " and ".join((f"{USED} > {lower}" if lower else f"{USED} >= 0", f"{USED} <= {upper}"))
        return Query(f"count({bounds}) or vector(0)", f"to {upper:.0%}")

    return heat_map(
        "Budget used by how many",
        "How many services have used how much of the budget of $month, over time.",
        12,
        (
            between(0, 0.25),
            between(0.25, 0.5),
            between(0.5, 0.75),
            between(0.75, 0.9),
            between(0.9, 1),
            Query(f"count({USED} > 1) or vector(0)", "beyond"),
        ),
        rows="none",
        unit="none",
        noValue="no figures of this month",
    )


def _sparse(panel: Panel) -> Panel:
    """Hundreds of services are looked at for each moment."""
    return replace(panel, points=120)


def _over_time() -> tuple[Line, ...]:
    return (
        Line(
            9,
            (
                _sparse(_used()),
                _sparse(
                    lines(
                        "Services by state",
                        "How many services were in each state.",
                        12,
                        Query(BY_STATE, "{{state}}"),
                        unit="none",
                        stacked=True,
                        overrides=tinted(COLOURS),
                        noValue="nothing was recorded",
                    )
                ),
            ),
        ),
        Line(
            12,
            (
                _sparse(
                    timeline(
                        "States of the worst",
                        "The services with the least budget left at the end of the time range, over time.",
                        24,
                        Query(
                            f"{with_maintenance(SERVICES)} and on (sla_service) bottomk($top, {AT_THE_END})",
                            "{{sla_service}}",
                        ),
                        STATES_OF_SERVICES,
                        noValue="nothing was recorded",
                    )
                ),
            ),
        ),
    )


def _burning() -> Line:
    rate = f'max by (sla_service) (mailuptime_burn_rate{{{SERVICES}, window="1h"}})'
    weighted = f"mailuptime_availability_weighted_ratio{{{MONTH}}}"
    return Line(
        9,
        (
            bar_gauge(
                "Burning the fastest",
                "Services that spend budget now, by the burn rate of the last hour; 1 lasts the month.",
                12,
                once(f"sort_desc(topk($top, {rate} > 0))", "{{sla_service}}"),
                **coloured(
                    steps("green", (1, "yellow"), (6, "orange"), (14.4, "red")), decimals=1, min=0, noValue="none burns"
                ),
            ),
            stat(
                "Weighted availability of $month",
                "Of services made of services: by the accounts that each of them serves.",
                12,
                once(percent(weighted), "{{sla_service}}"),
                name=True,
                unit="percent",
                decimals=3,
                noValue="no service is made of services",
                look=coloured(AVAILABILITY),
            ),
        ),
    )


MANY_DOWN = Annotation(
    "Many down", f"count({_in_state('down')}) > 0.1 * count({ALL})", "red", "more than a tenth of the services"
)
EVERYWHERE = Annotation(
    "Maintenance",
    f"count(max by (sla_service) (mailuptime_maintenance_active{{{SERVICES}}}) == 1) > 0",
    "blue",
    "of at least one service",
)

DASHBOARD = Dashboard(
    "fleet",
    "Fleet",
    "Hundreds of services, the worst first: which are down, and which have the least budget left.",
    "now-24h",
    (DATA_SOURCE, NAMES, MONTH_VARIABLE, TOP),
    (MANY_DOWN, EVERYWHERE),
    (
        Row("Now", (_counts(), Line(11, (_down_now(), _worst())))),
        Row("Over time", (*_over_time(), _burning())),
    ),
)
