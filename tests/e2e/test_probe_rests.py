"""`mailuptime probe` locks no account: not one that the daemon rests, and not by asking for it in every protocol."""

import re
from pathlib import Path

import pytest

from tests.e2e.commands import mailuptime
from tests.e2e.written import imap, written
from tests.lab import Lab
from tests.lab.configuration import free_port
from tests.lab.daemon import Daemon
from tests.lab.processes import wait_until

WRONG = "not-this-one-8812"


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    path = tmp_path / "wrong"
    path.touch(mode=0o600)
    path.write_text(WRONG + "\n")
    return path


def refusals(lab: Lab) -> int:
    """As Dovecot, and Postfix, which asks it, have logged them."""
    logs = (path.read_text(errors="replace") for path in (lab.directory / "log").iterdir())
    return sum(len(re.findall("auth failed, 1 attempts|SASL .* authentication failed", text)) for text in logs)


def test_an_account_that_the_daemon_rests_is_logged_in_to_only_by_force(lab: Lab, place: Path, wrong: Path) -> None:
    port = free_port()
    reading = imap(lab, password=wrong)
    sending = {**reading, "name": "submission", "type": "submission", "port": lab.ports.submission}
    sending["tls"] = {**reading["tls"], "mode": "starttls"}
    trip = {"name": "trip", "type": "roundtrip", "submit": "submission", "fetch": "imap", "deadline": "20s"}
    configuration = written(place, reading, sending, trip, port=port)
    with Daemon(configuration, port) as daemon:
        wait_until(lambda: bool(daemon.ask("status")["resting"]), "the account to be rested")
        wait_until(lambda: refusals(lab) == 1, "the server to log it")
        resting = mailuptime("probe", "-c", configuration, "--format", "json")
        shown = mailuptime("probe", "-c", configuration)
        assert refusals(lab) == 1
        forced = mailuptime("probe", "-c", configuration, "--format", "json", "--force", "mail/imap")
        wait_until(lambda: refusals(lab) == 2, "the server to log that too")
    targets = {target["target"]: target for target in resting.document["targets"]}
    assert {(target["outcome"], target["cause"]) for target in targets.values()} == {("unknown", "resting")}
    phases = [phase["phase"] for phase in targets["mail/imap"]["phases"]]
    assert (resting.status, phases) == (3, ["dns", "connect", "tls", "greeting", "capability", "quit"])
    assert targets["mail/submission"]["certificate"]["problem"] is None
    assert targets["mail/trip"]["phases"] == []
    told = shown.out.splitlines()[0]
    assert told.startswith("mail/imap: unknown in ")
    assert "resting: no log-in to probe@lab.test for another " in told
    assert told.endswith("the daemon rests it, since one was refused; --force logs in all the same")
    assert (forced.status, forced.document["targets"][0]["cause"]) == (1, "auth")


def test_a_password_that_was_refused_once_is_not_tried_by_the_next_target(lab: Lab, place: Path, wrong: Path) -> None:
    names = ("a", "b", "c", "d")
    configuration = written(place, *(imap(lab, password=wrong, name=name) for name in names), imap(lab, name="well"))
    done = mailuptime("probe", "-c", configuration, "--format", "json")
    assert [target["cause"] for target in done.document["targets"]] == ["auth", *["resting"] * 3, None]
    assert "mail/a was refused with the same password just now" in done.document["targets"][1]["reply"]
    wait_until(lambda: refusals(lab) == 1, "Dovecot to log it, and no other")
    assert (done.status, WRONG in done.out) == (1, False)
