"""Proves the log-in of SOGo against Debian's own sogod."""

from collections.abc import Iterator
from typing import Any

import pytest

from probes.errors import Cause
from tests.lab.sogo import USERNAME, Sogo
from tests.probes.conftest import Run, Secret


@pytest.fixture(scope="module")
def sogo() -> Iterator[Sogo]:
    with Sogo() as running:
        yield running


def reach(sogo: Sogo, password: str) -> dict[str, Any]:
    login = {"username": USERNAME, "password": Secret(password)}
    return {"url": sogo.url, "tls": "none", "flavour": "sogo", "login": login}


async def test_a_real_sogo_is_up_though_it_ends_each_connection_without_a_word(sogo: Sogo, run: Run) -> None:
    result = await run("webmail", reach(sogo, sogo.password))
    assert result.failure is None
    assert result.phases == ["dns", "connect", "page", "login", "logout"]
    assert result.steps.evidence.replies[0] == "HTTP 200"


async def test_a_real_sogo_refuses_a_wrong_password(sogo: Sogo, run: Run) -> None:
    result = await run("webmail", reach(sogo, "not-this-one-0451"))
    assert (result.cause, result.steps.failed) == (Cause.AUTH, "login")
    assert "S: HTTP 403" in result.steps.evidence.transcript
