"""The status page of a running daemon: a real outage as customers see it, and a process that is replaced."""

import http.client
import json
import os
import re
import signal
import socket
import ssl
from base64 import b64encode
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.commands import mailuptime
from tests.e2e.outage import break_dovecot, mend_dovecot, wait_until_up
from tests.e2e.written import smtp, written
from tests.lab import Lab, wait_until
from tests.lab.configuration import configuration, free_port
from tests.lab.daemon import Daemon
from tests.web.place import ALICE, Place


class Page:
    """What a customer reads; of a page that is not there it is nothing."""

    def __init__(self, port: int) -> None:
        self._port = port

    def __call__(self, path: str) -> str:
        """The words of a page."""
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self._get(path))).replace("\u00a0", " ").split())

    def json(self, path: str) -> Any:
        return json.loads(self._get(path))

    def _get(self, path: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request("GET", f"/{path}")
            return connection.getresponse().read().decode()
        except (OSError, http.client.HTTPException):
            return ""
        finally:
            connection.close()


def section(port: int, more: str = "") -> str:
    return f'status: {{listen: "127.0.0.1:{port}"{more}}}\n'


@pytest.fixture
def page() -> Page:
    return Page(free_port())


def test_dovecot_stops_and_starts_and_the_page_says_so(lab: Lab, place: Path, page: Page) -> None:
    port = free_port()
    with Daemon(configuration(lab, place, port, section(page._port)), port) as daemon:
        wait_until_up(daemon)
        wait_until(lambda: "The service is available" in page("en/"), "the page to say that all is well")
        break_dovecot(lab, daemon)
        wait_until(lambda: "The service is not available" in page("en/"), "the page to say that it is not")
        wait_until(lambda: "Reading mail (IMAP)" in page("en/"), "what failed")
        assert "ไม่สามารถใช้งานบริการได้" in page("th/")
        assert "still going on" in page("en/history")
        mend_dovecot(lab, daemon)
        wait_until(lambda: "The service is available" in page("en/"), "the page to say that it is again")
        wait_until(lambda: "still going on" not in page("en/history"), "the outage to end in the history")
        (told,) = page.json("services/lab.json")["outages"]
        (known,) = daemon.ask("outages")["outages"]
        assert {key: told[key] for key in ("id", "start", "end", "seconds", "cause")} == {
            key: known[key] for key in ("id", "start", "end", "seconds", "cause")
        }
        head = page.json("status.json")["head"]
    done = mailuptime("verify", "-c", str(place / "mailuptime.yaml"), "--head", head)
    assert done.status == 0, done


def test_the_pages_process_is_killed_and_another_one_shows_the_same(place: Path, page: Page) -> None:
    port = free_port()
    file = with_page(place, page._port, port)
    with Daemon(file, port) as daemon:
        wait_until(lambda: "The service is not available" in page("en/"), "the page")
        (first,) = readers(daemon.pid)
        first.send(signal.SIGKILL)
        wait_until(lambda: readers(daemon.pid) not in ([], [first]), "another process")
        wait_until(lambda: "The service is not available" in page("en/"), "the page of the other process")
        (last,) = readers(daemon.pid)
        assert set(last.environment) <= {"LANG", "LC_ALL", "PATH", "PYTHONPATH", "TZ", "LC_CTYPE"}
        assert "status_page.ended" in daemon.log.read_text()
    wait_until(lambda: not last.lives, "no process to be left when the daemon has ended")


def test_who_scans_the_port_learns_nothing_and_fills_no_log(place: Path, page: Page) -> None:
    port = free_port()
    with Daemon(with_page(place, page._port, port), port) as daemon:
        wait_until(lambda: "The service is not available" in page("en/"), "the page")
        before = daemon.log.read_text()
        for scan in (b"\x16\x03\x01\x02\x00", b"GARBAGE\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", page._port), 10) as connection:
                connection.sendall(scan)
                connection.shutdown(socket.SHUT_WR)
                answer = b"".join(iter(lambda: connection.recv(4096), b""))
            assert not re.search(rb"Python|aiohttp|Traceback", answer), answer
        assert "The service is not available" in page("en/")
        logged = [json.loads(line) for line in daemon.log.read_text()[len(before) :].splitlines()]
        of_the_outage = ("check.", "incident.", "outage.", "state.", "target.")
        assert [line for line in logged if "target" not in line and not line["event"].startswith(of_the_outage)] == []


