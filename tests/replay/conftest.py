"""Gives the tests of `replay` and `export` a directory to work in."""

from pathlib import Path

import pytest

from tests.replay.commands import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """With a service `mail` of one target `t`."""
    made = Desk(tmp_path)
    made.configure("t")
    return made
