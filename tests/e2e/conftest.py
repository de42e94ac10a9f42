"""Gives the tests that only look one daemon over one lab."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Lab, wait_until
from tests.lab.configuration import configuration, free_port
from tests.lab.daemon import Daemon, states


@pytest.fixture(scope="session", autouse=True)
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Commands start from compiled code, as installed ones do, also where the environment keeps it off the tree."""
    with pytest.MonkeyPatch.context() as environment:
        if sys.dont_write_bytecode:
            environment.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
            environment.setenv("PYTHONPYCACHEPREFIX", str(tmp_path_factory.mktemp("compiled")))
        yield


@pytest.fixture(scope="session")
def standing(shared_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that finds everything up: nobody stops it, and nobody breaks what it probes."""
    port = free_port()
    with Daemon(configuration(shared_lab, tmp_path_factory.mktemp("standing"), port), port) as daemon:
        wait_until(lambda: set(states(daemon).values()) == {"up"}, "every target to be up", seconds=30)
        yield daemon


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory for a configuration, apart from the one that a lab of this test has."""
    directory = tmp_path / "place"
    directory.mkdir()
    return directory
