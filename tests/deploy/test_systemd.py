"""The unit is one that systemd accepts and confines, and the daemon is one that such a unit can supervise."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "systemd" / "mailuptime.service"
SYSUSERS = ROOT / "systemd" / "sysusers.d" / "mailuptime.conf"
TMPFILES = ROOT / "systemd" / "tmpfiles.d" / "mailuptime.conf"
PROGRAM = "/usr/bin/mailuptime"
EXPOSURE = 14
"""Tenths, the lowest that holds with systemd 252: left are the Internet, local sockets, the machine's /usr, and to
read the clock's state, which counts as if it could be set."""
PATIENCE_S = 30.0
WATCHDOG_S = 3


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


def settings() -> dict[str, str]:
    """The unit's settings; where one comes twice, the last."""
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if re.match(r"[A-Z]\w+=", line))


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that exists on every machine in the place of ours."""
    text = UNIT.read_text(encoding="utf-8")
    assert text.count(f"ExecStart={PROGRAM} ") == 1
    copied = tmp_path / UNIT.name
    copied.write_text(text.replace(PROGRAM, sys.executable), encoding="utf-8")
    return copied


def test_systemd_has_nothing_to_say_against_the_unit(unit: Path) -> None:
    # The exit status is 0 for a misspelt key, too.
    verified = run("systemd-analyze", "verify", unit)
    assert (verified.returncode, verified.stderr) == (0, "")


def test_the_sandbox_leaves_no_more_exposed_than_probing_needs(unit: Path) -> None:
    security = run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}", unit)
    assert security.returncode == 0, security.stdout


def test_sysusers_and_tmpfiles_make_the_user_and_the_places_of_the_unit(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    made = run("systemd-sysusers", f"--root={tmp_path}", SYSUSERS)
    assert made.returncode == 0, made.stderr
    assert f"\n{settings()['User']}:" in "\n" + (tmp_path / "etc" / "passwd").read_text()
    assert f"\n{settings()['Group']}:" in "\n" + (tmp_path / "etc" / "group").read_text()
    placed = run("systemd-tmpfiles", "--create", f"--root={tmp_path}", TMPFILES)
    # Only root can give a directory to somebody else.
    complaints = [line for line in placed.stderr.splitlines() if "Operation not permitted" not in line]
    assert complaints == []
    configuration = tmp_path / "etc" / "mailuptime"
    assert configuration.stat().st_mode & 0o777 == 0o750
    assert (configuration / "credentials").stat().st_mode & 0o777 == 0o700


def test_a_refused_configuration_is_not_tried_again(tmp_path: Path) -> None:
    written = tmp_path / "mailuptime.yaml"
    written.write_text("no_such_key: 1\n", encoding="utf-8")
    refused = run(sys.executable, "-m", "monitor", "run", "-c", written)
    assert str(refused.returncode) == settings()["RestartPreventExitStatus"]


async def test_the_daemon_tells_the_service_manager_how_it_is(tmp_path: Path) -> None:
    async with greeting_server() as port, daemon(configuration(tmp_path, port)) as (process, manager):
        assert "READY=1" in await heard(manager)
        await until_said(manager, "WATCHDOG=1")
        process.send_signal(signal.SIGTERM)
        await until_said(manager, "STOPPING=1")
        async with asyncio.timeout(PATIENCE_S):
            assert await process.wait() == 0


@asynccontextmanager
async def greeting_server() -> AsyncIterator[int]:
    """Something on a free port that greets, takes EHLO and QUIT as SMTP does; yields the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx.example.go.th ESMTP\r\n")
        async for line in reader:
            quits = line.upper().startswith(b"QUIT")
            writer.write(b"221 bye\r\n" if quits else b"250 mx.example.go.th\r\n")
            if quits:
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def configuration(directory: Path, port: int) -> Path:
    written = directory / "mailuptime.yaml"
    written.write_text(
        f"""
sla: {{timezone: Asia/Bangkok, availability: 99.5%, downtime_budget: 216m}}
ledger: {{path: {directory / "ledger.db"}}}
web: {{listen: "127.0.0.1:0"}}
control: {{socket: {directory / "control.sock"}}}
services:
  - name: mail
    targets:
      - {{name: smtp, type: smtp, host: 127.0.0.1, port: {port}, tls: none}}
""",
        encoding="utf-8",
    )
    return written


@asynccontextmanager
async def daemon(path: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, socket.socket]]:
    """The daemon as systemd starts it, and the socket of the service manager that it speaks to."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("")  # the kernel chooses a name in the abstract namespace
        manager.setblocking(False)
        name = manager.getsockname().removeprefix(b"\0").decode()
        environment = os.environ | {"NOTIFY_SOCKET": f"@{name}", "WATCHDOG_USEC": str(WATCHDOG_S * 1_000_000)}
        environment.pop("WATCHDOG_PID", None)
        command = (sys.executable, "-m", "monitor", "run", "-c", str(path))
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment)
        try:
            yield process, manager
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def heard(manager: socket.socket) -> list[str]:
    """The lines of the next message."""
    async with asyncio.timeout(PATIENCE_S):
        message = await asyncio.get_running_loop().sock_recv(manager, 4096)
    return message.decode().splitlines()


async def until_said(manager: socket.socket, line: str) -> None:
    """Wait for a message with the line; others, the watchdog's, may come before."""
    while line not in await heard(manager):
        pass


def test_systemd_has_nothing_to_say_against_the_browsers_units(tmp_path: Path) -> None:
    units = [UNIT.with_name(name) for name in ("mailuptime-browser.socket", "mailuptime-browser@.service")]
    for one in units:
        text = one.read_text(encoding="utf-8").replace(PROGRAM, sys.executable)
        (tmp_path / one.name).write_text(text, encoding="utf-8")
    verified = run("systemd-analyze", "verify", *(tmp_path / one.name for one in units))
    assert (verified.returncode, verified.stderr) == (0, "")
