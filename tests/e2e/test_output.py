"""A command whose output nobody can take, or whose daemon is there and does not answer: a line and a status."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest

from monitor import control
from monitor.cli import main
from tests.e2e.written import smtp, written
from tests.lab.configuration import free_port

HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"


@contextmanager
def a_daemon_that_says(path: Path, answer: bytes) -> Iterator[None]:
    """And ends then, each time that it is asked."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(path))
        listening.listen()

        def serve() -> None:
            with suppress(OSError):
                while True:
                    asked, _ = listening.accept()
                    with asked:
                        asked.recv(65536)
                        asked.sendall(answer)

        serving = Thread(target=serve, daemon=True)
        serving.start()
        try:
            yield
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            serving.join(10)


def test_a_full_disk_behind_standard_output_is_one_line(tmp_path: Path) -> None:
    configuration = written(tmp_path, smtp(free_port()))
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "monitor", "check-config", "-c", str(configuration)],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60,
        )  # fmt: skip
    said = "standard output: No space left on device; what was written is not whole\n"
    assert (done.returncode, done.stderr) == (73, said)


@pytest.mark.parametrize("answer", [b"", HALF], ids=["at once", "in the middle"])
@pytest.mark.parametrize("command", ["watch --once", "sla", "log-level", "reload", "report --month 2026-11"])
def test_a_daemon_that_is_killed_while_a_command_asks(
    command: str, answer: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configuration = written(tmp_path, smtp(free_port()))
    with a_daemon_that_says(tmp_path / "control.sock", answer):
        status = main([*command.split(), "-c", str(configuration)])
    said = capsys.readouterr()
    assert (status, said.out) == (69, "")
    assert said.err == f"{tmp_path / 'control.sock'}: the daemon ended before it had answered\n"


def test_a_daemon_that_hangs_is_said_to(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(tmp_path / "control.sock"))
        listening.listen()
        with pytest.raises(TimeoutError, match=r"the daemon did not answer within 0 s"):
            control.fetch(tmp_path / "control.sock", "status", timeout=0.1)
