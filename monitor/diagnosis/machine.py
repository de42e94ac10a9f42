"""What an installation stands on: clock, resolver, the unit, the listener, the browser, the receivers."""

import asyncio
import json
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

from monitor.alerting.sender import understood
from monitor.canaries import resolver
from monitor.diagnosis.findings import Finding, fail, ok, warn
from monitor.settings import ConfigurationError, Settings
from monitor.settings.fields import Address
from monitor.synchronization import clock_synchronized

PATIENCE = 5.0
OVER_TLS = b"TLS"  # all that is known of one that wants a client's certificate
UNIT = "mailuptime.service"


def clock() -> Iterator[Finding]:
    check, kept = "clock", clock_synchronized()
    if kept is None:
        yield warn(check, "whether it is synchronized cannot be told here", "look at timedatectl, or chronyc tracking")
    elif kept:
        yield ok(check, "synchronized")
    else:
        todo = "install chrony or start systemd-timesyncd: every recorded instant depends on it"
        yield fail(check, "not synchronized", todo)


def names() -> Iterator[Finding]:
    problem = asyncio.run(resolver())
    if problem is None:
        yield ok("resolver", "answers")
    else:
        yield fail("resolver", problem, "look at /etc/resolv.conf and the servers that it names")


def unit() -> Iterator[Finding]:
    check, program = "unit", shutil.which("systemctl")
    if program is None:
        yield ok(check, "no systemd here; nothing to look at")
        return
    command = [program, "show", UNIT, "--property=LoadState,ActiveState,UnitFileState"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE * 2)  # noqa: S603
    state = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    if done.returncode or not state:
        yield ok(check, "systemd does not run this machine; nothing to look at")
    elif state.get("LoadState") != "loaded":
        yield warn(check, f"{UNIT} is not installed", "install it, or see to it that the daemon is started again")
    elif state.get("ActiveState") not in {"active", "reloading"}:
        todo = f"systemctl start {UNIT}; journalctl -u {UNIT} -p warning says why it ended"
        yield fail(check, f"{UNIT} is {state.get('ActiveState')}", todo)
    elif state.get("UnitFileState") != "enabled":
        yield warn(check, f"{UNIT} is active, and not started at boot", f"systemctl enable {UNIT}")
    else:
        yield ok(check, f"{UNIT} is active and enabled")


def listener(settings: Settings) -> Iterator[Finding]:
    """Whether something that speaks HTTP answers where `web.listen` says; it may ask who one is."""
    yield from _answering("listener", "web", settings.web.listen, settings.web.config_file)


def status_page(settings: Settings) -> Iterator[Finding]:
    """The same of `status.listen`, if there is a page."""
    if settings.status.listen is not None:
        yield from _answering("status page", "status", settings.status.listen, settings.status.config_file)


def _answering(check: str, section: str, listen: Address, config_file: Path | None) -> Iterator[Finding]:
    place = ("localhost" if _unspecified(listen.host) else listen.host, listen.port)
    encrypted = config_file is not None and "tls_server_config" in config_file.read_text("utf-8")
    try:
        answer = _asked(place, encrypted=encrypted)
    except ssl.SSLError:
        yield fail(check, f"{listen} does not speak TLS", f"mailuptime reload; see {section}.config_file")
    except OSError as error:
        yield fail(check, f"{listen}: {error.strerror or error}", f"start the daemon, or mend {section}.listen")
    else:
        if answer == OVER_TLS or answer.startswith(b"HTTP/1."):
            yield ok(check, f"{listen} answers")
        else:
            yield fail(check, f"{listen} does not speak HTTP", "another program may have the port")


def _unspecified(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False


def _asked(place: tuple[str, int], *, encrypted: bool) -> bytes:
    with socket.create_connection(place, PATIENCE) as plain:
        request = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        if not encrypted:
            plain.sendall(request)
            return plain.recv(16)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it is asked whether it answers, not who
        with context.wrap_socket(plain) as secure:
            with suppress(OSError):  # one that asks for a client's certificate ends here
                secure.sendall(request)
                return secure.recv(16) or OVER_TLS
            return OVER_TLS


def browser(settings: Settings) -> Iterator[Finding]:
    """Where a webmail target uses a real browser, its program, or the socket of its unit."""
    used = [
        (f"{service.name}/{target.name}", options)
        for service in settings.services
        for target in service.targets
        if (options := getattr(target.options, "browser", None)) is not None
    ]
    for name, options in used:
        place = options.socket or options.executable
        if place.exists():
            yield ok("browser", f"{place} for {name}")
        else:
            todo = "apt install chromium, or start mailuptime-browser.socket"
            yield fail("browser", f"{place}, which {name} uses, does not exist", todo)


def receivers(settings: Settings) -> Iterator[Finding]:
    check, count = "notifications", len(settings.notify.urls)
    if not count:
        return
    if any(url.source != "file" for url in settings.notify.urls):
        yield ok(check, f"{count} receivers; the daemon has looked at them")
        return
    try:
        asyncio.run(understood(settings))
    except ConfigurationError as error:
        for problem in error.problems:
            yield fail(check, str(problem), "mend the URL")
    else:
        yield ok(check, f"{count} receivers are understood")


def document(findings: list[Finding]) -> str:
    listed = [{"level": f.level, "check": f.check, "what": f.what, "todo": f.todo or None} for f in findings]
    return json.dumps(listed, indent=2, ensure_ascii=False)
