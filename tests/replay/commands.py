"""Decides how these tests write configurations and checks, and how they run a command: in this process, as users do."""

import io
import json
from collections.abc import Iterable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.cli import main
from monitor.core.check import Check
from monitor.core.instants import SECOND, format_instant
from tests.core.worked import ZONE

Document = dict[str, Any]


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Document:
        made: Document = json.loads(self.out)
        return made

    @property
    def service(self) -> Document:
        (one,) = self.document["services"]
        assert isinstance(one, dict)
        return one


def run(*arguments: str | Path) -> Done:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as error:  # the parser's own way out
            status = int(error.code or 0)
    return Done(status, out.getvalue(), err.getvalue())


@dataclass(frozen=True)
class Desk:
    """A directory with a configuration of the service `mail`; its targets refer to passwords that nobody has."""

    directory: Path

    @property
    def configuration(self) -> Path:
        return self.directory / "mailuptime.yaml"

    @property
    def ledger(self) -> Path:
        return self.directory / "ledger.db"

    def configure(self, *targets: str, down_when: Any = "any", **sections: Any) -> Path:
        login = {"username": "probe", "password": {"file": "nowhere"}}
        document = {
            "ledger": {"path": "ledger.db"},
            "control": {"socket": "control.sock"},
            "services": [
                {
                    "name": "mail",
                    "down_when": down_when,
                    "targets": [
                        {"name": name, "type": "imap", "host": "imap.example.go.th", "login": login} for name in targets
                    ],
                }
            ],
            **sections,
        }
        return self.file("mailuptime.yaml", json.dumps(document))

    def file(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        return path

    def lists(self, name: str, *items: Mapping[str, Any]) -> Path:
        return self.file(name, json.dumps(items))

    def checks(self, **targets: Iterable[Check]) -> Path:
        """Each target's checks as lines that say no more than they must."""
        return self.file("checks.jsonl", "".join(line(name, one) for name, own in targets.items() for one in own))

    def replay(self, checks: str | Path, *arguments: str | Path, month: str = "2026-11") -> Done:
        return run("replay", "-c", self.configuration, checks, "--month", month, *arguments)

    def export(self, *arguments: str | Path) -> Done:
        return run("export", "checks", "-c", self.configuration, *arguments)


def line(target: str, check: Check) -> str:
    """A line for a check whose voice is the configuration's."""
    said: Document = {
        "at": format_instant(check.at, ZONE),
        "target": f"mail/{target}",
        "outcome": check.outcome.value,
    }
    if check.duration:
        said["duration_seconds"] = check.duration / SECOND
    if not check.speaks:
        said["speaks"] = False
    if check.cause:
        said["cause"] = check.cause
    return json.dumps(said) + "\n"
