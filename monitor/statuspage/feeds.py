"""The Atom feed (RFC 4287): outages as they begin and end, and maintenance as it is announced."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID, uuid5

from monitor.core.instants import DAY, Instant
from monitor.pages.answers import Answer
from monitor.pages.rendering import Renderer
from monitor.statuspage import looks
from monitor.statuspage.board import Board
from monitor.statuspage.view import Occurrence, Outage, Site
from monitor.statuspage.words import Words

TYPE = "application/atom+xml; charset=utf-8"
MOST_ENTRIES = 100
AHEAD = 30 * DAY
"""How long before its start maintenance is news."""
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML may hold (XML 1.0, 2.2), not even escaped: with one such character no reader takes the feed."""
_NAMESPACE = UUID("8d0f6c52-0a3b-5c0e-9a63-0f6e3a3c1f7b")


@dataclass(frozen=True, slots=True)
class Entry:
    """`id` is the same for as long as what it is about is."""

    id: str
    title: str
    updated: Instant
    published: Instant
    link: str
    text: str


def feed(board: Board, w: Words, name: str | None, renderer: Renderer) -> Answer:
    """All news, or those of one service."""
    site = board.view.site
    assert site is not None  # noqa: S101 - nothing is served before
    chosen = [one for one in board.services if name in {None, one.name}]
    base = (site.url or "").rstrip("/")
    above = f"{base}/{w.language}/" if base else "../" if name else ""
    news = [_of_outage(site, w, outage, above, board) for _, outage in looks.listed(board, chosen)[:MOST_ENTRIES]]
    news += _of_maintenance(board, site, w, name, above)
    newest = sorted(news, key=lambda entry: (entry.updated, entry.id), reverse=True)[:MOST_ENTRIES]
    title = w.page_title(site) if name is None else f"{w.called(site, name)} – {w.page_title(site)}"
    updated = max((entry.updated for entry in newest), default=0)
    body = renderer.plain(
        "feed.atom",
        w=w,
        title=title,
        id=_urn("feed", base, w.language, name or ""),
        updated=updated,
        own=f"{above}{f'services/{name}/' if name else ''}feed.atom" if base else "feed.atom",
        page=f"{above}{f'services/{name}' if name else ''}" or ".",
        entries=newest,
    )
    return Answer(_NO_XML.sub("", body).encode(), TYPE)


def _of_outage(site: Site, w: Words, outage: Outage, above: str, board: Board) -> Entry:
    called = w.called(site, outage.service)
    if outage.end is None:
        title, updated = w("feed.outage", service=called, when=w.moment(outage.start)), outage.start
    else:
        length = w.length(looks.length(outage, board))
        title, updated = w("feed.ended", service=called, length=length), outage.end
    until = w("ongoing") if outage.end is None else w.moment(outage.end)
    text = f"{w.moment(outage.start)} – {until}. {w.failed(outage)}"
    link = f"{above}services/{outage.service}#{outage.id}"
    return Entry(_urn("outage", site.url or "", w.language, outage.id), title, updated, outage.start, link, text)


def _of_maintenance(board: Board, site: Site, w: Words, name: str | None, above: str) -> Iterator[Entry]:
    at = board.view.at
    for one in board.view.calendar:
        shown = any(service in site.services for service in one.services) or not one.services
        if one.start > at + AHEAD or not shown or (name is not None and not one.concerns(name)):
            continue
        key = "feed.cancelled" if one.cancelled else "feed.maintenance"
        title = w(key, service=w.concerned(site, one), span=w.span(one.start, _end(one)))
        announced = min(max(one.changed, one.start - AHEAD), at)
        identity = _urn("maintenance", site.url or "", w.language, f"{one.id}/{one.start}")
        yield Entry(identity, title, announced, announced, f"{above}maintenance", one.reason)


def _end(occurrence: Occurrence) -> Instant:
    return occurrence.planned_end if occurrence.cancelled else occurrence.end


def _urn(*parts: str) -> str:
    return f"urn:uuid:{uuid5(_NAMESPACE, chr(0).join(parts))}"
