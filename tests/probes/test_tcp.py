"""Any service over TCP: reached, and by TLS where its certificate is good. Nothing is said to it."""

import pytest
from pydantic import ValidationError

from probes.errors import Cause
from probes.tcp import TcpOptions
from tests.lab import Lab
from tests.probes.conftest import Authority, Run
from tests.probes.scripted import Script, close, serving, stall

HOST = "127.0.0.1"


@pytest.mark.parametrize("pulse", [False, True])
async def test_a_service_that_says_nothing_is_well_and_hears_nothing(pulse: bool, run: Run) -> None:
    async with serving(Script(stall, {"*": close})) as server:
        result = await run("tcp", {"host": HOST, "port": server.port}, pulse=pulse)
    assert (result.failure, result.phases, server.heard) == (None, ["dns", "connect"], [])


async def test_a_real_service_by_tls_shows_its_certificate(shared_lab: Lab, run: Run) -> None:
    tls = {"mode": "implicit", "ca_file": shared_lab.ca_file}
    result = await run("tcp", {"host": HOST, "port": shared_lab.ports.imaps, "tls": tls})
    assert (result.failure, result.phases) == (None, ["dns", "connect", "tls"])
    assert result.steps.evidence.certificate is not None
    assert result.steps.evidence.certificate.problem is None


async def test_a_certificate_of_another_name_is_refused_and_looked_at(authority: Authority, run: Run) -> None:
    async with serving(Script(stall, {"*": close}, tls=authority.other_name)) as server:
        tls = {"mode": "implicit", "ca_file": authority.ca_file}
        result = await run("tcp", {"host": HOST, "port": server.port, "tls": tls})
    assert (result.cause, result.steps.failed) == (Cause.TLS_CERTIFICATE, "tls")
    assert result.steps.evidence.certificate is not None
    assert result.steps.evidence.certificate.problem == "name"


async def test_where_nothing_listens_the_connection_is_refused(run: Run) -> None:
    async with serving(Script(stall, {"*": close})) as server:
        pass
    result = await run("tcp", {"host": HOST, "port": server.port})
    assert result.cause is Cause.CONNECT_REFUSED


def test_there_is_no_starttls_where_nothing_is_said() -> None:
    with pytest.raises(ValidationError, match="tls is none or implicit"):
        TcpOptions.model_validate({"host": HOST, "port": 25, "tls": "starttls"})
