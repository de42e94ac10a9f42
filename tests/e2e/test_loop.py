"""Proves on which event loop the daemon runs: uvloop as it is installed, and the standard library's without it."""

import sys
from pathlib import Path

import pytest

from tests.e2e.written import smtp, written
from tests.lab import Lab, wait_until
from tests.lab.configuration import free_port
from tests.lab.daemon import Daemon, states


@pytest.mark.skipif(sys.platform != "linux", reason="uvloop comes along on Linux only")
@pytest.mark.parametrize("installed", [True, False], ids=["installed", "missing"])
def test_the_daemon_runs_on_uvloop_and_without_it_too(
    installed: bool, shared_lab: Lab, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not installed:
        (place / "uvloop.py").write_text("raise ModuleNotFoundError(__name__)", encoding="utf-8")
        monkeypatch.setenv("PYTHONPATH", str(place), prepend=":")
    port = free_port()
    with Daemon(written(place, smtp(shared_lab.ports.smtp), port=port), port) as daemon:
        wait_until(lambda: states(daemon) == {"mail/smtp": "up"}, "a check to succeed", seconds=30)
        log = daemon.log.read_text(encoding="utf-8")
    assert f'"loop": "{"uvloop" if installed else "asyncio"}"' in log
