"""Proves how a probe finds a way: every address, both families, staggered attempts, and nothing left of the losers."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from probes import net
from probes.base import Evidence
from probes.errors import Cause, ProbeFailureError
from tests.probes.conftest import Run
from tests.probes.leaks import nothing_left
from tests.probes.scripted import serving
from tests.probes.test_pop3 import POLITE
from tests.shell import virtual

Found = tuple[socket.AddressFamily, str, int]
V4, V6 = socket.AF_INET, socket.AF_INET6


def knowing(monkeypatch: pytest.MonkeyPatch, *found: Found) -> None:
    """A resolver that knows one name, in this order, and respects the family that is asked for."""

    def lookup(*_: Any, family: int = 0, flags: int = 0, **__: Any) -> Any:
        wanted = [one for one in found if family in (socket.AF_UNSPEC, one[0])]
        if flags or not wanted:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(kind, socket.SOCK_STREAM, 6, "", (host, port)) for kind, host, port in wanted]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)


@contextmanager
def black_hole() -> Iterator[int]:
    """A port that answers nothing: the queue of connections that nobody accepts is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port: int = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            yield port


async def test_a_black_hole_in_front_costs_a_moment_and_leaves_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(POLITE.but()) as script:
        with black_hole() as nowhere:
            knowing(monkeypatch, (V4, "127.0.0.1", nowhere), (V4, "127.0.0.1", script.port))
            async with nothing_left():
                result = await run("pop3", {"host": "mail.example.org", "tls": "none"})
    assert result.failure is None
    assert result.phases[:3] == ["dns", "connect", "greeting"]
    assert result.steps.evidence.addresses == ("127.0.0.1", "127.0.0.1")


async def test_nothing_but_black_holes_is_left_to_the_deadline_and_leaves_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with black_hole() as one, black_hole() as other:
        knowing(monkeypatch, (V4, "127.0.0.1", one), (V4, "127.0.0.1", other))
        async with nothing_left():
            result = await run("pop3", {"host": "mail.example.org", "tls": "none"}, expire="connect")
    assert result.timed_out
    assert result.steps.failed == "connect"


@pytest.mark.parametrize(("family", "used"), [("any", "::1"), ("ipv6", "::1"), ("ipv4", "127.0.0.1")])
async def test_all_addresses_are_evidence_and_the_one_that_was_used(
    family: str, used: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = POLITE.but()
    async with serving(script), await asyncio.start_server(script.serve, "::1", 0) as six:
        knowing(monkeypatch, (V6, "::1", six.sockets[0].getsockname()[1]), (V4, "127.0.0.1", script.port))
        options = {"host": "mail.example.org", "tls": "none", "address_family": family}
        result = await run("pop3", options)
    assert result.failure is None
    assert result.steps.evidence.address == used
    assert set(result.steps.evidence.addresses) == ({"::1", "127.0.0.1"} if family == "any" else {used})


async def test_a_family_that_the_name_has_not_is_a_failure_of_dns(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    knowing(monkeypatch, (V4, "127.0.0.1", 110))
    result = await run("pop3", {"host": "mail.example.org", "address_family": "ipv6"})
    assert (result.cause, result.steps.failed) == (Cause.DNS, "dns")


async def test_an_address_refused_in_one_family_is_served_in_the_other(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(POLITE.but()) as script:
        knowing(monkeypatch, (V6, "::1", script.port), (V4, "127.0.0.1", script.port))  # nobody listens on ::1
        result = await run("pop3", {"host": "mail.example.org", "tls": "none"})
    assert result.failure is None
    assert result.steps.evidence.address == "127.0.0.1"


async def test_families_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [(V6, f"2001:db8::{n}", 110) for n in range(1, 4)] + [(V4, "192.0.2.1", 110), (V4, "192.0.2.2", 110)]
    knowing(monkeypatch, *listed)
    found = [address[0] for _, address in await net.resolve("mail.example.org", 110)]
    assert found == ["2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2", "2001:db8::3"]


ADDRESSES: list[net.Address] = [(V4, (f"192.0.2.{n}", 110)) for n in range(1, 5)]


def attempts(monkeypatch: pytest.MonkeyPatch, **endings: tuple[float, str]) -> list[tuple[str, int]]:
    """Play attempts on virtual time: each address ends after some seconds, well or refused. When each began, in ms."""
    begun: list[tuple[str, int]] = []

    async def scenario(clock: virtual.VirtualClock) -> None:
        async def attempt(_: Any, address: tuple[str | int, ...]) -> socket.socket:
            name = str(address[0]).rpartition(".")[2]
            begun.append((name, clock.elapsed() // 1000))
            seconds, end = endings[f"n{name}"]
            await asyncio.sleep(seconds)
            if end == "refused":
                raise ProbeFailureError(Cause.CONNECT_REFUSED, "")
            return socket.socket()

        monkeypatch.setattr(net, "_connect", attempt)
        evidence = Evidence()
        (await net.connect(ADDRESSES[: len(endings)], evidence)).close()
        begun.append((f"won: {evidence.address}", clock.elapsed() // 1000))
        assert len(asyncio.all_tasks()) == 1

    virtual.run(scenario)
    return begun


def test_the_next_address_is_tried_after_250_ms_beside_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = attempts(monkeypatch, n1=(100.0, "well"), n2=(100.0, "well"), n3=(0.1, "well"), n4=(0.1, "well"))
    assert begun == [("1", 0), ("2", 250), ("3", 500), ("won: 192.0.2.3", 600)]


def test_the_next_address_is_tried_at_once_where_one_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = attempts(monkeypatch, n1=(0.01, "refused"), n2=(0.01, "refused"), n3=(0.1, "well"))
    assert begun == [("1", 0), ("2", 10), ("3", 20), ("won: 192.0.2.3", 120)]


def test_the_first_address_wins_though_it_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = attempts(monkeypatch, n1=(0.3, "well"), n2=(100.0, "well"))
    assert begun == [("1", 0), ("2", 250), ("won: 192.0.2.1", 300)]


def test_two_that_come_about_at_once_leave_one(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = attempts(monkeypatch, n1=(0.5, "well"), n2=(0.25, "well"))
    assert begun[:2] == [("1", 0), ("2", 250)]
    assert begun[2][1] == 500
