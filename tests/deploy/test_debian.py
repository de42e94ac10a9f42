"""The Debian package on a really booted machine: installed, configured, upgraded, removed, purged."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.machine import ROOT, Machine, obstacle, patiently

pytestmark = [
    pytest.mark.skipif((why := obstacle()) is not None, reason=str(why)),
    pytest.mark.skipif("BUILT" not in os.environ, reason="takes minutes on a busy machine: make deb-test"),
    pytest.mark.timeout(600),
]
UNIT = "mailuptime.service"
CONFIGURATION = "/etc/mailuptime/mailuptime.yaml"
LEDGER = "/var/lib/mailuptime/ledger.db"
VERSIONS = ("0.1.0-1", "0.1.0-2")
CONFIGURED = """
sla: {timezone: Asia/Bangkok, availability: 99.5%, downtime_budget: 216m}
self_test: []
defaults: {interval: 2s, timeout: 1500ms, confirm: {failures: 2, interval: 500ms}, pulse: off, stale_after: 3m}
services:
  - name: gone
    targets:
      - {name: smtp, type: smtp, host: localhost, port: 9, tls: none}
"""


@pytest.fixture(scope="module")
def packages(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions of the daemon's package. They are not compressed: `make deb-test` builds what is handed out."""
    place = tmp_path_factory.mktemp("packages")
    for version in VERSIONS:
        environment = os.environ | {"TREE": str(tree), "VERSION": version, "COMPRESS": "none", "OUTPUT": str(place)}
        subprocess.run([ROOT / "systemd/debian/build.sh"], env=environment, check=True, capture_output=True, text=True)
    return place


@pytest.fixture(scope="module")
def machine(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with Machine(tmp_path_factory.mktemp("machine"), binds={"/packages": packages}) as machine:
        yield machine


def install(machine: Machine, version: str, package: str = "mailuptime") -> str:
    """Install one version, the dependencies aside: they are this machine's; returns what dpkg says."""
    architecture = machine.run("dpkg", "--print-architecture").stdout.strip()
    path = f"/packages/{package}_{version}_{architecture}.deb"
    done = machine.run("dpkg", "--install", "--force-depends", path, DEBIAN_FRONTEND="noninteractive")
    return done.stdout + done.stderr


def outage(machine: Machine) -> tuple[str, str]:
    def known() -> bool:
        return bool(json.loads(machine.run("mailuptime", "outages", "--format", "json").stdout)["outages"])

    patiently(known, "the outage is known")
    (one,) = json.loads(machine.run("mailuptime", "outages", "--format", "json").stdout)["outages"]
    return one["id"], one["start"]


def test_the_package_lives_a_whole_life(machine: Machine) -> None:
    # Installed, nothing is started or at boot, and what to do next is said.
    said = install(machine, VERSIONS[0])
    assert "Edit /etc/mailuptime/mailuptime.yaml" in said
    assert machine.show(UNIT, "ActiveState", "UnitFileState") == {
        "ActiveState": "inactive",
        "UnitFileState": "disabled",
    }
    assert machine.run("stat", "-c", "%a %U:%G", "/etc/mailuptime").stdout == "750 root:mailuptime\n"

    # Configured, it runs and sees an outage.
    machine.write(CONFIGURATION, CONFIGURED)
    machine.run("systemctl", "enable", "--now", UNIT)
    before, process = outage(machine), machine.property(UNIT, "MainPID")

    # An upgrade changes neither configuration nor ledger, and the new version runs.
    install(machine, VERSIONS[1])
    assert machine.property(UNIT, "ActiveState") == "active"
    assert machine.property(UNIT, "MainPID") != process
    assert machine.read(CONFIGURATION) == CONFIGURED
    assert outage(machine) == before

    # One whose configuration the new version refuses goes on as it is.
    machine.write(CONFIGURATION, "no_such_key: 1\n")
    process = machine.property(UNIT, "MainPID")
    said = install(machine, VERSIONS[1])
    assert "no_such_key: unknown key" in said
    assert machine.show(UNIT, "ActiveState", "MainPID") == {"ActiveState": "active", "MainPID": process}
    machine.write(CONFIGURATION, CONFIGURED)

    # Removed, it keeps both, and installed again it goes on.
    machine.run("dpkg", "--remove", "mailuptime")
    assert machine.run("systemctl", "is-active", UNIT, check=False).stdout != "active\n"
    machine.run("test", "!", "-e", "/usr/bin/mailuptime")
    machine.run("test", "-e", LEDGER)
    install(machine, VERSIONS[1])
    assert machine.property(UNIT, "ActiveState") == "active"
    assert outage(machine)[1] == before[1]

    # Purged, nothing of it is left.
    machine.run("dpkg", "--purge", "mailuptime")
    left = ("/etc/mailuptime", "/var/lib/mailuptime", "/usr/lib/mailuptime", "/run/mailuptime")
    for place in left:
        machine.run("test", "!", "-e", place)


def test_the_browsers_package_adds_the_socket_and_what_it_needs(machine: Machine) -> None:
    install(machine, VERSIONS[1])
    look = ("/usr/lib/mailuptime/bin/python", "-I", "-c", "import playwright.sync_api")
    assert "No module named 'playwright'" in machine.run(*look, check=False).stderr
    install(machine, VERSIONS[1], "mailuptime-browser")
    assert machine.property("mailuptime-browser.socket", "ActiveState") == "active"
    machine.run(*look)
    machine.run("dpkg", "--purge", "mailuptime-browser", "mailuptime")
    assert machine.run("systemctl", "is-active", "mailuptime-browser.socket", check=False).stdout != "active\n"


def test_what_is_handed_out_is_clean_and_installs_with_its_dependencies(tmp_path: Path) -> None:
    built = sorted(Path(os.environ["BUILT"]).absolute().glob("*.deb"))
    assert len(built) == 2
    assert shutil.which("lintian")
    complaints = subprocess.run(["lintian", *built], capture_output=True, text=True, check=False).stdout
    assert [line for line in complaints.splitlines() if line[:2] in {"E:", "W:"} and "mail-host" not in line] == []
    with Machine(tmp_path, binds={"/packages": built[0].parent}) as machine:
        machine.run("dpkg", "--install", *(f"/packages/{one.name}" for one in built))
        assert machine.run("mailuptime", "--version").stdout.startswith("mailuptime ")
        machine.run("dpkg", "--purge", "mailuptime-browser", "mailuptime")
