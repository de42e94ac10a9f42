"""`GET /probe?target=HOST[:PORT]&module=NAME[&debug=true]`, as blackbox_exporter answers it."""

from aiohttp import web

from monitor.probeanswer import CONTENT_TYPE, debugging, exposition
from monitor.probing import Probing, RefusedProbeError, Request

TIMEOUT_HEADER = "X-Prometheus-Scrape-Timeout-Seconds"


class ProbePage:
    """The route over a `Probing`."""

    def __init__(self, probing: Probing) -> None:
        self._probing = probing

    async def get(self, request: web.Request) -> web.Response:
        query = request.query
        asked = Request(
            query.get("target"), query.get("module"), query.get("hostname"), request.headers.get(TIMEOUT_HEADER)
        )
        try:
            probed = await self._probing.probe(asked)
        except RefusedProbeError as error:
            return web.Response(status=error.status, text=f"{error}\n")
        if query.get("debug") == "true":
            return web.Response(text=debugging(probed))
        return web.Response(body=exposition(probed).encode(), headers={"Content-Type": CONTENT_TYPE})
