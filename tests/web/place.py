"""Decides what a web configuration of these tests looks like: one authority, a server, clients, two users."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bcrypt
import trustme

from tests.e2e.written import smtp, written
from tests.lab.configuration import free_port

ALICE, BOB = ("alice", "a-password-of-alice"), ("bob", "a-password-of-bob")


def hashed(password: str) -> str:
    """Cheap, since it is tried often."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


@dataclass
class Place:
    """A directory with certificates and files of configuration."""

    directory: Path

    def __post_init__(self) -> None:
        self.authority = trustme.CA()
        self.ca_file = self.directory / "ca.pem"
        self.authority.cert_pem.write_to_path(str(self.ca_file))
        self.renew()

    def renew(self) -> str:
        """A new certificate for the server; returns its serial number as it is shown in hexadecimal."""
        made = self.authority.issue_cert("localhost", "127.0.0.1")
        self._write("server.key", made.private_key_pem.bytes())
        self._write("server.crt", b"".join(part.bytes() for part in made.cert_chain_pems))
        return _serial(made.cert_chain_pems[0].bytes())

    def client(self, name: str, authority: trustme.CA | None = None) -> Path:
        """A client's certificate and key in one file."""
        made = (authority or self.authority).issue_cert(name, common_name=name)
        return self._write(f"{name}.pem", made.private_key_and_cert_chain_pem.bytes())

    def web(self, **document: Any) -> Path:
        """A web configuration; JSON is YAML, too."""
        return self._write("web.yml", json.dumps(document).encode())

    @property
    def tls(self) -> dict[str, Any]:
        return {"cert_file": "server.crt", "key_file": "server.key"}

    @property
    def users(self) -> dict[str, str]:
        return {name: hashed(password) for name, password in (ALICE, BOB)}

    def configuration(self, port: int, *, web: bool = True, **more: Any) -> Path:
        file = written(self.directory, smtp(free_port()), port=port)
        document = json.loads(file.read_text())
        if web:
            document["web"]["config_file"] = "web.yml"
        file.write_text(json.dumps(document | more, indent=2))
        return file

    def _write(self, name: str, data: bytes) -> Path:
        """As an editor does it: beside, then in its place."""
        path, beside = self.directory / name, self.directory / f".{name}"
        beside.write_bytes(data)
        beside.chmod(0o600)
        beside.replace(path)
        return path


def _serial(pem: bytes) -> str:
    from cryptography import x509  # noqa: PLC0415

    return f"{x509.load_pem_x509_certificate(pem).serial_number:X}"
