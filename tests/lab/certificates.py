"""Decides which certificates the lab presents: one good chain, and four a client must refuse."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import trustme

_NAMES = ("localhost", "127.0.0.1", "mail.lab.test")


@dataclass(frozen=True)
class Certificates:
    """PEM files; the server certificates hold key and chain in one file, readable by their owner only."""

    ca: Path
    server: Path
    expired: Path
    wrong_name: Path
    untrusted: Path
    doubly_bad: Path


def issue(directory: Path) -> Certificates:
    authority = trustme.CA(organization_name="mailuptime lab")
    stranger = trustme.CA(organization_name="a CA that nobody trusts")
    yesterday = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    leaves = {
        "server": authority.issue_cert(*_NAMES),
        "expired": authority.issue_cert(*_NAMES, not_after=yesterday),
        "wrong_name": authority.issue_cert("elsewhere.example"),
        "doubly_bad": authority.issue_cert("elsewhere.example", not_after=yesterday),
        "untrusted": stranger.issue_cert(*_NAMES),
    }
    ca = directory / "ca.pem"
    authority.cert_pem.write_to_path(ca)
    ca.chmod(0o644)
    for name, leaf in leaves.items():
        path = directory / f"{name}.pem"
        path.touch(mode=0o600)
        leaf.private_key_and_cert_chain_pem.write_to_path(path)
    return Certificates(ca=ca, **{name: directory / f"{name}.pem" for name in leaves})
