"""Decides how a real Prometheus runs for a test, on a free port and with its data in one directory."""

import http.client
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

from tests.lab.ports import HOST
from tests.lab.processes import Daemon, Keeper

_LISTENING = re.compile(rf'msg="Listening on" address={re.escape(HOST)}:(\d+)')

Vector = list[tuple[dict[str, str], float]]
"""Labels and value of each series."""


class QueryError(Exception):
    """Prometheus refused a query; the text is its own."""


class Prometheus:
    """Ready when the constructor returns; `stop` returns when no process of it is left."""

    def __init__(
        self,
        configuration: dict[str, Any],
        directory: Path,
        keeper: Keeper,
        *,
        storage: Path | None = None,
        flags: Sequence[str] = (),
    ) -> None:
        """`storage` holds blocks that are there from the start, however old."""
        directory.mkdir()
        written = directory / "prometheus.yml"
        written.write_text(json.dumps(configuration), encoding="utf-8")
        log = directory / "log"
        command = [
            "/usr/bin/prometheus",
            f"--config.file={written}",
            f"--storage.tsdb.path={storage or directory / 'data'}",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address={HOST}:0",
            *flags,
        ]
        self._daemon = Daemon("prometheus", command, log=log, keeper=keeper)
        self._daemon.start()
        try:
            # The port is the kernel's choice, so that nobody can take it in between; only the log tells.
            self._daemon.wait_until(lambda: _LISTENING.search(log.read_text()) is not None, "a port")
            found = _LISTENING.search(log.read_text())
            assert found is not None
            self._port = int(found[1])
            self._daemon.wait_until(self._ready, "readiness")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        self._daemon.terminate()
        self._daemon.settle()

    def query(self, expression: str, at: float | None = None) -> Vector:
        """What the expression says now, or at a time in seconds; a scalar is a vector of one.

        Raises QueryError where it is refused.
        """
        asked = {"query": expression, **({} if at is None else {"time": str(at)})}
        status, body = self._get("/api/v1/query?" + urlencode(asked))
        answer = json.loads(body)
        if status != http.client.OK:
            raise QueryError(answer["error"])
        data = answer["data"]
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(one["metric"], float(one["value"][1])) for one in data["result"]]

    def wait_for(self, expression: str) -> Vector:
        """What the expression says once it says something; LabError when it stays silent."""
        answers: list[Vector] = []

        def answered() -> bool:
            answers.append(self.query(expression))
            return bool(answers[-1])

        self._daemon.wait_until(answered, expression)
        return answers[-1]

    def _ready(self) -> bool:
        return self._get("/-/ready")[0] == http.client.OK

    def _get(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(HOST, self._port, timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    @classmethod
    @contextmanager
    def scraping(cls, address: str, directory: Path, *, job: str = "mailuptime") -> Iterator[Self]:
        """One that scrapes `address` (host:port) every second."""
        jobs = [{"job_name": job, "static_configs": [{"targets": [address]}]}]
        configuration = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": jobs}
        with cls.running(configuration, directory) as prometheus:
            yield prometheus

    @classmethod
    @contextmanager
    def running(cls, configuration: dict[str, Any], directory: Path, storage: Path | None = None) -> Iterator[Self]:
        """One with a configuration of its own."""
        with Keeper(["true"]) as keeper:
            prometheus = cls(configuration, directory, keeper, storage=storage)
            try:
                yield prometheus
            finally:
                prometheus.stop()
