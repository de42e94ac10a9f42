"""A configuration that probes a lab with short intervals, for the demonstration and for end-to-end tests."""

import json
import random
import socket
from pathlib import Path

from tests.lab.lab import Lab

SERVICE = "lab"


_PORTS = iter(random.SystemRandom().sample(range(10_000, 32_000), 2_000))
"""Below those that the system gives to connections: none of them can take one before its listener comes."""


def free_port() -> int:
    """A port of the loopback interface that nobody listens on at the moment, and no other connection will be given."""
    for port in _PORTS:
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise RuntimeError("no port is left")


def configuration(lab: Lab, directory: Path, port: int, extra: str = "") -> Path:
    """Write `mailuptime.yaml` for the lab into a directory, and return its path; `extra` is more YAML."""
    path = directory / "mailuptime.yaml"
    path.write_text(_text(lab, directory, port) + extra)
    return path


def _text(lab: Lab, directory: Path, port: int) -> str:
    ports = lab.ports
    login = json.dumps({"username": lab.probe.username, "password": {"file": str(lab.password_file)}})

    def tls(mode: str) -> str:
        return json.dumps({"mode": mode, "ca_file": str(lab.ca_file)})

    return f"""\
# The lab's servers, checked every two seconds so that an outage is seen while one looks on.
sla: {{timezone: Asia/Bangkok, availability: 99.5%, downtime_budget: 216m}}
ledger: {{path: {json.dumps(str(directory / "ledger.db"))}}}
control: {{socket: {json.dumps(str(directory / "control.sock"))}}}
web: {{listen: "127.0.0.1:{port}"}}
defaults:
  interval: 2s
  timeout: 1500ms
  confirm: {{failures: 3, interval: 500ms}}
  recover: {{successes: 2, interval: 1s}}
  pulse: 1s
services:
  - name: {SERVICE}
    targets:
      - {{name: smtp, type: smtp, host: localhost, port: {ports.smtp}, tls: {tls("starttls")}}}
      - {{name: submission, type: submission, host: localhost, port: {ports.submission}, tls: {tls("starttls")},
         login: {login}}}
      - {{name: imap, type: imap, host: localhost, port: {ports.imaps}, tls: {tls("implicit")}, login: {login}}}
      - {{name: pop3, type: pop3, host: localhost, port: {ports.pop3s}, tls: {tls("implicit")}, login: {login}}}
      - {{name: webmail, type: webmail, url: {json.dumps(lab.webmail_url)}, tls: {tls("implicit")}, login: {login}}}
"""
