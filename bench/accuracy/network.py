"""What goes wrong on the way: packets of one port dropped, or led to a server with another certificate (nftables).

All of it stands in one table of its own, which goes with `table`. It needs root.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from tests.lab import Lab
from tests.lab.processes import Change

_TABLE = f"inet mailuptime_accuracy_{os.getpid()}"


@cache
def available() -> bool:
    """Whether a table can be made here."""
    tried = f"{_TABLE}_tried"
    try:
        return os.geteuid() == 0 and not _run(f"add table {tried}; delete table {tried}").returncode
    except OSError:
        return False


@contextmanager
def table() -> Iterator[None]:
    if not available():
        yield
        return
    _demand(f"add table {_TABLE}")
    _demand(f"add chain {_TABLE} arriving {{ type filter hook input priority 0; }}")
    _demand(f"add chain {_TABLE} leaving {{ type nat hook output priority -100; }}")
    try:
        yield
    finally:
        _demand(f"delete table {_TABLE}")


def cut_off(lab: Lab) -> Change:
    """What is sent to the IMAP port is lost."""
    return _ruled("arriving", f"ip daddr {lab.host} tcp dport {lab.ports.imaps} drop")


def lead_astray(lab: Lab) -> Change:
    """Whoever connects to the IMAP port reaches a server whose certificate has expired."""
    rule = f"ip daddr {lab.host} tcp dport {lab.ports.imaps} redirect to :{lab.ports.imaps_expired}"
    return _ruled("leaving", rule)


def mend(lab: Lab) -> Change:
    """Take away what was done to the lab's ports."""
    before = time.time()
    for chain in ("arriving", "leaving"):
        for handle in _handles(chain, lab.ports.imaps):
            _demand(f"delete rule {_TABLE} {chain} handle {handle}")
    return Change(before, time.time())


def _ruled(chain: str, rule: str) -> Change:
    before = time.time()
    _demand(f"add rule {_TABLE} {chain} {rule}")
    return Change(before, time.time())


def _handles(chain: str, port: int) -> list[str]:
    listed = _run(f"list chain {_TABLE} {chain}", "--handle").stdout.splitlines()
    return [line.rpartition(" handle ")[2] for line in listed if f"dport {port} " in line]


def _demand(command: str) -> None:
    done = _run(command)
    if done.returncode:
        raise RuntimeError(f"nft {command}: {done.stderr.strip()}")


def _run(command: str, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["nft", *options, command], capture_output=True, text=True, check=False)
