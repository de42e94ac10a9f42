"""One installation, as `make install` makes it, for all tests of a run that want one."""

import fcntl
import os
import subprocess
from pathlib import Path

import pytest

from tests.deploy.machine import ROOT

PYTHON = "/usr/bin/python3"
"""Debian's: the services' sandbox does not see a Python in somebody's home."""


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DESTDIR with everything in it, the browser's part too; not to be changed."""
    base = tmp_path_factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "tree"
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the workers of a run share it
        if not place.exists():
            making = place.with_name("tree-in-the-making")
            install = ["make", "-s", "install", "PREFIX=/usr", f"DESTDIR={making}", f"PYTHON={PYTHON}", "BROWSER=yes"]
            made = subprocess.run(install, cwd=ROOT, capture_output=True, text=True, check=False)
            assert made.returncode == 0, made.stderr
            making.rename(place)
    return place
