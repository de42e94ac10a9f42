"""`config/mailgothai.yaml` against a lab: the same file, but for ports, over lists whose hosts are the lab's.

Every agency and every cluster has an account of its own on the lab's servers.
"""

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.lab.lab import Lab

CONFIG = Path(__file__).parents[2] / "config"
Row = dict[str, str]


@dataclass(frozen=True)
class Variant:
    """`within` is a command that has the lab's authority trusted and its passwords found by what follows it."""

    path: Path
    within: tuple[str, ...]


def users() -> list[str]:
    """Whom the lab needs beside its own accounts."""
    return [row[column] for column, name in (("agency", "agencies"), ("cluster", "clusters")) for row in _rows(name)]


def variant(lab: Lab, directory: Path, web: int) -> Variant:
    """Write configuration, lists and credentials into a directory, for a lab with `users`."""
    passwords = directory / "credentials"
    passwords.mkdir(mode=0o700)
    accounts = {account.username: account.password for account in lab.accounts}

    def local(column: str, account: Row) -> Callable[[Row], Row]:
        def changed(row: Row) -> Row:
            hosts = {name: lab.host if name != "webmail_url" else lab.webmail_url for name in row if _is_place(name)}
            (passwords / row["credential"]).write_text(accounts[f"{row[column]}@lab.test"] + "\n")
            return {**row, **hosts, **{key: value.format(row[column]) for key, value in account.items()}}

        return changed

    _write(directory, "agencies", local("agency", {"account": "{}", "domain": "lab.test"}))
    _write(directory, "clusters", local("cluster", {"account": "{}@lab.test"}))
    path = directory / "mailgothai.yaml"
    path.write_text(f"{_ports_of(lab)}\nledger: {{path: ledger.db}}\ncontrol: {{socket: control.sock}}\n"
                    f'web: {{listen: "127.0.0.1:{web}"}}\n')  # fmt: skip
    return Variant(path, ("env", f"SSL_CERT_FILE={lab.ca_file}", f"CREDENTIALS_DIRECTORY={passwords}"))


def _ports_of(lab: Lab) -> str:
    """The configuration with the lab's ports for the usual ones, each of which it names."""
    text = (CONFIG / "mailgothai.yaml").read_text()
    ports = lab.ports
    for usual, port in {25: ports.smtp, 587: ports.submission, 993: ports.imaps, 995: ports.pop3s}.items():
        text, changed = re.subn(rf"\bport: {usual}\b", f"port: {port}", text)
        assert changed, usual
    return text


def _is_place(column: str) -> bool:
    return column.endswith(("_host", "_url"))


def _rows(name: str) -> list[Row]:
    with (CONFIG / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def _write(directory: Path, name: str, changed: Callable[[Row], Row]) -> None:
    rows = [changed(row) for row in _rows(name)]
    with (directory / f"{name}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
