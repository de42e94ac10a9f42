"""A report as one HTML page that needs nothing else: fonts, style and charts are in it. The PDF is set from it."""

from base64 import b64encode
from functools import cache
from importlib import resources

from monitor.core.clocks import WHICH
from monitor.core.instants import format_instant
from monitor.core.month import Objectives
from monitor.core.rules import TargetRule
from monitor.pages.assets import Assets
from monitor.pages.rendering import Renderer
from monitor.report.charts import HEIGHT, WIDTH, bars_of, burn_of
from monitor.report.document import readings_of
from monitor.report.model import Chapter, Report
from monitor.report.words import Words
from monitor.texts import Language
from monitor.texts.speech import NOTHING

MOST_PARTS = 4
"""Targets of one outage whose own bounds are shown; `--format json` has all."""
FACES = ((400, "Sarabun-Regular.ttf"), (700, "Sarabun-Bold.ttf"))


def page_of(report: Report, language: Language) -> str:
    words = Words(language, report.zone)
    newest = report.revision
    made = report.seen if newest is None else newest.at
    return _renderer().plain(
        "report.html",
        report=report,
        w=words,
        burn_of=lambda chapter: burn_of(chapter, report),
        bars_of=lambda chapter: bars_of(chapter.history, words),
        days_of=lambda days: ", ".join(map(words.day, days)),
        targets_of=_targets,
        allowed_of=_allowed,
        readings=readings_of(report, language).values(),
        clocks=WHICH,
        width=WIDTH,
        height=HEIGHT,
        most_parts=MOST_PARTS,
        nothing=NOTHING,
        faces=_faces(),
        made=format_instant(made - made % 1_000_000, report.zone),
        style=resources.files(__package__).joinpath("templates", "report.css").read_text(encoding="utf-8"),
    )


def _targets(chapter: Chapter) -> list[tuple[TargetRule, list[str]]]:
    """The targets that decide, by the rule that each has."""
    found: dict[TargetRule, list[str]] = {}
    for name, rule in chapter.targets:
        found.setdefault(rule, []).append(name)
    return list(found.items())


def _allowed(chapter: Chapter) -> tuple[object, object]:
    """The downtime that the stricter promise allows, and what the other does."""
    objectives: Objectives = chapter.figures.objectives
    return tuple(sorted((objectives.allowed(chapter.figures.total), objectives.downtime)))  # type: ignore[return-value]


@cache
def _faces() -> tuple[tuple[int, str], ...]:
    """Weight and Base64 of each face of the package."""
    fonts = resources.files("monitor.texts") / "fonts"
    return tuple((weight, b64encode(fonts.joinpath(name).read_bytes()).decode()) for weight, name in FACES)


@cache
def _renderer() -> Renderer:
    return Renderer(__package__, Assets())
