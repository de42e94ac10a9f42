"""What the page shows, as JSON: the shapes of the API, less what is not shown."""

import json
from typing import Any

from monitor.core.instants import Instant, format_instant, seconds, to_datetime
from monitor.core.month import Figures
from monitor.figures import Document, service_document
from monitor.pages.answers import Answer
from monitor.statuspage.board import Board
from monitor.statuspage.looks import length
from monitor.statuspage.view import Day, Occurrence, Outage, Present, Site

TYPE = "application/json; charset=utf-8"


def status(board: Board) -> Answer:
    """Every service with its state and its running month, and maintenance."""
    view, site = board.view, _site(board)
    return _answer(
        {
            "at": format_instant(view.at, site.zone),
            "head": view.head,
            "silent": board.silent,
            "state": board.overall,
            "services": [_present(board, one) for one in board.services],
            "maintenance": [
                _occurrence(one, site)
                for one in view.calendar
                if not one.services or any(name in site.services for name in one.services)
            ],
        }
    )


def service(board: Board, name: str) -> Answer:
    """One service, with its months, days and outages."""
    view, site = board.view, _site(board)
    present, past = view.present[name], view.past.get(name)
    return _answer(
        {
            "at": format_instant(view.at, site.zone),
            "head": view.head,
            **_present(board, present),
            "months": [_figures(one, board) for one in present.months],
            "days": [_day(one, site) for one in past.days] if past else [],
            "outages": [_outage(one, board) for one in past.outages] if past else [],
            "maintenance": [_occurrence(one, site) for one in view.calendar if one.concerns(name)],
        }
    )


def _site(board: Board) -> Site:
    assert board.view.site is not None  # noqa: S101 - nothing is served before
    return board.view.site


def _present(board: Board, one: Present) -> Document:
    site = _site(board)
    return {
        "service": one.name,
        "title": dict(site.services[one.name]),
        "state": board.state(one),
        "maintenance_active": one.maintenance,
        "outage": one.outage,
        "outage_start": _instant(one.began, site),
        "month": _figures(one.month, board),
    }


def _figures(figures: Figures, board: Board) -> Document:
    """The month's figures; outages stand by themselves, whole."""
    made = service_document(figures, _site(board).zone)
    kept = {key: value for key, value in made.items() if key not in {"service", "outages", "suspect"}}
    return {"month": str(figures.month), **kept, "revision": board.view.closed.get(str(figures.month))}


def _day(day: Day, site: Site) -> Document:
    of = day.sums
    return {
        "day": to_datetime(day.start, site.zone).date().isoformat(),
        "elapsed_seconds": seconds(of.length),
        "downtime_seconds": seconds(of.downtime),
        "excused_seconds": seconds(of.excused),
        "unknown_seconds": seconds(of.unknown),
    }


def _outage(outage: Outage, board: Board) -> Document:
    zone = _site(board).zone
    more = {"targets": list(outage.targets)} if outage.targets else {}
    return {
        "id": outage.id,
        "start": format_instant(outage.start, zone),
        "end": None if outage.end is None else format_instant(outage.end, zone),
        "ongoing": outage.end is None,
        "seconds": seconds(length(outage, board)),
        "min_seconds": seconds(outage.least),
        "max_seconds": seconds(outage.most),
        "excused_seconds": seconds(outage.excused),
        "protocols": list(outage.protocols),
        "cause": outage.cause,
        **more,
    }


def _occurrence(one: Occurrence, site: Site) -> Document:
    return {
        "id": one.id,
        "services": [name for name in one.services if name in site.services],
        "start": format_instant(one.start, site.zone),
        "end": format_instant(one.end, site.zone),
        "planned_end": format_instant(one.planned_end, site.zone),
        "reason": one.reason,
        "cancelled": one.cancelled,
    }


def _instant(instant: Instant | None, site: Site) -> str | None:
    return None if instant is None else format_instant(instant, site.zone)


def _answer(document: dict[str, Any]) -> Answer:
    return Answer(json.dumps(document, ensure_ascii=False).encode() + b"\n", TYPE)
