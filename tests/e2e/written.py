"""Decides what the configurations of these tests have in common, beyond the lab's own."""

import json
from pathlib import Path
from typing import Any

from tests.lab import Lab
from tests.lab.configuration import free_port

SERVICE = "mail"


def written(directory: Path, *targets: dict[str, Any], port: int | None = None, **defaults: Any) -> Path:
    """A file of one service; JSON is YAML, too. Nothing of it is made but the file."""
    document = {
        "sla": {"timezone": "Asia/Bangkok", "availability": "99.5%", "downtime_budget": "216m"},
        "ledger": {"path": str(directory / "ledger.db")},
        "control": {"socket": str(directory / "control.sock")},
        "web": {"listen": f"127.0.0.1:{port or free_port()}"},
        "defaults": {"interval": "60s", "timeout": "5s", **defaults},
        "services": [{"name": SERVICE, "targets": list(targets)}],
    }
    file = directory / "mailuptime.yaml"
    file.write_text(json.dumps(document, indent=2), encoding="utf-8")
    return file


def imap(lab: Lab, port: int | None = None, password: Path | None = None, **keys: Any) -> dict[str, Any]:
    """The lab's IMAP over TLS as a target."""
    return {
        "name": "imap",
        "type": "imap",
        "host": "localhost",
        "port": port or lab.ports.imaps,
        "tls": {"mode": "implicit", "ca_file": str(lab.ca_file)},
        "login": {"username": lab.probe.username, "password": {"file": str(password or lab.password_file)}},
        **keys,
    }


def smtp(port: int, **keys: Any) -> dict[str, Any]:
    """A plain SMTP target of this machine."""
    return {"name": "smtp", "type": "smtp", "host": "127.0.0.1", "port": port, "tls": "none", **keys}
