"""The daemon as a contestant: `mailuptime run`, with all it does, at the pace of the others."""

import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.peers.yard import Pace, processor_seconds
from tests.lab import Lab, wait_until
from tests.lab.configuration import free_port
from tests.lab.daemon import Daemon

_CHECKS = re.compile(r'^mailuptime_checks_total\{[^}]*outcome="(\w+)"[^}]*\} ([0-9.e+]+)', re.MULTILINE)


def target(lab: Lab, kind: str, name: str, **keys: Any) -> dict[str, Any]:
    """One target of the lab."""
    ports = lab.ports
    login = {"username": lab.probe.username, "password": {"file": str(lab.password_file)}}
    mode = "starttls" if kind in {"smtp", "submission"} else "implicit"
    made: dict[str, Any] = {"name": name, "type": kind, "tls": {"mode": mode, "ca_file": str(lab.ca_file)}}
    if kind == "webmail":
        return made | {"url": lab.webmail_url} | keys
    port = {"imap": ports.imaps, "pop3": ports.pop3s, "smtp": ports.smtp, "submission": ports.submission}[kind]
    made |= {"host": "127.0.0.1", "port": port}
    made["tls"]["server_name"] = "localhost"
    made |= {"login": login, "max_logins": 100} if kind != "smtp" else {}
    made |= {"quota": False} if kind == "imap" else {}
    return made | keys


def configured(directory: Path, services: Mapping[str, list[dict[str, Any]]], **defaults: Any) -> Path:
    """A configuration in a directory; JSON is YAML, too."""
    document = {
        "sla": {"timezone": "Asia/Bangkok", "availability": "99.5%", "downtime_budget": "216m"},
        "ledger": {"path": str(directory / "ledger.db")},
        "control": {"socket": str(directory / "control.sock")},
        "web": {"listen": f"127.0.0.1:{free_port()}"},
        "defaults": {"timeout": "15s", **defaults},
        "services": [{"name": name, "targets": targets} for name, targets in services.items()],
    }
    path = directory / "mailuptime.yaml"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


@contextmanager
def running(configuration: Path) -> Iterator[tuple[Daemon, int]]:
    """The daemon and its process id."""
    listen = json.loads(configuration.read_text(encoding="utf-8"))["web"]["listen"]
    with Daemon(configuration, int(listen.rpartition(":")[2])) as daemon:
        yield daemon, daemon.pid


def checks(daemon: Daemon) -> tuple[float, float]:
    """How many checks it has made, by its own count, and how many of them found nothing up."""
    found = _CHECKS.findall(daemon.get("/metrics")[1])
    return sum(float(n) for _, n in found), sum(float(n) for outcome, n in found if outcome != "up")


def cost(lab: Lab, directory: Path, kind: str, pace: Pace, seconds: float) -> float:
    """Milliseconds of processor time for a check, the daemon's whole process counted, threads and all."""
    directory.mkdir(parents=True)
    targets = [target(lab, kind, f"{kind}{number}") for number in range(pace.endpoints)]
    timeout = f"{round(pace.interval * 900)}ms"
    interval = f"{round(pace.interval * 1000)}ms"
    with running(configured(directory, {"mail": targets}, interval=interval, timeout=timeout)) as (daemon, pid):
        wait_until(lambda: daemon.get("/-/ready")[0] == 200, "every target to be checked", seconds=30)
        time.sleep(1.5)
        (count, bad), spent = checks(daemon), processor_seconds(pid)
        time.sleep(seconds)
        spent = processor_seconds(pid) - spent  # before it is asked how many: a scrape is no check
        after, worse = checks(daemon)
        count = after - count
        if worse - bad > count / 100 or count < pace.rate * seconds / 2:
            raise RuntimeError(f"mailuptime: {count:.0f} checks of {kind}, {worse - bad:.0f} not up: the race is off")
    os.sync()  # what one run leaves to be written shall not slow the next
    return 1000 * spent / count
