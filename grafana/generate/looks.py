"""How values look, the same on every dashboard: units, colours, words for states, and what no data means."""

from collections.abc import Mapping
from typing import Any

from grafana.generate.model import Json

MINUTES = "suffix:min"
"""The agreement speaks of minutes: Grafana's own unit would make hours of 216 of them."""

UP, SUSPECT, DOWN, UNKNOWN, MAINTENANCE = "green", "yellow", "red", "text", "blue"

STATES = {0: ("up", UP), 1: ("suspect", SUSPECT), 2: ("down", DOWN), 3: ("unknown", UNKNOWN)}
STATES_OF_SERVICES = {
    **STATES,
    10: ("up, in maintenance", MAINTENANCE),
    11: ("suspect, in maintenance", MAINTENANCE),
    12: ("down, in maintenance", "purple"),
    13: ("unknown, in maintenance", MAINTENANCE),
}
YES = {1: ("yes", UP), 0: ("NO", DOWN)}
VERDICTS = {1: ("met", UP), 0: ("MISSED", DOWN)}


def mapped(words: Mapping[int, tuple[str, str]]) -> list[Json]:
    """Numbers as coloured words."""
    options = {
        str(n): {"text": text, "color": colour, "index": i} for i, (n, (text, colour)) in enumerate(words.items())
    }
    return [{"type": "value", "options": options}]


def steps(lowest: str, *above: tuple[float, str], percentage: bool = False) -> Json:
    """A colour for the lowest values, and another from each value on."""
    listed: list[Json] = [{"color": lowest, "value": None}]
    listed += [{"color": colour, "value": value} for value, colour in above]
    return {"mode": "percentage" if percentage else "absolute", "steps": listed}


PLAIN = steps("text")
BUDGET_LEFT = steps("dark-red", (0, "red"), (10, "orange"), (25, "yellow"), (50, "green"), percentage=True)
"""Of a gauge that reaches to the budget: 50, 75, 90 and 100 % of it used. Nothing left is still met (R10)."""
BUDGET_USED = steps("green", (50, "yellow"), (75, "orange"), (90, "red"), (100.05, "dark-red"))
"""In percent of the budget, to a tenth."""
AVAILABILITY = steps("red", (99.5, "green"))
"""In percent, rounded down before."""


def coloured(thresholds: Json, **more: Any) -> Json:
    return {"color": {"mode": "thresholds"}, "thresholds": thresholds, **more}


def fixed(colour: str) -> Json:
    return {"color": {"mode": "fixed", "fixedColor": colour}}
