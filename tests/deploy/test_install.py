"""What `make install` makes is whole, tells nothing of where it was made, and goes away again."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.deploy.machine import ROOT

UNINSTALL = ["make", "-s", "uninstall", "PREFIX=/usr"]


def files(tree: Path) -> set[str]:
    return {str(path.relative_to(tree)) for path in tree.rglob("*") if not path.is_dir()}


def test_it_installs_program_units_pages_and_completions(tree: Path) -> None:
    wanted = {
        "etc/mailuptime/mailuptime.yaml",
        "usr/bin/mailuptime",
        "usr/lib/systemd/system/mailuptime.service",
        "usr/lib/systemd/system/mailuptime-browser.socket",
        "usr/lib/sysusers.d/mailuptime.conf",
        "usr/lib/tmpfiles.d/mailuptime.conf",
        "usr/share/bash-completion/completions/mailuptime",
        "usr/share/zsh/site-functions/_mailuptime",
        "usr/share/man/man1/mailuptime.1.gz",
        "usr/share/man/man5/mailuptime.yaml.5.gz",
        "usr/share/doc/mailuptime/examples/mailuptime.yaml",
        "usr/share/doc/mailuptime/examples/prometheus/rules/monitor.yml",
    }
    assert wanted - files(tree) == set()


def test_nothing_in_it_names_the_place_where_it_was_made(tree: Path) -> None:
    found = subprocess.run(["grep", "-rlIF", str(tree.parent), tree], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (1, "")
    assert (tree / "usr/lib/mailuptime/bin/mailuptime").read_text().startswith("#!/usr/lib/mailuptime/bin/python -I\n")


def test_the_installed_configuration_is_whole_but_for_a_service(tree: Path) -> None:
    python = tree / "usr/lib/mailuptime/bin/python"
    path = tree / "etc/mailuptime/mailuptime.yaml"
    checked = subprocess.run(
        [python, "-I", "-m", "monitor", "check-config", "-c", path], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 78
    assert re.fullmatch(r".*: services: at least one service is needed\n", checked.stderr)


def test_uninstalling_leaves_the_configuration_and_the_ledger_and_says_so(tree: Path, tmp_path: Path) -> None:
    copied = tmp_path / "copied"
    left_out = shutil.ignore_patterns("playwright", "__pycache__")
    shutil.copytree(tree, copied, symlinks=True, ignore=left_out)
    ledger = copied / "var/lib/mailuptime/ledger.db"
    ledger.parent.mkdir(parents=True)
    ledger.touch()
    done = subprocess.run([*UNINSTALL, f"DESTDIR={copied}"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert files(copied) == {"etc/mailuptime/mailuptime.yaml", "var/lib/mailuptime/ledger.db"}
    assert "Kept: the configuration in" in done.stdout


@pytest.mark.parametrize(
    ("lock", "extras"),
    [("requirements.lock", ["notifications"]), ("requirements-browser.lock", ["notifications", "pdf", "browser"])],
)
def test_each_lock_has_what_its_extras_ask_for(lock: str, extras: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = project["dependencies"] + [one for extra in extras for one in project["optional-dependencies"][extra]]
    locked = re.findall(r"^([\w.-]+)(?:\[.*\])?==", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE)
    names = {re.split(r"[^\w.-]", one)[0] for one in asked}
    assert names - set(locked) == set()
