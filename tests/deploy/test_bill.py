"""The software bill of materials: all that the lock names, and nothing that differs from run to run."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / ".ci" / "sbom.py"


@pytest.mark.skipif(not SCRIPT.exists(), reason="the scripts of a checkout are not installed")
def test_the_bill_names_every_locked_package_and_no_host() -> None:
    lock = ROOT / "requirements.lock"
    first, again = (
        subprocess.run([sys.executable, SCRIPT, lock], capture_output=True, text=True, check=True).stdout for _ in "12"
    )
    assert first == again
    bill = json.loads(first)
    pinned = re.findall(r"^([A-Za-z0-9._-]+)(?:\[.*?\])?==", lock.read_text(encoding="utf-8"), re.MULTILINE)
    assert (bill["bomFormat"], bill["metadata"]["component"]["name"]) == ("CycloneDX", "mailuptime")
    assert sorted(part["name"] for part in bill["components"]) == sorted(name.lower() for name in pinned)
    assert all(part["version"] and part["properties"] for part in bill["components"])
    assert "://" not in first
