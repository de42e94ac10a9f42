"""Two network namespaces joined by a wire: the monitor's, and one that is its gateway and has the servers behind it.

Cutting is done with addresses and links alone. What is cut on the far side drops without a word.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.unproven import unproven

GATEWAY, MONITOR, SERVER, RESOLVER = "10.77.0.1", "10.77.0.2", "10.77.1.1", "10.77.2.53"
FAR_SIDE = Path(__file__).with_name("far_side.py")
_ENTER = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'


class Wire:
    """The namespaces and what runs in the far one, from `__enter__` to `__exit__`."""

    def __init__(self, directory: Path) -> None:
        self._near, self._far = (f"mailuptime-{side}-{os.getpid()}" for side in ("near", "far"))
        self._resolv = directory / "resolv.conf"
        self._servers: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        if os.geteuid() != 0 or shutil.which("ip") is None:
            unproven("network namespaces need root and iproute2")
        self._resolv.write_text(f"nameserver {RESOLVER}\noptions timeout:1 attempts:1\n")
        try:
            self._join()
        except subprocess.CalledProcessError as error:
            self._remove()
            unproven(f"this machine gives no network namespaces: {error.stderr.strip()}")
        self._servers = subprocess.Popen(
            ["ip", "netns", "exec", self._far, sys.executable, str(FAR_SIDE), SERVER, RESOLVER],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._servers.stdout is not None
        assert self._servers.stdout.readline() == "ready\n"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._servers is not None:
            self._servers.kill()
            self._servers.communicate()
        self._remove()

    @property
    def within(self) -> list[str]:
        """The command that runs another one on the monitor's side, with the resolver there."""
        return ["ip", "netns", "exec", self._near, "sh", "-c", _ENTER, "sh", str(self._resolv)]

    def cut_uplink(self) -> None:
        self._ip(self._far, "link set wire down")

    def mend_uplink(self) -> None:
        self._ip(self._far, "link set wire up")

    def cut_own_link(self) -> None:
        self._ip(self._near, "link set wire down")

    def mend_own_link(self) -> None:
        self._ip(self._near, "link set wire up")
        self._ip(self._near, f"route add default via {GATEWAY}")

    def cut_server(self) -> None:
        self._ip(self._far, f"addr del {SERVER}/32 dev lo")

    def mend_server(self) -> None:
        self._ip(self._far, f"addr add {SERVER}/32 dev lo")

    def cut_resolver(self) -> None:
        self._ip(self._far, f"addr del {RESOLVER}/32 dev lo")

    def mend_resolver(self) -> None:
        self._ip(self._far, f"addr add {RESOLVER}/32 dev lo")

    def cut_gateway(self) -> None:
        self._ip(self._far, f"addr del {GATEWAY}/24 dev wire")
        self._ip(self._near, "neigh flush all")

    def mend_gateway(self) -> None:
        self._ip(self._far, f"addr add {GATEWAY}/24 dev wire")

    def _join(self) -> None:
        for namespace in (self._near, self._far):
            _run("ip", "netns", "add", namespace)
            self._ip(namespace, "link set lo up")
        self._ip(self._near, f"link add wire type veth peer name wire netns {self._far}")
        for namespace, address in ((self._near, MONITOR), (self._far, GATEWAY)):
            self._ip(namespace, f"addr add {address}/24 dev wire")
            self._ip(namespace, "link set wire up")
        self._ip(self._near, f"route add default via {GATEWAY}")
        self.mend_server()
        self.mend_resolver()

    def _remove(self) -> None:
        for namespace in (self._near, self._far):
            subprocess.run(["ip", "netns", "del", namespace], capture_output=True, check=False)

    @staticmethod
    def _ip(namespace: str, command: str) -> None:
        _run("ip", "-n", namespace, *command.split())


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
