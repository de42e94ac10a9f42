"""What several dashboards ask in the same words: variables, annotations, states as numbers, rounding."""

from grafana.generate.model import SOURCE, Annotation, Json

SERVICE = 'sla_service="$sla_service"'
TARGETS = f'{SERVICE}, target=~"$target"'

NOTHING_YET: Json = {"text": "", "value": ""}
"""Grafana takes the first that is offered."""
ALL: Json = {"text": ["All"], "value": ["$__all"]}


def outage_began(selector: str, by: str = "sla_service, target") -> str:
    """When the outages that run began, only while they do: what was loaded afterwards has no end of series."""
    began = f"min by (sla_service, target) (mailuptime_outage_start_timestamp_seconds{{{selector}}})"
    down = f'max by (sla_service, target) (mailuptime_target_state{{{selector}, state="down"}}) == 1'
    running = f"({began} and {down})"
    return running if by == "sla_service, target" else f"min by ({by}) {running}"


def down_since(selector: str, seen: str) -> str:
    """When services that are down went down: with the first of their targets, or as far as the range `seen` tells.

    A service made of services has no outages of targets: what tells is when its state was last another one.
    """
    states = f'max by (sla_service) (mailuptime_service_state{{{selector}, state="down"}})'
    last_well = f"max_over_time(timestamp({states} == 0)[{seen}])"
    return f"(({outage_began(selector, 'sla_service')} or {last_well}) and on (sla_service) {states} == 1)"


def state_number(metric: str, selector: str, by: str) -> str:
    """The present state as a number: 0 up, 1 suspect, 2 down, 3 unknown; of several monitors', the worst."""
    parts = (
        f'{n} * {metric}{{{selector}, state="{state}"}}' for n, state in enumerate(("up", "suspect", "down", "unknown"))
    )
    return f"max by ({by}) ({' or '.join(parts)})"


def with_maintenance(selector: str) -> str:
    """A service's state as a number, 10 more while a declared window goes on."""
    state = state_number("mailuptime_service_state", selector, "sla_service")
    return f"{state} + 10 * max by (sla_service) (mailuptime_maintenance_active{{{selector}}})"


def percent(ratio: str, by: str = "sla_service") -> str:
    """In percent, rounded down to three decimals (R12): a miss never reads as a hit."""
    return f"floor(min by ({by}) ({ratio}) * 1e5 + 1e-9) / 1e3"


def minutes_left(seconds: str) -> str:
    """In minutes, rounded down to the tenth that is shown."""
    return f"floor({seconds} / 6 + 1e-9) / 10"


def minutes_spent(seconds: str) -> str:
    """In minutes, rounded up to the tenth that is shown."""
    return f"ceil({seconds} / 6 - 1e-9) / 10"


def running(expr: str) -> str:
    """Of the running month alone, whatever month is chosen."""
    return f"{expr} and on (month) (mailuptime_month_current == 1)"


def _query(name: str, label: str, description: str, asked: str, *, sort: int, multi: bool = False) -> Json:
    variable: Json = {
        "name": name,
        "label": label,
        "description": description,
        "type": "query",
        "datasource": SOURCE,
        "definition": asked,
        "query": {"query": asked, "refId": "PrometheusVariableQueryEditor-VariableQuery", "qryType": 1},
        "current": ALL if multi else NOTHING_YET,
        "options": [],
        "hide": 0,
        "multi": multi,
        "includeAll": multi,
        "refresh": 2,
        "regex": "",
        "skipUrlSync": False,
        "sort": sort,
    }
    return {**variable, "allValue": ".+"} if multi else variable


DATA_SOURCE: Json = {
    "name": "datasource",
    "label": "Data source",
    "description": "The Prometheus that scrapes mailuptime.",
    "type": "datasource",
    "query": "prometheus",
    "current": NOTHING_YET,
    "options": [],
    "hide": 0,
    "multi": False,
    "includeAll": False,
    "refresh": 1,
    "regex": "",
    "skipUrlSync": False,
}
SERVICE_VARIABLE = _query(
    "sla_service",
    "Service",
    "What the agreement is about.",
    "label_values(mailuptime_service_state, sla_service)",
    sort=1,
)
TARGET_VARIABLE = _query(
    "target",
    "Target",
    "One way into the service.",
    f"label_values(mailuptime_target_state{{{SERVICE}}}, target)",
    sort=1,
    multi=True,
)
MONTH_VARIABLE = _query(
    "month",
    "Month",
    "The newest first; figures of a month do not depend on the time range.",
    "label_values(mailuptime_availability_ratio, month)",
    sort=2,
)


def text_box(name: str, label: str, description: str, value: str) -> Json:
    chosen = {"text": value, "value": value, "selected": True}
    return {
        "name": name,
        "label": label,
        "description": description,
        "type": "textbox",
        "query": value,
        "current": chosen,
        "options": [chosen],
        "hide": 0,
        "skipUrlSync": False,
    }


def choice(name: str, label: str, description: str, values: tuple[str, ...]) -> Json:
    """One of some values, the first unless another is chosen."""
    options = [{"text": value, "value": value, "selected": value == values[0]} for value in values]
    return {
        "name": name,
        "label": label,
        "description": description,
        "type": "custom",
        "query": ",".join(values),
        "current": options[0],
        "options": options,
        "hide": 0,
        "multi": False,
        "includeAll": False,
        "skipUrlSync": False,
    }


OUTAGES = Annotation(
    "Outage",
    f'max by (sla_service) (mailuptime_service_state{{{SERVICE}, state="down"}}) == 1',
    "red",
    "{{sla_service}}",
)
MAINTENANCE = Annotation(
    "Maintenance", f"max by (sla_service) (mailuptime_maintenance_active{{{SERVICE}}}) == 1", "blue", "{{sla_service}}"
)
