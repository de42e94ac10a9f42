"""`mailuptime security`, and a daemon that asks: bad facts are told, and no figure knows of them."""

import json
from pathlib import Path

from tests.e2e.commands import assert_refused, mailuptime
from tests.e2e.written import SERVICE, imap, written
from tests.lab import Lab
from tests.lab.configuration import free_port
from tests.lab.daemon import Daemon
from tests.lab.processes import wait_until


def asking(lab: Lab, directory: Path, port: int | None = None, **security: object) -> Path:
    """A healthy IMAP that takes passwords in clear, as the lab's does."""
    tls = {"mode": "starttls", "ca_file": str(lab.ca_file)}
    file = written(directory, imap(lab, lab.ports.imap, tls=tls), port=port)
    document = json.loads(file.read_text())
    file.write_text(json.dumps({**document, "security": security}))
    return file


def test_bad_facts_are_listed_with_what_was_seen(shared_lab: Lab, place: Path) -> None:
    """Status 1; the table and the document say the same."""
    file = asking(shared_lab, place, targets=[SERVICE])
    asked = mailuptime("security", "-c", file, "--format", "json")
    facts = {one["fact"]: one for one in asked.document["facts"]}
    assert asked.status == 1
    assert {name: one["verdict"] for name, one in facts.items()} == {
        "auth_needs_tls": "bad",
        "tls_1_0_refused": "good",
        "tls_1_1_refused": "good",
    }
    shown = mailuptime("security", "-c", file)
    assert shown.status == 1
    assert shown.out.splitlines()[0] == f"{SERVICE}/imap"
    assert "auth_needs_tls   BAD" in shown.out
    assert shared_lab.probe.password not in asked.out + shown.out + asked.err + shown.err


def test_nothing_to_ask_is_said_in_one_line(shared_lab: Lab, place: Path) -> None:
    """Off by default."""
    assert_refused(mailuptime("security", "-c", written(place, imap(shared_lab))), 2, "security: names neither")


def test_a_daemon_with_bad_facts_keeps_its_figures(shared_lab: Lab, place: Path) -> None:
    """The log tells of the fact, and the service is as available as before."""
    port = free_port()
    file = asking(shared_lab, place, port, targets=[f"{SERVICE}/imap"])
    with Daemon(file, port) as daemon:

        def told() -> list[dict[str, str]]:
            lines = [json.loads(line) for line in daemon.log.read_text().splitlines()]
            return [line for line in lines if line["event"] == "security.fact_changed"]

        wait_until(lambda: bool(told()), "a fact in the log")
        assert [(one["subject"], one["fact"], one["verdict"]) for one in told()] == [
            (f"{SERVICE}/imap", "auth_needs_tls", "bad")
        ]
        labels = f'sla_service="{SERVICE}",target="imap"'
        exported = daemon.get("/metrics")[1].splitlines()
        assert f'mailuptime_security_fact{{{labels},fact="auth_needs_tls"}} 0.0' in exported
        assert f'mailuptime_security_fact{{{labels},fact="tls_1_0_refused"}} 1.0' in exported
        (service,) = mailuptime("sla", "-c", file, "--format", "json").document["services"]
        assert (service["downtime_seconds"], service["availability_percent"], service["outages"]) == (0, 100, [])
