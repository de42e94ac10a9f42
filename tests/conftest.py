"""Gives every test the lab's fixtures, the event loop that the daemon runs on, and a log that no test has set up."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from monitor import loops

pytest_plugins = ["tests.lab.fixtures"]

# However busy the machine: no test has a threshold of time
settings.register_profile("patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

SLOW = ("soak", "endure", "e2e", "deploy", "console", "statuspage", "web", "report", "incidents", "lab", "declare")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--loop", choices=("best", "asyncio"), default="best", help="uvloop where there is one, or not")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long goes first, so that no worker is left alone with it at the end.

    It takes long because it runs servers and daemons, several at once on few cores: one more try, which the closing
    line counts and the summary shows. A second failure is a failure.
    """
    for item in items:
        if _part(item) in SLOW:
            item.add_marker(pytest.mark.flaky(reruns=1))
    items.sort(key=lambda item: SLOW.index(found) if (found := _part(item)) in SLOW else len(SLOW))


def _part(item: pytest.Item) -> str:
    return item.path.relative_to(Path(__file__).parent).parts[0]


def pytest_asyncio_loop_factories(config: pytest.Config) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    made = asyncio.new_event_loop if config.getoption("--loop") == "asyncio" else loops.factory()
    return {"loop": made}


@pytest.fixture(autouse=True)
def fresh_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever configures it, in this process, does so for one test: no logger keeps what it was first used with."""
    usual = structlog.configure

    def configure(**settings: object) -> None:
        usual(**{**settings, "cache_logger_on_first_use": False})  # type: ignore[arg-type]

    monkeypatch.setattr(structlog, "configure", configure)
    yield
    structlog.reset_defaults()
