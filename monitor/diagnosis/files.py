"""The files of an installation: configuration, secrets, certificates of the listener, ledger."""

import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from monitor.core.instants import SECOND, Instant
from monitor.diagnosis.findings import Finding, fail, ok, warn
from monitor.ledger import LedgerError, Reader
from monitor.settings import ConfigurationError, SecretError, Settings
from monitor.web.access import terms_of

DAY_S = 86_400
RENEWED = 14
"""Days before its end by which a certificate should have been renewed."""
LITTLE, VERY_LITTLE = 2 << 30, 200 << 20
"""Bytes that are left to the ledger."""
LARGE = 2 << 30
"""Bytes of a ledger that takes too long to go through here."""


def configuration(settings: Settings) -> Iterator[Finding]:
    path, check = settings.path, "configuration"
    mode = path.stat().st_mode
    if mode & stat.S_IWOTH:
        yield fail(check, f"{path} can be changed by everybody", f"chmod o-w {path}")
    elif mode & stat.S_IWGRP:
        yield warn(check, f"{path} can be changed by its group", f"chmod g-w {path}, unless the group is meant to")
    else:
        targets = sum(len(service.targets) for service in settings.services)
        yield ok(check, f"{path} is valid; services: {len(settings.services)}, targets: {targets}")


def secrets(settings: Settings, *, running: bool) -> Iterator[Finding]:
    """Credentials and the environment are the unit's: whether they can be read, only the daemon can tell."""
    check, read, elsewhere = "secrets", 0, 0
    for secret in {placed.secret for placed in settings.secrets}:
        try:
            secret.load()
            read += 1
        except SecretError as error:
            if secret.source == "file":
                yield fail(check, str(error), "mend the file, or what the configuration says of it")
            elif running:
                elsewhere += 1
            else:
                yield warn(check, f"{error}", "it cannot be looked at from here; start the daemon")
    yield ok(check, f"{read} can be read, {elsewhere} more by the running daemon")


def web_configuration(settings: Settings, now: Instant) -> Iterator[Finding]:
    path, check = settings.web.config_file, "web configuration"
    if path is None:
        if not settings.web.listen.host.startswith(("127.", "::1", "localhost")):
            what = f"web.listen {settings.web.listen} has neither TLS nor users"
            yield warn(check, what, "set web.config_file, see docs/SECURITY.md")
        else:
            yield ok(check, "none; the listener is on the loopback and changes nothing")
        return
    yield from _read(check, path, now)


def status_configuration(settings: Settings, now: Instant) -> Iterator[Finding]:
    """Of the status page, if there is one: it may be for everybody."""
    status, check = settings.status, "status page"
    if status.listen is not None and status.config_file is None:
        yield ok(check, f"everybody who reaches {status.listen} may read it")
    elif status.listen is not None and status.config_file is not None:
        yield from _read(check, status.config_file, now)


def _read(check: str, path: Path, now: Instant) -> Iterator[Finding]:
    """A web configuration and its certificate."""
    try:
        terms = terms_of(path)
    except ConfigurationError as error:
        for problem in error.problems:
            yield fail(check, str(problem), "mend it; the daemon goes on with what it read last")
        return
    yield ok(check, f"{path} is valid")
    tls = None if terms.file is None else terms.file.tls
    if tls is not None:
        yield _certificate(tls.cert_file, now)


def _certificate(path: Path, now: Instant) -> Finding:
    end = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    left = (end - datetime.fromtimestamp(now / SECOND, UTC)).total_seconds() / DAY_S
    check = "listener certificate"
    if left < 0:
        return fail(check, f"{path} ended on {end:%Y-%m-%d}", "renew it; no reload is needed")
    if left < RENEWED:
        return warn(check, f"{path} ends on {end:%Y-%m-%d}", "renew it; no reload is needed")
    return ok(check, f"{path} holds until {end:%Y-%m-%d}")


def ledger(settings: Settings) -> Iterator[Finding]:
    path, check = settings.ledger.path, "ledger"
    if not path.exists():
        yield fail(check, f"{path} does not exist", "start the daemon, which makes it; see ledger.path")
        return
    status = path.stat()
    if status.st_mode & (stat.S_IROTH | stat.S_IWOTH):
        yield fail(check, f"{path} can be read or changed by everybody", f"chmod o-rw {path}")
    if status.st_size > LARGE:
        yield warn(check, f"{path} has {status.st_size >> 30} GiB and was not gone through", "mailuptime verify does")
        return
    try:
        with Reader.beside(path) as reader:
            reader.examine()
    except LedgerError as error:
        yield fail(check, str(error), "mailuptime restore from the last backup")
    else:
        yield ok(check, f"{path} is sound, {status.st_size / (1 << 20):.1f} MiB")


def disk(settings: Settings) -> Iterator[Finding]:
    directory, check = settings.ledger.path.parent, "disk"
    if not directory.exists():
        yield fail(check, f"{directory} does not exist", "make it, owned by the daemon's user, mode 0700")
        return
    free = shutil.disk_usage(directory).free
    what = f"{free / (1 << 30):.1f} GiB left at {directory}"
    if free < VERY_LITTLE:
        yield fail(check, what, "make room: a full disk turns observed time into unknown time")
    elif free < LITTLE:
        yield warn(check, what, "make room soon")
    else:
        yield ok(check, what)
