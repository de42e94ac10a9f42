"""The first page: what is down, what waits for a second person, what maintenance comes."""

from monitor.console.backend import Backend
from monitor.console.visit import Outcome, Shown, Visit
from monitor.core.instants import parse_instant, seconds
from monitor.figures import Document
from monitor.snapshot import ServicePicture

MOST = 50


async def overview(backend: Backend, _visit: Visit) -> Outcome:
    snapshot, declared = backend.source.snapshot, backend.source.declarations()
    services = sorted(snapshot.services, key=lambda one: (one.state == "up", one.name))
    windows, exclusions = waiting(declared)
    coming = [one for one in declared["maintenance"] if not one["cancelled"] and _ends(backend, one) > snapshot.at]
    return Shown(
        "overview.html",
        {
            "month": str(snapshot.month),
            "services": [_row(one) for one in services[:MOST]],
            "more_services": max(len(services) - MOST, 0),
            "waiting_windows": windows,
            "waiting_exclusions": exclusions,
            "coming": sorted(coming, key=lambda one: str(one["start"]))[:MOST],
        },
    )


def waiting(declared: Document) -> tuple[list[Document], list[Document]]:
    """Windows and exclusions that excuse less than was asked for until somebody else approves them."""
    windows = [
        one
        for one in declared["maintenance"]
        if not one["cancelled"] and one["approved_by"] is None and needs_approval(one)
    ]
    exclusions = [one for one in declared["exclusions"] if not one["withdrawn"] and one["approved_by"] is None]
    return windows, exclusions


def needs_approval(window: Document) -> bool:
    return bool(window["retroactive_seconds"]) or (window["late"] and window["excuses"] is None)


def _row(picture: ServicePicture) -> Document:
    running = picture.running
    return {
        "name": picture.name,
        "state": picture.state,
        "outage": picture.outage,
        "downtime": seconds(running.sums.downtime),
        "remaining": seconds(running.remaining),
    }


def _ends(backend: Backend, window: Document) -> int:
    end: str = window["end"]
    return parse_instant(end, backend.zone)
