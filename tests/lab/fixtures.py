"""Decides how long a lab lives: one for all tests that only look, a fresh one for each that breaks one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Lab


@pytest.fixture(scope="session")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """For read-only use: whoever stops, freezes or changes something takes `lab` instead."""
    with Lab(tmp_path_factory.mktemp("shared-lab")) as lab:
        yield lab


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with Lab(tmp_path / "lab") as lab:
        yield lab
