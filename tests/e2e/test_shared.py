"""One server that many agencies stand on: checked once, and an outage of each of them."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.commands import mailuptime
from tests.e2e.test_reload import reload
from tests.lab import wait_until
from tests.lab.configuration import free_port
from tests.lab.daemon import Daemon, states

AGENCIES = ("one", "two")
SHARED = "cluster/smtp"


@contextmanager
def listening(port: int) -> Iterator[None]:
    """Whoever connects is connected: by the kernel, nobody accepts."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen(1000)
        yield


def configuration(directory: Path, web: int, shared: int, own: int, *, used_by_two: str = SHARED) -> Path:
    (directory / "agencies.csv").write_text(f"agency,smtp,accounts\none,{SHARED},1000\ntwo,{used_by_two},3000\n")
    path = directory / "mailuptime.yaml"
    path.write_text(
        f"""\
ledger: {{path: ledger.db}}
control: {{socket: control.sock}}
web: {{listen: "127.0.0.1:{web}"}}
defaults: {{interval: 1s, timeout: 500ms, confirm: {{interval: 100ms}}, recover: {{interval: 200ms}}, pulse: off}}
services:
  - name: cluster
    targets:
      - {{name: smtp, type: tcp, host: 127.0.0.1, port: {shared}}}
      - {{name: relay, type: tcp, host: 127.0.0.1, port: {own}}}
fleets:
  - from: agencies.csv
    template:
      name: "{{agency}}"
      accounts: "{{accounts}}"
      targets: [{{use: "{{smtp}}"}}, {{name: imap, type: tcp, host: 127.0.0.1, port: {own}}}]
    rollups: [{{name: agencies}}]
"""
    )
    return path


@pytest.fixture
def ports() -> tuple[int, int, int]:
    return free_port(), free_port(), free_port()


def test_an_outage_of_a_shared_target_is_one_of_every_service_that_uses_it(
    tmp_path: Path, ports: tuple[int, int, int]
) -> None:
    web, shared, own = ports
    path = configuration(tmp_path, web, shared, own)
    with listening(own), Daemon(path, web) as daemon:
        with listening(shared):
            wait_until(lambda: set(states(daemon).values()) == {"up"}, "every target to be up")
            assert sorted(states(daemon)) == ["cluster/relay", SHARED, "one/imap", "two/imap"]
        wait_until(lambda: states(daemon)[SHARED] == "down", "the shared target to be down")
        with listening(shared):
            wait_until(lambda: states(daemon)[SHARED] == "up", "it to be up again")
            metrics = daemon.get("/metrics")[1]
            assert metrics.count("\nmailuptime_probe_success{") == 4
            assert 'mailuptime_service_state{sla_service="one",state="up"} 1.0' in metrics
            first = {one["service"]: one for one in daemon.ask("outages")["outages"]}
            assert {one["start"] for one in first.values()} == {first["cluster"]["start"]}
            assert list(first) == ["cluster", *AGENCIES, "agencies"]
            assert [one["targets"] for one in first.values()] == [[SHARED]] * 4
            evidence = mailuptime("outages", "-c", path, "--evidence", first["two"]["id"], "--format", "json").document
            (part,) = evidence["outages"][0]["evidence"]
            assert (part["target"], part["first"][0]["cause"]) == (SHARED, "connect_refused")

            configuration(tmp_path, web, shared, own, used_by_two="cluster/relay")
            reload(daemon)
            wait_until(lambda: "configuration.reloaded" in daemon.log.read_text(), "the new rules")
        wait_until(lambda: states(daemon)[SHARED] == "down", "a second outage")
        wait_until(lambda: len(daemon.ask("outages")["outages"]) == 7, "it in all services but one")
        assert [one["service"] for one in daemon.ask("outages")["outages"]].count("two") == 1
        checks = mailuptime("export", "checks", "-c", path, "--month", daemon.ask("sla")["month"])
        assert checks.out.count("one/imap") > 3
        assert "one/smtp" not in checks.out
    assert mailuptime("verify", "-c", path).status == 0  # by the rules of each time, restored from the ledger
    resting = mailuptime("sla", "-c", path, "--format", "json").document
    two, everything = (one for one in resting["services"] if one["service"] in {"two", "agencies"})
    assert len(two["outages"]) == 1
    assert len(everything["outages"]) == 2
    of = {one["service"]: one["downtime_seconds"] for one in resting["services"]}
    lost = (1000 * of["one"] + 3000 * of["two"]) / 4000
    assert everything["availability_weighted_percent"] == pytest.approx(100 - 100 * lost / everything["total_seconds"])
    assert everything["availability_weighted_percent"] > everything["availability_percent"]
