"""Where the race is run: the lab's servers on one core, whoever checks them on another."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab import Lab

DOVECOT = """
service imap-login {
  service_count = 0
  client_limit = 2000
}
service pop3-login {
  service_count = 0
  client_limit = 2000
}
service imap {
  service_count = 0
  process_min_avail = 4
}
service pop3 {
  service_count = 0
  process_min_avail = 4
}
mail_max_userip_connections = 0
"""
"""Servers that keep their processes: what is measured is who asks, and the servers have one core."""
POSTFIX = {
    "smtpd_client_connection_rate_limit": "0",
    "smtpd_client_auth_rate_limit": "0",
    "default_process_limit": "300",
    "max_use": "1000000",
    "max_idle": "600s",
}


@dataclass(frozen=True)
class Kind:
    """One sort of check. `dialogue` says what every contestant says to the server."""

    name: str
    title: str
    dialogue: str


KINDS = {
    kind.name: kind
    for kind in (
        Kind("imap", "IMAPS login", "TLS, CAPABILITY, AUTHENTICATE PLAIN (the loop: LOGIN), SELECT, STATUS, LOGOUT"),
        Kind("smtp", "SMTP STARTTLS", "EHLO, STARTTLS, EHLO, QUIT"),
        Kind("submission", "submission AUTH", "EHLO, STARTTLS, EHLO, AUTH PLAIN, QUIT"),
        Kind("pop3", "POP3S login", "TLS, CAPA, AUTH PLAIN, STAT, LIST, UIDL, QUIT"),
        Kind("webmail", "webmail page", "TLS, GET the login page"),
    )
}


@dataclass(frozen=True)
class Pace:
    """`endpoints` are checked every `interval` seconds each, evenly spread: at most so many checks are in flight."""

    endpoints: int
    interval: float

    @property
    def rate(self) -> float:
        """Checks a second."""
        return self.endpoints / self.interval


PACES = (Pace(16, 1.0), Pace(128, 1.0), Pace(256, 1.0))


def cores() -> tuple[int, int]:
    """The servers' core and the clients'; the same where there is one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


@contextmanager
def yard() -> Iterator[Lab]:
    """A lab on the first core; when it runs, this process and whatever it starts is on the last."""
    before = os.sched_getaffinity(0)
    servers, clients = cores()
    os.sched_setaffinity(0, {servers})
    try:
        with Lab(dovecot_extra=DOVECOT) as lab:
            lab.configure_postfix(**POSTFIX)
            os.sched_setaffinity(0, {clients})
            yield lab
    finally:
        os.sched_setaffinity(0, before)


def processor_seconds(pid: int) -> float:
    """User and system time of a process and its threads: what /proc/PID/stat has in hundredths of a second, exactly."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((one / "schedstat").read_text(encoding="utf-8").split()[0]) for one in threads) / 1e9


def resident_bytes(pid: int) -> int:
    """Memory of its own that a process has in use."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))
