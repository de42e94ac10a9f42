"""The live view: the state of every target with its phases, and what the month has come to."""

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from monitor.core.instants import SECOND
from monitor.figures import Document, coarse, minutes, minutes_left, moment, percent

COLOURS = {"up": "green", "suspect": "yellow", "down": "bold red", "unknown": "magenta"}
VERDICTS = {"met": "green", "missed": "bold red", "undetermined": "yellow"}


def screen(status: Document, footer: str = "Ctrl-C ends the view; the daemon goes on") -> RenderableType:
    """Draw the document of the control socket's `/status`."""
    services = [_service(service) for service in status["services"]]
    return Group(*services, _targets(status["targets"]), Text(f"{moment(status['at'])}   {footer}", style="dim"))


def _service(service: Document) -> Panel:
    figures, rates = service["figures"], service["burn_rates"]
    lower, upper = (percent(figures[f"availability_{which}_percent"]) for which in ("lower", "upper"))
    left = service["exhaustion_seconds"]
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column()
    grid.add_row("availability", f"{percent(figures['availability_percent'])}   (between {lower} and {upper})")
    grid.add_row("downtime", f"{_minutes(figures['downtime_seconds'])} of {_minutes(figures['budget_seconds'])}")
    grid.add_row("budget left", minutes_left(round(figures["remaining_seconds"] * SECOND)))
    burning = "not burning" if left is None else f"gone in {coarse(round(left * SECOND))} at the last hour's pace"
    grid.add_row("burn rate", f"5m {rates['5m']:.1f}   1h {rates['1h']:.1f}   6h {rates['6h']:.1f}   ({burning})")
    verdict = Text(figures["verdict"], style=VERDICTS[figures["verdict"]])
    grid.add_row("verdict", verdict + Text("  so far" if figures["provisional"] else "", style="dim"))
    for outage in figures["outages"][-3:]:
        end = moment(outage["end"]) if outage["end"] else "now"
        bounds = f"{_minutes(outage['min_seconds'])} to {_minutes(outage['max_seconds'])}"
        cause = f"{' '.join(outage['targets'])}: {outage['cause']}"
        grid.add_row(
            "outage", f"{moment(outage['start'])} – {end}   {_minutes(outage['seconds'])} ({bounds})   {cause}"
        )
    title = Text.assemble((service["service"], "bold"), "  ", (service["state"], COLOURS[service["state"]]))
    return Panel(grid, title=title, title_align="left")


def _targets(targets: list[Document]) -> Table:
    table = Table(expand=True, box=None, header_style="dim")
    for name in ("target", "state", "last", "phases in ms"):
        table.add_column(name, overflow="fold" if name == "phases in ms" else "ellipsis")
    for target in targets:
        state, last = target["state"], target["last"]
        table.add_row(
            target["target"], Text(state, style=COLOURS[state]), _last(last), Text(_phases(last), style="dim")
        )
    return table


def _last(last: Document | None) -> str:
    if last is None:
        return "not checked yet"
    if last["cause"]:
        return f"{last['cause']}{' in ' + last['phase'] if last['phase'] else ''}"
    return f"{last['duration_seconds'] * 1000:.0f} ms"


def _phases(last: Document | None) -> str:
    return "" if last is None else "  ".join(f"{name} {value * 1000:.1f}" for name, value in last["phases"])


def _minutes(value: float) -> str:
    return minutes(round(value * SECOND))
