"""Gives every test the fixtures of the lab, and the event loop that the daemon runs on."""

import asyncio
from collections.abc import Callable, Mapping

import pytest

from monitor import loops

pytest_plugins = ["tests.lab.fixtures"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--loop", choices=("best", "asyncio"), default="best", help="uvloop where there is one, or not")


def pytest_asyncio_loop_factories(config: pytest.Config) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    made = asyncio.new_event_loop if config.getoption("--loop") == "asyncio" else loops.factory()
    return {"loop": made}
