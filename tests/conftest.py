"""Gives every test the fixtures of the lab, and a log that no test before it has set up."""

from collections.abc import Iterator

import pytest
import structlog

pytest_plugins = ["tests.lab.fixtures"]


@pytest.fixture(autouse=True)
def fresh_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever configures it, in this process, does so for one test: no logger keeps what it was first used with."""
    usual = structlog.configure

    def configure(**settings: object) -> None:
        usual(**{**settings, "cache_logger_on_first_use": False})  # type: ignore[arg-type]

    monkeypatch.setattr(structlog, "configure", configure)
    yield
    structlog.reset_defaults()
