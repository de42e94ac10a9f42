"""Proves what a check says of packets lost, dropped and refused: nftables in a namespace with real servers in it."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from monitor.core.check import Outcome
from probes.errors import Cause
from tests.lab import Lab
from tests.probes.conftest import Run
from tests.probes.leaks import nothing_left
from tests.probes.test_hostile_real import seen
from tests.probes.test_real_servers import credential, reach
from tests.unproven import unproven

CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)
_CHAIN = "add table ip faults; add chain ip faults in {{ type filter hook input priority 0; }}; {rules}"


def _checked(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@pytest.fixture
def namespace() -> Iterator[None]:
    """A network of its own for this thread and the processes that it starts."""
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin"):
        unproven("a packet filter needs root, iproute2 and nftables")
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        _checked(_LIBC.unshare(CLONE_NEWNET))
    except OSError as error:
        os.close(home)
        unproven(f"this machine gives no network namespaces: {error.strerror}")
    try:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        yield
    finally:
        _checked(_LIBC.setns(home, CLONE_NEWNET))
        os.close(home)


@pytest.fixture
def cut_off_lab(namespace: None, tmp_path: Path) -> Iterator[Lab]:
    with Lab(tmp_path / "lab") as lab:
        yield lab


class Row(NamedTuple):
    """`rule`: nftables' own words, of which PORT is the server's. `hangs`: the deadline passes in that phase."""

    rule: str
    cause: Cause | None
    phase: str | None
    hangs: bool = False


TO, FROM = "tcp dport PORT", "tcp sport PORT"
TABLE = {
    "dropped": Row(f"{TO} drop", Cause.CONNECT_TIMEOUT, "connect", hangs=True),
    "reset": Row(f"{TO} reject with tcp reset", Cause.CONNECT_REFUSED, "connect"),
    "port unreachable": Row(f"{TO} reject with icmp type port-unreachable", Cause.CONNECT_REFUSED, "connect"),
    "host unreachable": Row(f"{TO} reject with icmp type host-unreachable", Cause.CONNECT_UNREACHABLE, "connect"),
    "prohibited": Row(f"{TO} reject with icmp type admin-prohibited", Cause.CONNECT_UNREACHABLE, "connect"),
    "answers dropped": Row(f"{FROM} drop", Cause.CONNECT_TIMEOUT, "connect", hangs=True),
    "words dropped": Row(f"{FROM} tcp flags & psh != 0 drop", Cause.TIMEOUT, "tls", hangs=True),
    "reset at the first word": Row(f"{TO} tcp flags & psh != 0 reject with tcp reset", Cause.DISCONNECTED, "tls"),
    "large packets dropped": Row(f"{FROM} meta length gt 500 drop", Cause.TIMEOUT, "tls", hangs=True),
    "every seventh packet lost": Row(f"{FROM} numgen inc mod 7 0 drop", None, None),
}
WAYS = ["imap", "pop3", "submission", "webmail"]


def apply(rule: str, port: int) -> None:
    rules = f"add rule ip faults in {rule.replace('PORT', str(port))}"
    subprocess.run(["/usr/sbin/nft", _CHAIN.format(rules=rules)], check=True)


def clear() -> None:
    subprocess.run(["/usr/sbin/nft", "delete table ip faults"], check=True)


@pytest.mark.parametrize("kind", WAYS)
async def test_what_a_packet_filter_does_is_named(kind: str, cut_off_lab: Lab, run: Run) -> None:
    way = reach(cut_off_lab, kind, "implicit") | {"login": credential(cut_off_lab)}
    port = cut_off_lab.ports.https if kind == "webmail" else way["port"]
    assert (await run(kind, way)).failure is None
    for name, row in TABLE.items():
        apply(row.rule, port)
        async with nothing_left():
            result = await run(kind, way, expire=row.phase if row.hangs else None)
        clear()
        outcome = Outcome.UP if row.cause is None else Outcome.DOWN
        assert seen(result) == (row.cause, row.phase, outcome), name