def test_a_page_over_tls_is_for_its_users_and_takes_up_a_new_certificate(place: Path, page: Page) -> None:
    port, secured = free_port(), Place(place)
    secured.web(tls_server_config=secured.tls, basic_auth_users=secured.users)
    context = ssl.create_default_context(cafile=str(secured.ca_file))

    def seen(user: tuple[str, str] | None) -> tuple[int, str]:
        """The status of the answer, and the serial number of the certificate."""
        connection = http.client.HTTPSConnection("127.0.0.1", page._port, timeout=10, context=context)
        headers = {} if user is None else {"Authorization": f"Basic {b64encode(':'.join(user).encode()).decode()}"}
        try:
            connection.request("GET", "/en/", headers=headers)
            certificate: Any = connection.sock.getpeercert()
            return connection.getresponse().status, str(certificate["serialNumber"]).lstrip("0")
        except OSError:
            return 0, ""
        finally:
            connection.close()

    with Daemon(with_page(place, page._port, port, config_file="web.yml"), port):
        wait_until(lambda: seen(ALICE)[0] == 200, "the page")
        assert seen(None)[0] == 401
        assert seen(("alice", "wrong"))[0] == 401
        serial = secured.renew()
        wait_until(lambda: seen(ALICE) == (200, serial), "the new certificate")
        secured._write("web.yml", b"tls_server_config: {}\n")
        done = mailuptime("reload", "-c", str(place / "mailuptime.yaml"))
        assert done.status == 78
        assert seen(ALICE)[0] == 200


def test_a_reload_changes_what_is_shown_and_a_bad_one_nothing(place: Path, page: Page) -> None:
    port = free_port()
    file = with_page(place, page._port, port)
    with Daemon(file, port):
        wait_until(lambda: "Mail service status" in page("en/"), "the page")
        with_page(place, page._port, port, title={"en": "Post"}, details=True)
        assert mailuptime("reload", "-c", str(file)).status == 0
        wait_until(lambda: page("en/services/mail").startswith("mail – Post"), "the new title")
        wait_until(lambda: "mail/smtp" in page("en/services/mail"), "details")
        with_page(place, page._port, port, hide=["mial"])
        refused = mailuptime("reload", "-c", str(file))
        assert refused.status == 78
        assert 'there is no service "mial"; did you mean "mail"?' in refused.err
        moved = with_page(place, free_port(), port)
        said = mailuptime("reload", "-c", str(moved))
        assert "status.listen stays" in said.out + said.err
        assert "The service is not available" in page("en/")


def test_a_port_that_is_taken_is_one_line(place: Path) -> None:
    port = free_port()
    done = mailuptime("run", "-c", str(with_page(place, port, port)))
    assert (done.status, done.err) == (69, f"status.listen 127.0.0.1:{port}: Address already in use\n")


def with_page(place: Path, page: int, port: int, **status: Any) -> Path:
    """A daemon whose only target nobody answers for."""
    file = written(place, smtp(free_port(), interval="1s", timeout="500ms", confirm={"interval": "100ms"}), port=port)
    document = json.loads(file.read_text()) | {"status": {"listen": f"127.0.0.1:{page}", **status}}
    file.write_text(json.dumps(document))
    return file


class Reader:
    """The process that shows the page."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reader) and other._pid == self._pid

    def __hash__(self) -> int:
        return self._pid

    def send(self, number: signal.Signals) -> None:
        os.kill(self._pid, number)

    @property
    def lives(self) -> bool:
        return Path(f"/proc/{self._pid}/cmdline").exists()

    @property
    def environment(self) -> dict[str, str]:
        entries = Path(f"/proc/{self._pid}/environ").read_text().split("\0")
        return dict(entry.split("=", 1) for entry in entries if entry)


def readers(daemon: int) -> list[Reader]:
    """The children of a daemon that show its page."""
    found = []
    for one in Path(f"/proc/{daemon}/task/{daemon}/children").read_text().split():
        try:
            command = Path(f"/proc/{one}/cmdline").read_text()
        except OSError:
            continue
        if "monitor.statuspage.process" in command:
            found.append(Reader(int(one)))
    return found
