"""Round trips as users run them: by hand, in the daemon, and over its end."""

import json
import signal
from pathlib import Path
from typing import Any

from monitor.core.delivery import Sent
from monitor.ledger import Reader
from tests.e2e.commands import mailuptime
from tests.e2e.written import imap, written
from tests.lab import Lab, wait_until
from tests.lab.configuration import free_port
from tests.lab.daemon import Daemon, states
from tests.probes.trips import messages

TRIP = "mail/delivery"


def submission(lab: Lab, name: str, *, implicit: bool = False) -> dict[str, Any]:
    return {
        "name": name,
        "type": "submission",
        "host": "localhost",
        "port": lab.ports.submissions if implicit else lab.ports.submission,
        "tls": {"mode": "implicit" if implicit else "starttls", "ca_file": str(lab.ca_file)},
        "login": {"username": lab.probe.username, "password": {"file": str(lab.password_file)}},
    }


def pop3(lab: Lab) -> dict[str, Any]:
    return imap(lab, lab.ports.pop3s, name="pop3", type="pop3")


def delivery(**keys: Any) -> dict[str, Any]:
    return {"name": "delivery", "type": "roundtrip", "submit": "submission", "fetch": "imap", "counts": False, **keys}


def sent(configuration: Path) -> list[Sent]:
    with Reader.beside(configuration.with_name("ledger.db")) as ledger:
        return list(ledger.sent())


def counted(configuration: Path) -> dict[str, dict[str, int]]:
    """How many messages of each round trip came to which end."""
    found: dict[str, dict[str, int]] = {}
    with Reader.beside(configuration.with_name("ledger.db")) as ledger:
        for target, result, count in ledger.tallies():
            found.setdefault(target, {})[result] = count
    return found


def daemon_of(place: Path, *targets: dict[str, Any]) -> Daemon:
    port = free_port()
    return Daemon(written(place, *targets, port=port), port)


def test_by_hand_a_round_trip_needs_no_ledger(shared_lab: Lab, place: Path) -> None:
    file = written(place, submission(shared_lab, "submission"), imap(shared_lab), delivery())
    done = mailuptime("probe", "-c", file, "--format", "json", TRIP)
    (document,) = done.document["targets"]
    assert (done.status, document["outcome"]) == (0, "up")
    assert [phase["phase"] for phase in document["phases"]] == ["submit", "queue", "fetch"]
    assert not file.with_name("ledger.db").exists()


def test_a_matrix_is_checked_pair_by_pair_in_one_mailbox(lab: Lab, place: Path) -> None:
    ends = submission(lab, "a"), submission(lab, "b", implicit=True), imap(lab), pop3(lab)
    matrix = delivery(submit=["a", "b"], fetch=["imap", "pop3"])
    pairs = {f"{TRIP}-{a}-{b}" for a in "ab" for b in ("imap", "pop3")}
    with daemon_of(place, *ends, matrix) as daemon:
        wait_until(lambda: set(counted(daemon.configuration)) == pairs, "every pair to be counted", seconds=60)
        wait_until(lambda: {states(daemon)[pair] for pair in pairs} == {"up"}, "every pair to be up", seconds=60)
    assert counted(daemon.configuration) == {pair: {"delivered": 1} for pair in pairs}
    assert messages(lab) == []


def test_a_message_that_arrives_while_the_daemon_is_dead_is_late(lab: Lab, place: Path) -> None:
    with daemon_of(place, submission(lab, "submission"), imap(lab), delivery()) as daemon:
        file = daemon.configuration
        lab.hold_delivery()
        wait_until(lambda: [one.state for one in sent(file)] == ["accepted"], "the message to be accepted", seconds=60)
        daemon.stop(signal.SIGKILL)
        lab.release_delivery()
        wait_until(lambda: len(messages(lab)) == 1, "the message to arrive", seconds=60)
        daemon.start()
        wait_until(lambda: counted(file).get(TRIP, {}).get("delivered") == 1, "the next check", seconds=60)
        wait_until(lambda: messages(lab) == [], "both messages to be deleted", seconds=60)
    assert counted(file) == {TRIP: {"late": 1, "delivered": 1}}


def test_a_stop_ends_a_check_that_waits_and_keeps_its_token(lab: Lab, place: Path) -> None:
    lab.hold_delivery()
    with daemon_of(place, submission(lab, "submission"), imap(lab), delivery()) as daemon:
        file = daemon.configuration
        wait_until(lambda: [one.state for one in sent(file)] == ["accepted"], "the message to be accepted", seconds=60)
        assert daemon.stop() == 0
    assert [one.state for one in sent(file)] == ["accepted"]
    with Reader.beside(file.with_name("ledger.db")) as ledger:
        assert TRIP not in {row.target for _, row in ledger.rows(0)}


def test_a_configuration_that_is_read_again_lets_the_counts_go_on(lab: Lab, place: Path) -> None:
    with daemon_of(place, submission(lab, "submission"), imap(lab), delivery(interval="2s", deadline="1s")) as daemon:
        file = daemon.configuration
        wait_until(lambda: counted(file).get(TRIP, {}).get("delivered", 0) > 1, "two messages", seconds=60)
        document = json.loads(file.read_text(encoding="utf-8"))
        document["services"][0]["targets"].append(delivery(name="other"))
        file.write_text(json.dumps(document), encoding="utf-8")
        before = counted(file)[TRIP]["delivered"]
        daemon.send(signal.SIGHUP)
        wait_until(lambda: "mail/other" in counted(file), "the other one to be delivered", seconds=60)
        wait_until(lambda: counted(file)[TRIP]["delivered"] > before + 1, "the counts to go on", seconds=60)
