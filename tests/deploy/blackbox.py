"""Decides how Debian's blackbox_exporter runs for a test, and what it and ours are both asked about."""

import http.client
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.lab import Lab
from tests.lab.ports import HOST
from tests.lab.processes import Daemon, Keeper

EXECUTABLE = "/usr/bin/prometheus-blackbox-exporter"
_LISTENING = re.compile(rf'msg="Listening on" address={re.escape(HOST)}:(\d+)')
_IMAP = {"expect": "^\\* OK"}
_POP3 = {"expect": "^\\+OK"}
_SMTP = {"expect": "^220 ([^ ]+) ESMTP (.+)$"}


def modules_of(lab: Lab) -> dict[str, Any]:
    """blackbox_exporter's modules by the names that both know: its example's dialogues, with the lab's authority."""

    def tcp(*dialogue: dict[str, Any], tls: bool = False) -> dict[str, Any]:
        trusted = {"ca_file": str(lab.ca_file)}
        return {"prober": "tcp", "tcp": {"query_response": list(dialogue), "tls": tls, "tls_config": trusted}}

    upgrade: list[dict[str, Any]] = [{"expect": "^220"}, {"starttls": True}]
    ehlo = {"send": "EHLO prober\r"}
    return {
        "tcp_connect": tcp(),
        "tls_connect": tcp(tls=True),
        "smtp_banner": tcp(_SMTP),
        "imap_banner": tcp(_IMAP),
        "imaps_banner": tcp(_IMAP, tls=True),
        "pop3s_banner": tcp(_POP3, tls=True),
        "smtp_starttls": tcp(
            _SMTP, ehlo, {"expect": "^250-STARTTLS"}, {"send": "STARTTLS\r"}, *upgrade, ehlo, {"expect": "^250-AUTH"}
        ),
        "imap_starttls": tcp(
            {"expect": "OK.*STARTTLS"}, {"send": ". STARTTLS"}, {"expect": "OK"}, {"starttls": True},
            {"send": ". capability"}, {"expect": "CAPABILITY IMAP4rev1"},
        ),
    }  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """A request that both exporters get, and what both should say."""

    module: str
    port: int
    success: float

    @property
    def target(self) -> str:
        return f"{HOST}:{self.port}"


@contextmanager
def scenes(lab: Lab) -> Iterator[dict[str, Scene]]:
    """Healthy servers and broken ones."""
    ports = lab.ports
    with ExitStack() as stack:
        refused = stack.enter_context(socket.socket())
        refused.bind((HOST, 0))
        closed = refused.getsockname()[1]
        silent = stack.enter_context(socket.create_server((HOST, 0))).getsockname()[1]
        bare = stack.enter_context(serving(_talk))
        hanging_up = stack.enter_context(serving(socket.socket.close))
        yield {
            "connect": Scene("tcp_connect", ports.smtp, 1),
            "connect by tls": Scene("tls_connect", ports.imaps, 1),
            "smtp": Scene("smtp_banner", ports.smtp, 1),
            "smtp starttls": Scene("smtp_starttls", ports.submission, 1),
            "no log-in": Scene("smtp_starttls", ports.smtp, 0),
            "imap": Scene("imap_banner", ports.imap, 1),
            "imap starttls": Scene("imap_starttls", ports.imap, 1),
            "imaps": Scene("imaps_banner", ports.imaps, 1),
            "pop3s": Scene("pop3s_banner", ports.pop3s, 1),
            "refused": Scene("tcp_connect", closed, 0),
            "refused imaps": Scene("imaps_banner", closed, 0),
            "hanging": Scene("smtp_banner", silent, 0),
            "hanging tls": Scene("imaps_banner", silent, 0),
            "hanging, yet connected": Scene("tcp_connect", silent, 1),
            "expired": Scene("imaps_banner", ports.imaps_expired, 0),
            "wrong name": Scene("imaps_banner", ports.imaps_wrong_name, 0),
            "untrusted": Scene("imaps_banner", ports.imaps_untrusted, 0),
            "no starttls": Scene("smtp_starttls", bare, 0),
            "another banner": Scene("pop3s_banner", ports.imaps, 0),
            "hanging up": Scene("smtp_banner", hanging_up, 0),
            "no tls at all": Scene("imaps_banner", ports.imap, 0),
        }


@contextmanager
def serving(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port where every connection is talked with in a thread of its own."""

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    with socket.create_server((HOST, 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        port: int = server.getsockname()[1]
        yield port


def _talk(connection: socket.socket) -> None:
    """SMTP without any extension to offer."""
    with connection, connection.makefile("rwb") as lines:
        try:
            lines.write(b"220 bare.example ESMTP there\r\n")
            lines.flush()
            for line in lines:
                lines.write(b"221 bye\r\n" if line.upper().startswith(b"QUIT") else b"250 bare.example\r\n")
                lines.flush()
        except OSError:
            return


class Blackbox:
    """Ready when the constructor returns; `stop` returns when no process of it is left."""

    def __init__(self, configuration: Path, directory: Path, keeper: Keeper) -> None:
        log = directory / "blackbox.log"
        command = [EXECUTABLE, f"--config.file={configuration}", f"--web.listen-address={HOST}:0"]
        self._daemon = Daemon("blackbox_exporter", command, log=log, keeper=keeper)
        self._daemon.start()
        try:
            self._daemon.wait_until(lambda: _LISTENING.search(log.read_text()) is not None, "a port")
        except BaseException:
            self.stop()
            raise
        found = _LISTENING.search(log.read_text())
        assert found is not None
        self.address = f"{HOST}:{found[1]}"

    def stop(self) -> None:
        self._daemon.terminate()
        self._daemon.settle()


def asked(address: str, seconds: float | str | None = None, **parameters: str) -> tuple[int, str, str]:
    """Status, content type and body of `/probe`; `seconds` is what Prometheus would give it."""
    connection = http.client.HTTPConnection(address, timeout=30)
    headers = {} if seconds is None else {"X-Prometheus-Scrape-Timeout-Seconds": str(seconds)}
    try:
        connection.request("GET", "/probe?" + urlencode(parameters), headers=headers)
        response = connection.getresponse()
        return response.status, response.headers["Content-Type"], response.read().decode()
    finally:
        connection.close()
