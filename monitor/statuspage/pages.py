"""The pages that people read, rendered once for each change and shared by all who ask."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from monitor.core.calendar import Month
from monitor.pages.answers import Answer
from monitor.pages.rendering import Place, Renderer
from monitor.statuspage import looks
from monitor.statuspage.board import ORDER, Board
from monitor.statuspage.view import Outage, Present, Site
from monitor.statuspage.words import Words
from monitor.texts import Language

HTML = "text/html; charset=utf-8"
PER_PAGE = 40
"""Services or outages on one page."""
FILTERED_FROM = 8
"""Services from which on there is something to search."""
LONGEST_QUERY = 80
SHOWN_AHEAD = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reader chose: at most so long, and nothing that is not there."""

    search: str = ""
    state: str = ""
    month: str = ""
    service: str = ""
    page: int = 1
    refreshing: bool = False

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Asked":
        number = query.get("page", "")
        state, month = query.get("state", ""), query.get("month", "")
        return cls(
            " ".join(query.get("q", "")[:LONGEST_QUERY].split()),
            state if state in ORDER else "",
            month if _is_month(month) else "",
            query.get("service", "")[:LONGEST_QUERY],
            int(number) if number.isascii() and number.isdigit() and 0 < len(number) < 5 else 1,
            query.get("refresh") == "60",
        )


def _is_month(text: str) -> bool:
    try:
        Month.parse(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Slice:
    """One page of a list."""

    items: list[Any]
    number: int
    pages: int
    total: int

    @classmethod
    def of(cls, items: list[Any], number: int) -> "Slice":
        pages = max(1, -(-len(items) // PER_PAGE))
        number = max(1, min(number, pages))
        return cls(items[(number - 1) * PER_PAGE : number * PER_PAGE], number, pages, len(items))


class Pages:
    """Each method makes one page of what the board knows now."""

    def __init__(self, board: Board, renderer: Renderer) -> None:
        self._board = board
        self._renderer = renderer

    def overview(self, language: Language, asked: Asked) -> Answer:
        w = self._words(language)
        matching = [one for one in self._sorted() if self._matches(one, asked)]
        part = Slice.of(matching, asked.page)
        rows = [looks.row(self._board, one, w) for one in part.items]
        running = [one for one in self._sorted() if one.outage is not None or self._board.state(one) == "maintenance"]
        ahead = [one for one in self._board.view.calendar if one.end > self._board.view.at and not one.cancelled]
        return self._page(
            "overview.html", Place(language), w, asked,
            rows=rows, part=part, running=running, ahead=self._shown(ahead)[:SHOWN_AHEAD], order=ORDER,
            filtered=len(self._board.services) >= FILTERED_FROM,
        )  # fmt: skip

    def service(self, language: Language, name: str, asked: Asked) -> Answer:
        """Raises KeyError where there is none of that name."""
        service, view = self._board.view.present[name], self._board.view
        if name not in self._site.services:
            raise KeyError(name)
        past = view.past.get(name)
        occurrences = [one for one in view.calendar if one.concerns(name)]
        return self._page(
            "service.html", Place(language, f"services/{name}"), self._words(language), asked,
            row=looks.row(self._board, service, self._words(language)),
            outages=list(past.outages[:10]) if past else [],
            more=past is not None and len(past.outages) > 10,
            events=looks.events(past),
            ahead=[one for one in occurrences if one.end > view.at][:SHOWN_AHEAD],
        )  # fmt: skip

    def history(self, language: Language, asked: Asked) -> Answer:
        chosen = [one for one in self._board.services if asked.service in {"", one.name}]
        zone = self._site.zone
        outages = [
            pair
            for pair in looks.listed(self._board, chosen)
            if asked.month in {"", str(Month.of(pair[1].start, zone))} or self._reaches(pair[1], asked.month)
        ]
        months = max((one.months for one in self._board.services), key=len, default=())
        return self._page(
            "history.html", Place(language, "history"), self._words(language), asked,
            part=Slice.of(outages, asked.page), months=[one.month for one in months],
        )  # fmt: skip

    def maintenance(self, language: Language, asked: Asked) -> Answer:
        at, shown = self._board.view.at, self._shown(self._board.view.calendar)
        return self._page(
            "maintenance.html", Place(language, "maintenance"), self._words(language), asked,
            now=[one for one in shown if one.start <= at < one.end],
            ahead=[one for one in shown if one.start > at][:PER_PAGE],
            past=[one for one in reversed(shown) if one.start <= at and one.end <= at][:PER_PAGE],
        )  # fmt: skip

    def missing(self, language: Language, path: str, name: str | None) -> Answer:
        """What is said where there is no such page: the services that may have been meant."""
        made = self._page(
            "missing.html", Place(language, path), self._words(language), Asked(), name=name, meant=self._meant(name)
        )
        return Answer(made.body, HTML, status=404)

    def _meant(self, name: str | None) -> list[str]:
        if not name:
            return []
        titles = {title.casefold(): key for key, by in self._site.services.items() for title in (key, *by.values())}
        near = get_close_matches(name.casefold(), titles, n=5, cutoff=0.5)
        near += [title for title in titles if name.casefold() in title][:5]
        return list(dict.fromkeys(titles[title] for title in near))[:5]

    @property
    def _site(self) -> Site:
        site = self._board.view.site
        assert site is not None  # noqa: S101 - nothing is served before
        return site

    def _words(self, language: Language) -> Words:
        return Words(language, self._site.zone)

    def _sorted(self) -> list[Present]:
        """What is wrong stands first."""
        return sorted(self._board.services, key=lambda service: ORDER.index(self._board.state(service)))

    def _matches(self, service: Present, asked: Asked) -> bool:
        if asked.state and self._board.state(service) != asked.state:
            return False
        titles = (service.name, *self._site.services[service.name].values())
        return not asked.search or any(asked.search.casefold() in title.casefold() for title in titles)

    def _shown(self, occurrences: Any) -> list[Any]:
        """Without those that are about hidden services alone."""
        known = self._site.services
        return [one for one in occurrences if not one.services or any(name in known for name in one.services)]

    def _reaches(self, outage: Outage, month: str) -> bool:
        start, end = Month.parse(month).span(self._site.zone)
        return outage.start < end and start < (self._board.view.at if outage.end is None else outage.end)

    def _page(self, template: str, place: Place, w: Words, asked: Asked, **values: Any) -> Answer:
        board = self._board
        page = self._renderer.page(
            template, place,
            w=w, board=board, view=board.view, site=self._site, asked=asked, looks=looks, **values,
        )  # fmt: skip
        return Answer(page.encode(), HTML).prepared()
