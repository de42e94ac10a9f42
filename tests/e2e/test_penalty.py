"""A refused account on a real Dovecot that punishes its whole address, as by default: neighbours stay well."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.written import imap, written
from tests.lab import Lab, wait_until
from tests.lab.configuration import free_port
from tests.lab.daemon import Daemon, states

BY_DEFAULT = """
auth_failure_delay = 2 secs
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0600
  }
}
"""
REFUSED, WELL, SHARING = "mail/refused", "mail/well", "mail/sharing"
ROUNDS = 4
"""Good checks of the neighbour to wait for: without a back-off the refused account is tried as often."""


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[Lab]:
    with Lab(tmp_path / "lab", dovecot_extra=BY_DEFAULT) as lab:
        yield lab


def test_one_refused_login_is_all_that_the_server_sees_and_the_neighbour_stays_up(strict: Lab, place: Path) -> None:
    alice, bob = strict.accounts[1], strict.accounts[2]
    wrong = place / "wrong"
    wrong.touch(mode=0o600)
    wrong.write_text("not the password of anybody\n")
    targets = [
        target(strict, "refused", alice.username, wrong),
        target(strict, "sharing", alice.username, wrong),
        target(strict, "well", bob.username, bob.password_file),
    ]
    port = free_port()
    quick = {"interval": "5s", "timeout": "4900ms", "confirm": {"interval": "1s"}, "pulse": "off"}
    with Daemon(written(place, *targets, port=port, **quick), port) as daemon:
        wait_until(lambda: metric(daemon, "unknown", "refused") + metric(daemon, "unknown", "sharing") > 0, "a refusal")
        before = metric(daemon, "up", "well")
        wait_until(lambda: metric(daemon, "up", "well") >= before + ROUNDS, "the neighbour's checks", seconds=60)
        assert states(daemon)[WELL] == "up"
        assert metric(daemon, "down", "well") == metric(daemon, "unknown", "well") == 0
        assert metric(daemon, "unknown", "refused") + metric(daemon, "unknown", "sharing") == 1
    log = (strict.directory / "log" / "dovecot.log").read_text()
    attempts = [line for line in log.splitlines() if "imap-login" in line and f"user=<{alice.username}>" in line]
    assert len(attempts) == 1, attempts
    assert len([line for line in log.splitlines() if f"user=<{bob.username}>" in line]) >= ROUNDS


def target(lab: Lab, name: str, username: str, password: Path) -> dict[str, Any]:
    keys = imap(lab, password=password, name=name)
    keys["login"]["username"] = username
    return keys


def metric(daemon: Daemon, outcome: str, name: str) -> int:
    """Checks of a target with an outcome so far."""
    _, body = daemon.get("/metrics")
    wanted = [f'outcome="{outcome}"', f'target="{name}"']
    lines = [line for line in body.splitlines() if line.startswith("mailuptime_checks_total{")]
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in lines if all(label in line for label in wanted))
