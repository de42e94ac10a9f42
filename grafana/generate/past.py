"""What the availability dashboard says of the past: states and outages in the time range, and the months."""

from grafana.generate.looks import (
    AVAILABILITY,
    BUDGET_USED,
    MINUTES,
    STATES_OF_SERVICES,
    VERDICTS,
    coloured,
    mapped,
    steps,
)
from grafana.generate.model import Json, Line, Panel, Query
from grafana.generate.panels import bars, cells, once, stat, table, timeline
from grafana.generate.shared import (
    SERVICE,
    minutes_left,
    minutes_spent,
    outage_began,
    percent,
    state_number,
    with_maintenance,
)

BEGAN = outage_began(SERVICE)


def happened() -> tuple[Line, ...]:
    return (
        Line(
            7,
            (
                timeline(
                    "State",
                    "The service and each of its targets over time; blue and purple are declared maintenance.",
                    24,
                    (
                        Query(with_maintenance(SERVICE), "$sla_service"),
                        Query(state_number("mailuptime_target_state", SERVICE, "target"), "{{target}}"),
                    ),
                    STATES_OF_SERVICES,
                    noValue="nothing was recorded",
                ),
            ),
        ),
        Line(8, (_outages(), _counts())),
    )


def _outages() -> Panel:
    age = f"((time() - {BEGAN}) * on (sla_service, target) group_right () "
    began = f'count_values by (sla_service, target) ("began", round({BEGAN}) * 1000))'
    return table(
        "Outages in the time range",
        "Outages of targets; one shorter than half a minute may be missing: `mailuptime outages` lists all.",
        18,
        cells(f"max by (target, began) (max_over_time({age}{began}[$__range:30s])) / 60"),
        {
            "began": ("Began", {"unit": "dateTimeAsLocal", "custom.width": 220}),
            "target": ("Target", {}),
            "Value": ("Minutes", {"decimals": 1, "unit": MINUTES}),
        },
        sort=("Began", True),
        transformations=(
            {
                "id": "convertFieldType",
                "options": {"conversions": [{"targetField": "began", "destinationType": "number"}]},
            },
        ),
        noValue="none",
    )


def _counts() -> Panel:
    return stat(
        "How many",
        "Outages that began in the time range, and blips: failures too short to be one.",
        6,
        (
            once(f"sum(round(increase(mailuptime_outages_total{{{SERVICE}}}[$__range])))", "outages"),
            once(f"sum(round(increase(mailuptime_blips_total{{{SERVICE}}}[$__range])))", "blips"),
        ),
        name=True,
        decimals=0,
        noValue="none",
    )


def year() -> Line:
    counted = f'max by (month) (mailuptime_downtime_seconds{{{SERVICE}, kind="counted"}})'
    budget = f"min by (month) (mailuptime_downtime_budget_seconds{{{SERVICE}}})"
    number: Json = {"decimals": 1, "unit": MINUTES}
    share: Json = {"decimals": 3, "unit": "percent"}
    return Line(
        9,
        (
            bars(
                "Budget used, by month",
                "The share of each month's downtime budget that was used; above 100 % the month is missed.",
                10,
                cells(f"ceil(({counted} / {budget}) * 1e3 - 1e-9) / 10"),
                {"month": "Month", "Value": "Budget used"},
                "Month",
                **coloured(BUDGET_USED, unit="percent", decimals=1, noValue="no figures yet"),
            ),
            table(
                "Months",
                "The figures of every month that is exported: the running one and the twelve before it.",
                14,
                (
                    cells(percent(f"mailuptime_availability_ratio{{{SERVICE}}}", "month")),
                    cells(percent(f"mailuptime_availability_lower_ratio{{{SERVICE}}}", "month")),
                    cells(minutes_spent(counted)),
                    cells(minutes_left(f"min by (month) (mailuptime_downtime_budget_remaining_seconds{{{SERVICE}}})")),
                    cells(f"min by (month) (mailuptime_objective_met{{{SERVICE}}})"),
                ),
                {
                    "month": ("Month", {}),
                    "Value #A": ("Availability", {**share, "thresholds": AVAILABILITY, **_tinted_text()}),
                    "Value #B": ("at least", share),
                    "Value #C": ("Downtime", number),
                    "Value #D": ("Left", {**number, "thresholds": steps("red", (0, "text")), **_tinted_text()}),
                    "Value #E": ("Objectives", {"mappings": mapped(VERDICTS), "noValue": "undetermined"}),
                },
                sort=("Month", True),
                noValue="undetermined",
            ),
        ),
    )


def _tinted_text() -> Json:
    return {"custom.cellOptions": {"type": "color-text"}}
