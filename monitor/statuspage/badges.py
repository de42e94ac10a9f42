"""Badges: a service's state, or its availability this month, as an image for other people's pages."""

from unicodedata import category

from monitor.pages.answers import Answer
from monitor.pages.rendering import Renderer
from monitor.statuspage.board import Board
from monitor.statuspage.looks import verdict
from monitor.statuspage.words import Words

TYPE = "image/svg+xml"
COLOURS = {
    "up": "#1b7540",
    "met": "#1b7540",
    "down": "#b3241b",
    "missed": "#b3241b",
    "suspect": "#8a5300",
    "unknown": "#5d5273",
    "undetermined": "#5d5273",
    "maintenance": "#1d5aa8",
}
"""As in the style sheet, which an image cannot use."""
_PADDING = 16


def badge(board: Board, w: Words, name: str, which: str, renderer: Renderer) -> Answer:
    """`which` is `state` or `availability`."""
    service, site = board.view.present[name], board.view.site
    assert site is not None  # noqa: S101 - nothing is served before
    called = w.called(site, name)
    if which == "state":
        state = board.state(service)
        value, colour = w.state(state), COLOURS[state]
    else:
        figures = service.month
        value = f"{w.percent(figures.availability)} · {verdict(figures, w)}"
        colour = COLOURS[figures.verdict]
    left, right = _width(called), _width(value)
    body = renderer.plain(
        "badge.svg", language=w.language, called=called, value=value, colour=colour, left=left, right=right
    )
    return Answer(body.encode(), TYPE)


def _width(text: str) -> int:
    """About how wide it is at 11 px; the image makes it so. Marks above and below letters take no room."""
    return _PADDING + round(sum(6.6 for char in text if category(char) != "Mn"))
