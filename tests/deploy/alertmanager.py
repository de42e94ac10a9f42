"""Decides how a real Alertmanager and a receiver of its webhooks run for a test, on free ports."""

import http.client
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import yaml

from tests.lab.ports import HOST
from tests.lab.processes import Daemon, Keeper, wait_until

DIRECTORY = Path(__file__).parents[2] / "config" / "alertmanager"
SHIPPED = DIRECTORY / "alertmanager.yml"
_LISTENING = re.compile(rf'msg="Listening on" address={re.escape(HOST)}:(\d+)')


@dataclass(frozen=True)
class Notice:
    """A webhook as it came: whose, and the body."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    def alerts(self, name: str, status: str) -> list[dict[str, Any]]:
        alerts: list[dict[str, Any]] = self.body["alerts"]
        return [one for one in alerts if one["labels"]["alertname"] == name and one["status"] == status]


@dataclass
class Receiver:
    """What has arrived, in order; answers each with `status`."""

    url: str = ""
    status: int = 200
    notices: list[Notice] = field(default_factory=list)

    def wait_for(self, path: str, name: str, status: str) -> dict[str, Any]:
        """The first alert of that name and status which came to a path."""

        def found() -> list[dict[str, Any]]:
            here = [notice for notice in self.notices if notice.path == path]
            return [alert for notice in here for alert in notice.alerts(name, status)]

        wait_until(lambda: bool(found()), f"{name} {status} at {path}", seconds=60)
        return found()[0]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver of webhooks on a free port."""
    one = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            one.notices.append(Notice(self.path, dict(self.headers), body))
            self.send_response(one.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        one.url = f"http://{HOST}:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield one
        finally:
            server.shutdown()
            thread.join()


def shipped_to(url: str) -> dict[str, Any]:
    """The shipped configuration, but each receiver is a webhook under its name, and all wait a second for company."""
    document: dict[str, Any] = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    document["templates"] = [str(DIRECTORY / "*.tmpl")]
    for route in (document["route"], *document["route"]["routes"]):
        route |= {"group_wait": "1s", "group_interval": "1s"}
    document["receivers"] = [
        {"name": one["name"], "webhook_configs": [{"url": f"{url}/{one['name']}"}]} for one in document["receivers"]
    ]
    return document


class Alertmanager:
    """Ready when the constructor returns; `stop` returns when no process of it is left."""

    def __init__(self, configuration: dict[str, Any], directory: Path, keeper: Keeper) -> None:
        directory.mkdir()
        written = directory / "alertmanager.yml"
        written.write_text(json.dumps(configuration), encoding="utf-8")
        log = directory / "log"
        command = [
            "/usr/bin/prometheus-alertmanager",
            f"--config.file={written}",
            f"--storage.path={directory / 'data'}",
            f"--web.listen-address={HOST}:0",
            "--cluster.listen-address=",
        ]
        self._daemon = Daemon("alertmanager", command, log=log, keeper=keeper)
        self._daemon.start()
        try:
            self._daemon.wait_until(lambda: _LISTENING.search(log.read_text()) is not None, "a port")
            found = _LISTENING.search(log.read_text())
            assert found is not None
            self.address = f"{HOST}:{found[1]}"
            self._daemon.wait_until(lambda: self._ask("GET", "/-/ready")[0] == http.client.OK, "readiness")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        self._daemon.terminate()
        self._daemon.settle()

    def send(self, *labels: dict[str, str]) -> None:
        """Alerts that fire from now on."""
        status, body = self._ask("POST", "/api/v2/alerts", [{"labels": one} for one in labels])
        assert status == http.client.OK, body

    def states(self) -> dict[str, str]:
        """Each alert by name: `active`, `suppressed` or `unprocessed`."""
        alerts = json.loads(self._ask("GET", "/api/v2/alerts")[1])
        return {one["labels"]["alertname"]: one["status"]["state"] for one in alerts}

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        self._daemon.wait_until(condition, what)

    def _ask(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self.address, timeout=10)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    @classmethod
    @contextmanager
    def running(cls, configuration: dict[str, Any], directory: Path) -> Iterator[Self]:
        with Keeper(["true"]) as keeper:
            one = cls(configuration, directory, keeper)
            try:
                yield one
            finally:
                one.stop()
