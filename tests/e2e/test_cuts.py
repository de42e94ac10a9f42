"""A real network is cut in different places: what is the monitor's side is unknown, what is the server's is down."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.wire import SERVER, Wire
from tests.e2e.written import SERVICE, smtp, written
from tests.lab import wait_until
from tests.lab.configuration import free_port
from tests.lab.daemon import Daemon, states

BY_ADDRESS, BY_NAME = f"{SERVICE}/address", f"{SERVICE}/name"
QUICK: dict[str, Any] = {
    "interval": "2s",
    "timeout": "1500ms",
    "confirm": {"failures": 3, "interval": "500ms"},
    "recover": {"successes": 2, "interval": "1s"},
    "stale_after": "60s",
}


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    with Wire(tmp_path) as wire:
        yield wire


@pytest.fixture
def daemon(wire: Wire, place: Path) -> Iterator[Daemon]:
    """It probes one server by address and by name, with canaries of its own network, and finds it up."""
    targets = [smtp(25, name="address", host=SERVER), smtp(25, name="name", host="mx.lab.test")]
    port = free_port()
    file = written(place, *targets, port=port, **QUICK)
    file.write_text(file.read_text().replace('"services"', '"self_test": ["resolver", "gateway"],\n  "services"', 1))
    with Daemon(file, port, within=wire.within) as daemon:
        wait_until_up(daemon)
        wait_until(lambda: passed(daemon) == {"resolver": True, "gateway": True}, "the canaries to pass")
        yield daemon


def passed(daemon: Daemon) -> dict[str, bool]:
    found: dict[str, bool] = daemon.ask("status")["self_tests"]
    return found


def wait_until_up(daemon: Daemon) -> None:
    wait_until(lambda: set(states(daemon).values()) == {"up"}, "every target to be up", seconds=30)


def last(daemon: Daemon, name: str) -> dict[str, Any]:
    [found] = [target["last"] for target in daemon.ask("status")["targets"] if target["target"] == name]
    return dict(found)


def outcomes(daemon: Daemon, name: str, number: int) -> list[dict[str, Any]]:
    """The next failures of a target, one after another."""
    found: dict[str, dict[str, Any]] = {}

    def enough() -> bool:
        seen = last(daemon, name)
        if seen["cause"]:
            found[seen["at"]] = seen
        return len(found) >= number

    wait_until(enough, f"{number} failures of {name}", seconds=60)
    return list(found.values())


def outages(daemon: Daemon) -> list[dict[str, Any]]:
    return [outage for service in daemon.ask("sla")["services"] for outage in service["outages"]]


@pytest.mark.parametrize(
    ("cut", "mend", "causes"),
    [
        (Wire.cut_uplink, Wire.mend_uplink, {"self_test"}),
        (Wire.cut_own_link, Wire.mend_own_link, {"network", "self_test"}),
        (Wire.cut_gateway, Wire.mend_gateway, {"self_test", "network"}),
    ],
    ids=["uplink", "own-link", "gateway"],
)
def test_the_monitors_own_network_cut_is_unknown_and_no_outage(
    wire: Wire, daemon: Daemon, cut: Callable[[Wire], None], mend: Callable[[Wire], None], causes: set[str]
) -> None:
    cut(wire)
    failures = outcomes(daemon, BY_ADDRESS, 4)  # more than would confirm an outage
    assert {failure["outcome"] for failure in failures} == {"unknown"}
    assert {failure["cause"] for failure in failures} <= causes
    if "self_test" in {failure["cause"] for failure in failures}:
        assert all("; seen: connect_" in failure["reply"] for failure in failures if failure["cause"] == "self_test")
        assert passed(daemon)["gateway"] is False
    mend(wire)
    wait_until(lambda: last(daemon, BY_ADDRESS)["outcome"] == "up", "the server to be reached again", seconds=30)
    wait_until_up(daemon)
    assert outages(daemon) == []


def test_the_server_cut_off_is_down_while_the_canaries_pass(wire: Wire, daemon: Daemon) -> None:
    wire.cut_server()
    failures = outcomes(daemon, BY_ADDRESS, 4)
    assert {(failure["outcome"], failure["cause"]) for failure in failures} == {("down", "connect_timeout")}
    wait_until(lambda: set(states(daemon).values()) == {"down"}, "the outage", seconds=30)
    assert passed(daemon) == {"resolver": True, "gateway": True}
    wire.mend_server()
    wait_until_up(daemon)
    [outage] = outages(daemon)
    assert outage["cause"] == "connect_timeout"
    assert sorted(outage["targets"]) == [BY_ADDRESS, BY_NAME]


def test_the_resolver_cut_off_is_unknown_where_a_name_is_needed_and_nothing_elsewhere(
    wire: Wire, daemon: Daemon
) -> None:
    wire.cut_resolver()
    failures = outcomes(daemon, BY_NAME, 4)
    assert {(failure["outcome"], failure["cause"]) for failure in failures} == {("unknown", "resolver")}
    assert last(daemon, BY_ADDRESS)["outcome"] == "up"
    wire.mend_resolver()
    wait_until(lambda: last(daemon, BY_NAME)["outcome"] == "up", "the name to be found again", seconds=30)
    assert outages(daemon) == []


def test_a_server_that_fails_while_the_resolver_is_cut_off_is_not_blamed(wire: Wire, daemon: Daemon) -> None:
    wire.cut_resolver()
    outcomes(daemon, BY_NAME, 1)
    wire.cut_server()
    failures = outcomes(daemon, BY_ADDRESS, 4)
    assert {(failure["outcome"], failure["cause"]) for failure in failures} == {("unknown", "self_test")}
    assert failures[-1]["reply"].startswith("resolver: no answer from 10.77.2.53; seen: connect_timeout")
