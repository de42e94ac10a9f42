"""The same outages as others see them: blackbox_exporter scraped by Prometheus every 60 seconds."""

import json
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.peers import blackbox
from tests.lab import Lab, wait_until
from tests.lab.configuration import free_port
from tests.lab.ports import accepts

PROGRAM = "/usr/bin/prometheus"
EVERY = 60.0
Samples = dict[tuple[int, str], list[tuple[float, bool]]]
"""By lab and target: instants in seconds since the epoch, and whether it was found well."""


def addresses(lab: Lab) -> dict[str, str]:
    ports = lab.ports
    mail = {"imap": ports.imaps, "pop3": ports.pop3s, "smtp": ports.smtp, "submission": ports.submission}
    return {kind: f"127.0.0.1:{port}" for kind, port in mail.items()} | {"webmail": lab.webmail_url}


@contextmanager
def prometheus(labs: Mapping[int, Lab]) -> Iterator[int | None]:
    """The port of a Prometheus that scrapes a blackbox_exporter for each lab; None where they are not installed."""
    if not (Path(PROGRAM).exists() and Path(blackbox.PROGRAM).exists()):
        yield None
        return
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        jobs: list[dict[str, Any]] = []
        for number, lab in labs.items():
            url, _ = stack.enter_context(blackbox.running(lab))
            jobs += [_job(number, kind, address, url) for kind, address in addresses(lab).items()]
        file = directory / "prometheus.yml"
        seconds = f"{EVERY:g}s"
        everywhere = {"scrape_interval": seconds, "scrape_timeout": "15s"}
        file.write_text(json.dumps({"global": everywhere, "scrape_configs": jobs}), encoding="utf-8")
        port = free_port()
        command = [
            PROGRAM, f"--config.file={file}", f"--storage.tsdb.path={directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
        ]  # fmt: skip
        process = stack.enter_context(subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL))
        stack.callback(process.terminate)
        wait_until(lambda: accepts(port), "Prometheus to listen", seconds=60)
        yield port


def _job(number: int, kind: str, address: str, url: str) -> dict[str, Any]:
    host = url.removeprefix("http://").partition("/")[0]
    labels = {"lab": str(number), "kind": kind}
    return {
        "job_name": f"{kind}-{number}",
        "metrics_path": "/probe",
        "params": {"module": [kind], "target": [address]},
        "static_configs": [{"targets": [host], "labels": labels}],
    }


def scraped(port: int, seconds: float) -> Samples:
    query = f"http://127.0.0.1:{port}/api/v1/query?query=probe_success%5B{round(seconds)}s%5D"
    with urllib.request.urlopen(query, timeout=30) as answer:
        found = json.load(answer)["data"]["result"]
    return {
        (int(one["metric"]["lab"]), one["metric"]["kind"]): [(float(at), value == "1") for at, value in one["values"]]
        for one in found
    }
