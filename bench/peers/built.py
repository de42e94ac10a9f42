"""Peers that are built from source with Go: where they are, which version, and Gatus and Cloudprober as contestants.

`make peers` builds them into .venv/peers from the Go registry; `PEERS` names another directory, as of programs built in
a clone. Neither of the two has a dialogue with a mail server that logs in, so each is asked for what it can
(`GATUS_DOES`, `CLOUDPROBER_DOES`). Of today's blackbox_exporter see `bench.peers.blackbox`.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from bench.peers.yard import Pace, processor_seconds
from tests.lab import Lab, wait_until
from tests.lab.configuration import free_port
from tests.lab.ports import accepts

PLACE = Path(__file__).parents[2] / ".venv" / "peers"
NAMES = ("blackbox_exporter", "gatus", "cloudprober")
GATUS_DOES = {
    "imap": "TLS alone", "pop3": "TLS alone", "smtp": "no second EHLO", "submission": "no AUTH",
    "webmail": "by a kept connection",
}  # fmt: skip
CLOUDPROBER_DOES = {"imap": "TLS alone", "pop3": "TLS alone", "webmail": ""}
"""Of SMTP it knows nothing but TCP, and a program of one's own for each check."""
_GATUS_ENDPOINTS = 16
"""As it starts them 222 ms apart; they are asked the more often."""
_MODULE = re.compile(r"^\tmod\t\S+\t(\S+)", re.MULTILINE)


def program(name: str) -> str | None:
    """Where it is, if it is here."""
    places = os.pathsep.join([os.environ.get("PEERS", str(PLACE)), os.environ.get("PATH", "")])
    return shutil.which(name, path=places)


def version(name: str) -> str:
    """As Go has noted it in the program."""
    path, go = program(name), shutil.which("go")
    if path is None or go is None:
        return "not built here" if path is None else "of an unknown version"
    told = subprocess.run([go, "version", "-m", path], capture_output=True, text=True, check=False).stdout
    found = _MODULE.search(told)
    return found.group(1) if found else "of an unknown version"


def gatus(lab: Lab, kind: str, port: int, pace: Pace, seconds: float) -> float | None:
    """Milliseconds of processor time for a check; None where it is not here."""
    at = free_port()
    pace = Pace(_GATUS_ENDPOINTS, _GATUS_ENDPOINTS / pace.rate)
    scheme = {"smtp": "starttls", "submission": "starttls", "webmail": "https"}.get(kind, "tls")
    conditions = ["[BODY] == pat(*_token*)"] if kind == "webmail" else ["[CONNECTED] == true"]
    document = {
        "metrics": True,
        "concurrency": 0,
        "web": {"address": "127.0.0.1", "port": at},
        "endpoints": [
            {
                "name": f"{kind}{number}",
                "url": f"{scheme}://localhost:{port}",
                "interval": f"{round(pace.interval * 1000)}ms",
                "conditions": conditions,
            }
            for number in range(pace.endpoints)
        ],
    }
    environment = {"GATUS_LOG_LEVEL": "ERROR", "SSL_CERT_FILE": str(lab.ca_file)}
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "gatus.yaml")
        file.write_text(json.dumps(document), encoding="utf-8")
        return _cost("gatus", [], environment | {"GATUS_CONFIG_PATH": str(file)}, at, pace, seconds)


def cloudprober(lab: Lab, kind: str, port: int, pace: Pace, seconds: float) -> float | None:
    """The same; None also for what it cannot."""
    if kind not in CLOUDPROBER_DOES:
        return None
    at, every = free_port(), round(pace.interval * 1000)
    tls = f'tls_config {{ ca_cert_file: "{lab.ca_file}" server_name: "localhost" }}'
    how = (
        f"type: HTTP http_probe {{ scheme: HTTPS port: {port} keep_alive: false {tls} }}\n"
        'validator { name: "page" regex: "_token" }'
        if kind == "webmail"
        else f"type: TCP tcp_probe {{ port: {port} tls_handshake: true {tls} }}"
    )
    probes = [
        f'probe {{ name: "{kind}{number}" targets {{ host_names: "127.0.0.1" }} interval_msec: '
        f"{every} stats_export_interval_msec: {every} timeout_msec: {round(pace.interval * 900)} {how} }}\n"
        for number in range(pace.endpoints)
    ]
    surfacer = 'surfacer { type: PROMETHEUS prometheus_surfacer { metrics_prefix: "cloudprober_" } }\n'
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "cloudprober.cfg")
        file.write_text(f'port: {at}\nhost: "127.0.0.1"\n{surfacer}{"".join(probes)}', encoding="utf-8")
        return _cost("cloudprober", [f"--config_file={file}"], {}, at, pace, seconds)


def _cost(
    name: str, arguments: Sequence[str], environment: Mapping[str, str], port: int, pace: Pace, seconds: float
) -> float | None:
    found = program(name)
    if found is None:
        return None
    nowhere: Any = subprocess.DEVNULL
    with subprocess.Popen([found, *arguments], env=environment, stdout=nowhere, stderr=nowhere) as process:
        try:
            wait_until(lambda: accepts(port), f"{name} to listen")
            wait_until(lambda: sum(_checks(name, port)) >= pace.endpoints, f"{name} to check all", seconds=30)
            (good, bad), spent = _checks(name, port), processor_seconds(process.pid)
            time.sleep(seconds)
            spent = processor_seconds(process.pid) - spent  # before it is asked how many: a scrape is no check
            more, worse = _checks(name, port)
        finally:
            process.terminate()
    if worse - bad > (more - good) / 100 or more - good < pace.rate * seconds / 4:  # Gatus waits from a check's end on
        raise RuntimeError(f"{name}: {more - good:.0f} checks went well, {worse - bad:.0f} did not: the race is off")
    return 1000 * spent / (more - good + worse - bad)


def _checks(name: str, port: int) -> tuple[float, float]:
    """How many checks went well so far, and how many did not, by its own count."""
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()

    def total(metric: str, label: str = "") -> float:
        pattern = rf"^{metric}\{{[^}}]*{label}[^}}]*\}} ([0-9.e+]+)"
        return sum(float(value) for value in re.findall(pattern, text, re.MULTILINE))

    if name == "gatus":
        return total("gatus_results_total", 'success="true"'), total("gatus_results_total", 'success="false"')
    good = total("cloudprober_success")
    return good, total("cloudprober_total") - good
