"""The page for newcomers is true: its steps, taken from it and run in order, end in a page and its all-clear."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.lab.configuration import free_port

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "ALERTING.md").read_text(encoding="utf-8")
STEPS = re.findall(r"^```sh\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
PORTS = ("MAIL", "MONITOR", "PAGER", "PROMETHEUS", "ALERTMANAGER")
INSTALL = re.compile(r"^sudo apt-get install -y (.+)\n", re.MULTILINE)


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that Dovecot's own users can reach; whatever the steps leave running is ended."""
    directory = Path(tempfile.mkdtemp(prefix="guide-", dir="/tmp"))
    directory.chmod(0o711)
    try:
        yield directory / "first-page"
    finally:
        end(directory / "first-page")
        shutil.rmtree(directory)


def end(directory: Path) -> None:
    if (directory / "pids").exists():
        subprocess.run(["kill", *(directory / "pids").read_text().split()], check=False, stderr=subprocess.DEVNULL)
    if (directory / "dovecot.conf").exists():
        command = ["doveadm", "-c", str(directory / "dovecot.conf"), "stop"]
        subprocess.run(command, check=False, capture_output=True)


def test_packages_that_the_page_installs_are_those_that_the_tests_run_on() -> None:
    named = {
        name for file in ("tests/packages.txt", "tests/lab/packages.txt") for name in (ROOT / file).read_text().split()
    }
    installed = {name for line in INSTALL.findall("\n".join(STEPS)) for name in shlex.split(line)}
    assert installed
    assert installed - named == set()


UNPRIVILEGED = ("unshare", "--user", "--map-user=65534", "--map-group=65534")
"""As `nobody`, without a capability, but still with the files of whoever runs the tests."""


@pytest.mark.timeout(240)
@pytest.mark.parametrize("as_whom", [(), UNPRIVILEGED], ids=["root", "nobody"])
def test_the_steps_end_in_a_page_and_its_all_clear(place: Path, as_whom: tuple[str, ...]) -> None:
    script = "set -eu\n" + INSTALL.sub("", "\n".join(STEPS))
    environment = os.environ | {name: str(free_port()) for name in PORTS} | {"DIR": str(place)}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    # To files: what the steps leave in the background would hold a pipe open.
    with tempfile.TemporaryFile("w+") as said:
        done = subprocess.run(
            [*as_whom, "bash", "-c", script],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            check=False,
            timeout=200,
        )
        said.seek(0)
        text = said.read()
    assert done.returncode == 0, text
    assert "firing | mail is down | docs/RUNBOOK.md#mailuptimeoutage" in text
    assert "resolved | mail is down | docs/RUNBOOK.md#mailuptimeoutage" in text
    assert "connect_refused" in text or "disconnected" in text
    assert not place.exists()


def test_the_line_that_puts_your_own_address_before_the_runbooks_does_so_for_every_alert(tmp_path: Path) -> None:
    (line,) = re.findall(r"`(sed -i .+ /etc/prometheus/rules/\*\.yml)`", GUIDE)
    shutil.copytree(ROOT / "config" / "prometheus" / "rules", tmp_path / "rules")
    subprocess.run(["bash", "-c", line.replace("/etc/prometheus", shlex.quote(str(tmp_path)))], check=True)
    subprocess.run(["promtool", "check", "rules", *map(str, (tmp_path / "rules").glob("*.yml"))], check=True)
    rules = [
        rule
        for file in (tmp_path / "rules").glob("*.yml")
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]
    assert rules
    for rule in rules:
        expected = f"https://wiki.example.go.th/docs/RUNBOOK.md#{rule['alert'].lower()}"
        assert rule["annotations"]["runbook_url"] == expected
