"""What canaries see, where no network has to be cut for it (that is `tests/e2e/test_cuts.py`)."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.canaries import Connection, Gateway, canaries
from monitor.clock import SystemClock
from monitor.settings.fields import Address, SelfTest

HEADING = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
LOOPBACK = "0100007F"  # 127.0.0.1 as the kernel writes it on this byte order
NOBODY = "FFFFFFFF"  # 255.255.255.255, which nobody can connect to
NO_IPV6 = "00000000000000000000000000000000 00 " + "0" * 32 + " 00 " + "0" * 32 + " ffffffff 1 0 00200200 lo\n"


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "route").write_text(HEADING)
    (tmp_path / "ipv6_route").write_text(NO_IPV6)
    (tmp_path / "arp").write_text("IP address HW type Flags HW address Mask Device\n")
    return tmp_path


def route(proc: Path, gateway: str, flags: str = "0003", metric: int = 0, destination: str = "00000000") -> None:
    with (proc / "route").open("a") as file:
        file.write(f"eth0 {destination} {gateway} {flags} 0 0 {metric} {destination} 0 0 0\n")


def neighbour(proc: Path, flags: str) -> None:
    with (proc / "arp").open("a") as file:
        file.write(f"255.255.255.255 0x1 {flags} 02:fc:00:00:00:05 * eth0\n")


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


async def test_without_a_default_route_the_gateway_fails(proc: Path) -> None:
    route(proc, NOBODY, destination="000200C0")
    route(proc, NOBODY, flags="0203")  # an unreachable route
    assert await Gateway(SystemClock(), proc)() == "no default route"


async def test_a_gateway_that_answers_anything_is_there(proc: Path) -> None:
    route(proc, NOBODY, metric=200)
    route(proc, LOOPBACK, metric=100)  # the one that the kernel prefers; it refuses
    assert await Gateway(SystemClock(), proc)() is None


async def test_of_a_gateway_that_never_answers_the_arp_table_decides(
    proc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.canaries.LIMIT", 0.05)
    route(proc, NOBODY)
    gateway = Gateway(SystemClock(), proc)
    assert await gateway() is None  # a link without ARP
    neighbour(proc, "0x0")
    assert await gateway() == "255.255.255.255 is not there"
    (proc / "arp").write_text("heading\n")
    neighbour(proc, "0x2")
    assert await gateway() is None


async def test_a_default_route_over_a_link_without_a_next_hop_passes(proc: Path) -> None:
    route(proc, "00000000", flags="0001")
    assert await Gateway(SystemClock(), proc)() is None


async def test_a_connection_passes_where_somebody_listens_and_says_why_not_elsewhere(listening: socket.socket) -> None:
    port = listening.getsockname()[1]
    assert await Connection(Address("127.0.0.1", port))() is None
    listening.close()
    assert await Connection(Address("127.0.0.1", port))() == "connect_refused: Connection refused"


async def test_what_the_configuration_names_is_what_is_run(listening: socket.socket) -> None:
    name = f"tcp://127.0.0.1:{listening.getsockname()[1]}"
    tests = [SelfTest("resolver"), SelfTest("gateway"), SelfTest(name, Address(*listening.getsockname()))]
    made = canaries(SystemClock(), tests)
    assert list(made) == ["resolver", "gateway", name]
    assert await made[name]() is None
