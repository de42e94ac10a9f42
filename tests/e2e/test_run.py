"""A daemon that cannot start says why in one line, with the exit status for it, and leaves others alone."""

import socket
from pathlib import Path

import pytest

from tests.e2e.commands import assert_refused, mailuptime
from tests.e2e.written import imap, smtp, written
from tests.lab import Lab
from tests.lab.daemon import Daemon
from tests.lab.ports import HOST


def test_a_configuration_that_is_not_there_is_refused(place: Path) -> None:
    missing = place / "mailuptime.yaml"
    assert_refused(mailuptime("run", "-c", missing), 78, str(missing), "No such file")


def test_a_configuration_that_cannot_be_read_is_refused(place: Path) -> None:
    # A directory, since root may read every file.
    assert_refused(mailuptime("run", "-c", place), 78, str(place), "directory")


GOOD = """\
sla: {timezone: Asia/Bangkok}
web: {listen: 127.0.0.1:9925}
services: [{name: mail, targets: [{name: smtp, type: smtp, host: localhost, port: 25, tls: none}]}]
"""


@pytest.mark.parametrize(
    ("good", "bad", "position", "part"),
    [
        ("9925}", "9925", "3:9", "line 2"),
        ("web:", "wbe:", "2:1", "web"),
    ],
    ids=["no-yaml", "a-misspelt-key"],
)
def test_a_mistake_in_the_configuration_is_told_with_its_line_and_column(
    good: str, bad: str, position: str, part: str, place: Path
) -> None:
    file = place / "mailuptime.yaml"
    file.write_text(GOOD.replace(good, bad), encoding="utf-8")
    assert_refused(mailuptime("run", "-c", file), 78, f"{file}:{position}: ", part)


def test_a_password_file_that_is_missing_is_told_at_the_line_that_refers_to_it(shared_lab: Lab, place: Path) -> None:
    missing = place / "no-password"
    configuration = written(place, imap(shared_lab, password=missing))
    done = mailuptime("run", "-c", configuration)
    assert_refused(done, 78, f"{configuration}:", str(missing))
    line = int(done.err.removeprefix(f"{configuration}:").split(":", 1)[0])
    assert '"password": {' in configuration.read_text(encoding="utf-8").splitlines()[line - 1]


def test_a_ledger_that_cannot_be_created_is_refused(place: Path) -> None:
    configuration = written(place, smtp(25))
    blocked = place / "file"
    blocked.touch()  # in the place of a directory, since root may write everywhere
    text = configuration.read_text(encoding="utf-8")
    configuration.write_text(text.replace(str(place / "ledger.db"), str(blocked / "ledger.db")), encoding="utf-8")
    assert_refused(mailuptime("run", "-c", configuration), 73, str(blocked / "ledger.db"), "Not a directory")


def test_a_port_that_is_taken_is_refused(place: Path) -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        configuration = written(place, smtp(25), port=port)
        assert_refused(mailuptime("run", "-c", configuration), 69, f"{HOST}:{port}", "in use")


def test_a_second_daemon_on_a_ledger_is_refused_and_the_first_goes_on(standing: Daemon) -> None:
    done = mailuptime("run", "-c", standing.configuration)
    ledger = standing.configuration.with_name("ledger.db")
    assert_refused(done, 69, str(ledger), "in use")
    assert standing.get("/-/ready") == (200, "ready\n")


def test_a_command_for_which_there_is_no_daemon_and_no_ledger_says_what_makes_one(place: Path) -> None:
    configuration = written(place, smtp(25))
    assert_refused(mailuptime("sla", "-c", configuration), 69, str(place / "ledger.db"), "mailuptime run")
