"""Probe processes: a daemon with `workers` does all that one without does, and survives whatever becomes of them."""

import json
import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.commands import mailuptime
from tests.e2e.written import imap, smtp, written
from tests.lab import Lab, wait_until
from tests.lab.configuration import configuration, free_port
from tests.lab.daemon import Daemon, states


def workers(daemon: Daemon) -> list[int]:
    """The probe processes, oldest first."""
    listed = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                command = (entry / "cmdline").read_text()
            except OSError:
                continue
            if int(parent) == daemon.pid and "monitor.workers" in command:
                listed.append(int(entry.name))
    return sorted(listed)


def samples(daemon: Daemon, name: str) -> dict[str, float]:
    """The samples of a metric, by their labels."""
    text = daemon.get("/metrics")[1]
    return {labels: float(value) for labels, value in re.findall(rf"^{name}{{(.*)}} (.*)$", text, re.MULTILINE)}


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def given(place: Path, port: int, *targets: dict[str, Any], interval: str = "1s", timeout: str = "200ms") -> Path:
    """A configuration with two probe processes and without pulses."""
    file = written(place, *targets, port=port, interval=interval, timeout=timeout, pulse="off")
    file.write_text(json.dumps({**json.loads(file.read_text()), "workers": 2}))
    return file


def causes(daemon: Daemon) -> dict[str, float]:
    """Failures by their cause."""
    found = samples(daemon, "mailuptime_check_failures_total")
    return {labels.rpartition('cause="')[2].rstrip('"'): value for labels, value in found.items()}


def under_way(daemon: Daemon) -> bool:
    return 1.0 in samples(daemon, "mailuptime_worker_checks_in_progress").values()


def all_up(daemon: Daemon) -> bool:
    return list(samples(daemon, "mailuptime_worker_up").values()) == [1.0, 1.0]


def told(daemon: Daemon, level: str) -> set[int]:
    """The probe processes that say that a subsystem's level is this from now on."""
    lines = [json.loads(line) for line in daemon.log.read_text().splitlines() if line.startswith("{")]
    changes = (line for line in lines if line["event"] == "log.level_changed" and line["to"] == level)
    return {line["process"] for line in changes if line["subsystem"] == "workers"}


def test_a_log_level_reaches_every_probe_process_at_once_and_one_that_is_started_later(
    place: Path, silent: int
) -> None:
    port = free_port()
    path = given(place, port, smtp(silent))
    with Daemon(path, port) as daemon:
        wait_until(lambda: all_up(daemon), "the probe processes to be up", seconds=30)
        assert mailuptime("log-level", "-c", path, "library", "debug").status == 0
        before = set(workers(daemon))
        wait_until(lambda: told(daemon, "debug") == before, "both processes to follow")
        os.kill(min(before), signal.SIGKILL)
        wait_until(lambda: len(told(daemon, "debug")) == 3, "the next process to be told", seconds=30)


def test_every_protocol_is_checked_in_probe_processes_and_they_end_with_the_daemon(lab: Lab, place: Path) -> None:
    port = free_port()
    with Daemon(configuration(lab, place, port, "workers: 2\n"), port) as daemon:
        wait_until(lambda: set(states(daemon).values()) == {"up"}, "every target to be up", seconds=30)
        mine = workers(daemon)
        assert len(mine) == 2
        assert all_up(daemon)
        used = samples(daemon, "mailuptime_worker_cpu_seconds_total")
        assert all(seconds > 0 for seconds in used.values())
    assert [pid for pid in mine if Path(f"/proc/{pid}").exists()] == []


def test_an_outage_is_seen_through_them_with_its_cause(lab: Lab, place: Path) -> None:
    port = free_port()
    with Daemon(given(place, port, imap(lab), timeout="900ms"), port) as daemon:
        wait_until(lambda: states(daemon) == {"mail/imap": "up"}, "the target to be up", seconds=30)
        lab.stop_dovecot()
        wait_until(lambda: states(daemon) == {"mail/imap": "down"}, "the target to be down", seconds=30)
        (outage,) = daemon.ask("outages")["outages"]
        assert outage["cause"] in {"connect_refused", "disconnected"}  # one that was under way is cut off


def test_what_a_process_was_trying_when_it_was_killed_is_unknown_and_the_next_goes_on(place: Path, silent: int) -> None:
    port = free_port()
    with Daemon(given(place, port, smtp(silent), interval="60s", timeout="50s"), port) as daemon:
        wait_until(lambda: under_way(daemon), "a check under way")
        for pid in workers(daemon):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: causes(daemon) == {"worker": 1.0}, "the check to be given up")
        wait_until(lambda: all_up(daemon), "both to be up again")
        assert set(samples(daemon, "mailuptime_worker_restarts_total").values()) == {1.0}
        assert daemon.ask("outages")["outages"] == []
    assert "it was ended by signal 9" in daemon.log.read_text()


def test_a_process_that_stands_still_is_replaced(place: Path, silent: int) -> None:
    port = free_port()
    with Daemon(given(place, port, smtp(silent), interval="60s", timeout="50s"), port) as daemon:
        wait_until(lambda: under_way(daemon), "a check under way")
        before = workers(daemon)
        for pid in before:
            os.kill(pid, signal.SIGSTOP)
        wait_until(
            lambda: len(after := workers(daemon)) == 2 and not {*before} & {*after}, "others in their place", seconds=40
        )
        wait_until(lambda: all_up(daemon), "both to be up")
    assert "worker.silent" in daemon.log.read_text()


def test_a_reload_reaches_the_processes(place: Path, silent: int) -> None:
    port = free_port()
    other = {**smtp(free_port()), "name": "other"}
    with Daemon(given(place, port, smtp(silent)), port) as daemon:
        wait_until(lambda: states(daemon) == {"mail/smtp": "down"}, "the target to be down", seconds=30)
        given(place, port, smtp(silent), other)
        daemon.send(signal.SIGHUP)
        wait_until(lambda: states(daemon) == {"mail/smtp": "down", "mail/other": "down"}, "the new one to be down too")
        assert set(causes(daemon)) == {"timeout", "connect_refused"}
