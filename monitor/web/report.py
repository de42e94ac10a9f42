"""`GET /report?month=YYYY-MM[&language=][&format=][&service=]`: the service report, made by a process of its own."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from monitor.clock import Clock
from monitor.core.calendar import Month
from monitor.report.gathering import UnknownServiceError
from monitor.report.maker import Maker, NotMadeError
from monitor.report.process import Request
from monitor.report.rendering import FORMATS
from monitor.settings import Settings
from monitor.texts import LANGUAGES

CONTENT_TYPES = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
}


class ReportPage:
    """The route over a `Maker`; one report is made at a time."""

    def __init__(self, clock: Clock, settings: Callable[[], Settings], maker: Maker) -> None:
        self._clock = clock
        self._settings = settings
        self._maker = maker

    async def get(self, request: web.Request) -> web.Response:
        """Raises ValueError for what cannot be asked."""
        query = request.query
        month, service = Month.parse(query.get("month", "")), query.get("service")
        language: Any = _one_of("language", query.get("language", LANGUAGES[0]), LANGUAGES)
        form: Any = _one_of("format", query.get("format", FORMATS[0]), FORMATS)
        path = str(self._settings().path.absolute())
        try:
            made = await self._maker.make(Request(path, str(month), language, form, self._clock.now(), service))
        except UnknownServiceError as error:
            return web.Response(status=404, text=f"{error}\n")
        except NotMadeError as error:
            return web.Response(status=503, text=f"{error}\n")
        name = f"report-{f'{service}-' if service else ''}{month}-{language}.{form}"
        headers = {"Content-Type": CONTENT_TYPES[form], "Content-Disposition": f'attachment; filename="{name}"'}
        return web.Response(body=made, headers=headers)


def _one_of(key: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(f'{key}: there is no "{value}"; known: {", ".join(known)}')
    return value
