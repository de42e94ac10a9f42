"""The same beside a running daemon: commands ask it, and over HTTP who proved who he is writes."""

import base64
import json
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from tests.declare.listener import Listener
from tests.declare.office import TARGET, Office
from tests.declare.test_daemon import FAST
from tests.e2e.commands import mailuptime
from tests.lab import wait_until
from tests.lab.configuration import free_port
from tests.lab.daemon import Daemon, states
from tests.web.place import ALICE, Place


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, Daemon]]:
    made = Place(tmp_path_factory.mktemp("tickets"))
    made.web(basic_auth_users=made.users)
    port = free_port()
    configuration = made.configuration(port)
    with Daemon(configuration, port) as daemon:
        yield made, daemon


def asked(
    daemon: Daemon, path: str, body: Any = None, *, user: tuple[str, str] | None = ALICE
) -> tuple[int, dict[str, Any]]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{daemon.url}/api/v1/{path}", data=data)
    if user is not None:
        request.add_header("Authorization", "Basic " + base64.b64encode(":".join(user).encode()).decode())
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_who_is_authenticated_records_and_is_the_author(place: tuple[Place, Daemon]) -> None:
    _, daemon = place
    status, ticket = asked(daemon, "incidents", {"priority": "P2", "channel": "email", "id": "T-1", "by": "bob"})
    assert (status, ticket["by"], ticket["source"]) == (201, "alice", "web")
    status, ticket = asked(daemon, "incidents/T-1/respond", {})
    assert (status, ticket["state"]) == (200, "responded")
    status, listed = asked(daemon, "incidents?id=T-1")
    assert [one["id"] for one in listed["tickets"]] == ["T-1"]
    status, figures = asked(daemon, f"compliance/{listed['month']}")
    assert (status, figures["responses"]["within"], figures["responses"]["verdict"]) == (200, 1, "met")


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("incidents", {"priority": "P9"}, 400, 'priority: unknown value "P9"; known: P1, P2, P3, P4'),
        ("incidents", [], 400, "a JSON object is expected"),
        ("requests/T-1/respond", {}, 400, "there is no request T-1; list shows them"),
        ("incidents/T-1/forget", {}, 404, "known: respond, resolve, close, reopen, change, withdraw"),
    ],
)
def test_what_cannot_be_is_a_problem_in_one_line(
    place: tuple[Place, Daemon], path: str, body: Any, status: int, words: str
) -> None:
    found, problem = asked(place[1], path, body)
    assert (found, problem["detail"]) == (status, words)


def test_nobody_who_is_unknown_writes(place: tuple[Place, Daemon]) -> None:
    status, problem = asked(place[1], "incidents", {"priority": "P1"}, user=None)
    assert (status, problem["detail"]) == (401, "user and password are asked for")


def test_a_command_asks_the_daemon(place: tuple[Place, Daemon]) -> None:
    configuration = place[1].configuration
    opened = mailuptime("request", "open", "--priority", "low", "--by", "desk", "-c", configuration)
    assert (opened.status, opened.err) == (0, "")
    listed = mailuptime("request", "list", "--format", "json", "-c", configuration)
    assert [one["by"] for one in listed.document["tickets"]] == ["desk"]


def test_an_import_into_a_running_daemon_goes_in_parts_and_none_or_all_is_kept(place: tuple[Place, Daemon]) -> None:
    file = place[0].directory / "tickets.csv"
    lines = [f"M-{number},P3,2026-01-05T10:00,email," for number in range(1000)]
    head = "id,priority,recorded,channel,agency"
    file.write_text("\n".join([head, *lines, "M-x,P3,never,email,"]), encoding="utf-8")
    command = ("import", "tickets", str(file), "-c", place[1].configuration)
    bad = mailuptime(*command)
    assert (bad.status, bad.out) == (65, "1000 recorded, 0 changed, 0 unchanged, 1 refused; nothing was kept\n")
    file.write_text("\n".join([head, *lines]), encoding="utf-8")
    assert mailuptime(*command).out == "1000 recorded, 0 changed, 0 unchanged, 0 refused\n"
    assert mailuptime(*command).out == "0 recorded, 0 changed, 1000 unchanged, 0 refused\n"
    assert asked(place[1], "compliance/2026-01")[1]["recorded"] == {"incident": 1000}


def test_an_outage_of_a_running_daemon_opens_one_incident_that_outlives_restart_and_reload(tmp_path: Path) -> None:
    with Listener() as listener:
        office = Office(tmp_path, cast("Any", None), listener.port, FAST | {"stale_after": "60s"})
        listener.well = False
        with Daemon(office.configuration, office.port) as daemon:
            wait_until(lambda: len(incidents(daemon)) == 1, "the outage's incident", seconds=30)
            daemon.stop(signal.SIGKILL)
            daemon.start()
            assert mailuptime("reload", "-c", office.configuration).status == 0
            wait_until(lambda: states(daemon)[TARGET] == "down", "the outage to go on", seconds=30)
            listener.well = True
            # One that was killed before its commit is opened once more.
            wait_until(lambda: [one["state"] for one in incidents(daemon)] == ["proposed"], "a proposal", seconds=30)
            [one] = incidents(daemon)
            assert (one["priority"], one["channel"], one["by"]) == ("P1", "monitor", "mailuptime")
            resolve = mailuptime("incident", "resolve", one["id"], "--format", "json", "-c", office.configuration)
            assert (resolve.err, resolve.document["resolved"]) == ("", one["proposed"])
        assert mailuptime("verify", "-c", office.configuration).status == 0


def incidents(daemon: Daemon) -> list[Any]:
    found: list[Any] = daemon.ask("tickets", kind="incident")["tickets"]
    return found
