"""A log that cannot be written, as on a full disk, ends nothing."""

import signal
from pathlib import Path

from tests.e2e.written import smtp, written
from tests.lab import wait_until
from tests.lab.configuration import free_port
from tests.lab.daemon import Daemon, states


def test_a_daemon_whose_log_is_on_a_full_disk_goes_on_and_ends_well(tmp_path: Path) -> None:
    port = free_port()
    file = written(tmp_path, smtp(free_port()), port=port, interval="1s", timeout="200ms", pulse="off")
    (tmp_path / "daemon.log").symlink_to("/dev/full")
    with Daemon(file, port) as daemon:
        wait_until(lambda: states(daemon) == {"mail/smtp": "down"}, "the target to be down", seconds=30)
        daemon.send(signal.SIGHUP)
        (outage,) = daemon.ask("outages")["outages"]
        assert outage["ongoing"]
        assert daemon.stop() == 0
