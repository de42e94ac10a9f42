"""What bounds a request to `/probe`: time, number, account, and the addresses that are connected to."""

import asyncio
import json
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from monitor.clock import SystemClock
from monitor.core.check import Outcome
from monitor.logins import Access, Logins, account_of
from monitor.probeanswer import exposition, fnv1a, standard
from monitor.probing import LOGIN_PAUSE, Probing, RefusedProbeError, Request, seconds_for
from monitor.settings import Settings, load
from monitor.settings.modules import ModuleSettings
from probes.errors import Cause
from tests.probes.scripted import Peer, Script, close, serving, stall

HOST = "127.0.0.1"
ELSEWHERE = "127.9.9.9"
IMAP = Script(
    b"* OK there\r\n",
    {
        "CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n%T OK\r\n",
        "LOGIN": b"%T NO [AUTHENTICATIONFAILED] no\r\n",
        "LOGOUT": b"* BYE\r\n%T OK\r\n",
        "*": b"%T BAD\r\n",
    },
    tagged=True,
)


@dataclass(frozen=True)
class Stranger:
    """A server whose certificate is for another name."""

    ca_file: Path
    context: ssl.SSLContext


@pytest.fixture
def stranger(tmp_path: Path) -> Stranger:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("elsewhere.example").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return Stranger(tmp_path / "ca.pem", context)


class LaterClock(SystemClock):
    """Somewhat later than it is."""

    later = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.later


@pytest.fixture
def password(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.touch(mode=0o600)
    path.write_text("not-the-one-7712\n")
    return path


def settings(place: Path, *allow: str, modules: dict[str, Any] | None = None, concurrency: int = 16) -> Settings:
    target = {"name": "imap", "type": "imap", "host": "imap.example.go.th"}
    file = place / "mailuptime.yaml"
    document: dict[str, Any] = {"services": [{"name": "mail", "targets": [target]}], "modules": modules or {}}
    document["probe"] = {"concurrency": str(concurrency), **({"allow": list(allow)} if allow else {})}
    file.write_text(json.dumps(document))
    made = load(file)
    made.load_secrets()
    return made


def login(password: Path) -> dict[str, Any]:
    return {"type": "imap", "tls": "none", "login": {"username": "probe", "password": {"file": str(password)}}}


def log_ins(server: Script) -> int:
    return sum(b"LOGIN" in line for line in server.heard)


def module(timeout: int | None = None) -> ModuleSettings:
    return ModuleSettings("one", "imap", timeout, "full", {})


@pytest.mark.parametrize(
    ("header", "own", "expected"),
    [
        (None, None, 119.5),
        ("0", None, 119.5),
        ("10", None, 9.5),
        ("10", 5_000_000, 5.0),
        ("3", 5_000_000, 2.5),
        ("0.2", 5_000_000, 5.0),  # less than the offset: the module's own, as blackbox_exporter does
        ("1e300", None, 119.5),
    ],
)
def test_a_check_has_what_prometheus_gives_it_less_half_a_second_or_the_modules_own_time(
    header: str | None, own: int | None, expected: float
) -> None:
    assert seconds_for(header, module(own)) == pytest.approx(expected)


@pytest.mark.parametrize("header", ["soon", "nan", "inf", "-1"])
def test_a_time_out_that_is_none_is_refused_as_blackbox_exporter_refuses_it(header: str) -> None:
    with pytest.raises(RefusedProbeError) as caught:
        seconds_for(header, module())
    assert caught.value.status == 500


@pytest.mark.parametrize(
    ("request_", "status", "said"),
    [
        (Request("imap.example.go.th", "nothing"), 400, 'Unknown module "nothing"; known: tcp_connect'),
        (Request("imap.example.go.th", None), 400, 'Unknown module "http_2xx"'),
        (Request(None, "imap_banner"), 400, "Target parameter is missing"),
        (Request(" ", "imap_banner"), 400, "Target parameter is missing"),
        (Request("imap.example.go.th", "tcp_connect"), 400, "names no port; write HOST:PORT"),
        (Request("imap.example.go.th:99999", "tcp_connect"), 400, "has no port between 1 and 65535"),
        (Request("imap example:25", "tcp_connect"), 400, "not a host name"),
        (Request("a\nb:25", "tcp_connect"), 400, "not a host name"),
        (Request("imap.example.go.th", "imap_banner", hostname="a b"), 400, "not a host name"),
        (Request("evil.example:25", "tcp_connect"), 403, "evil.example:25 may not be probed: no target has this host"),
        (Request("169.254.169.254:80", "tcp_connect"), 403, "may not be probed"),
        (Request("imap.example.go.th", "web"), 400, "this url needs tls: none"),
    ],
)
async def test_a_request_that_is_not_carried_out_is_told_why_in_one_line(
    request_: Request, status: int, said: str, tmp_path: Path
) -> None:
    modules = {"web": {"type": "webmail"}}
    if request_.module == "web":
        request_ = Request("http://imap.example.go.th/", "web")
    probing = Probing(SystemClock(), lambda: made)
    made = settings(tmp_path, modules=modules)
    with pytest.raises(RefusedProbeError) as caught:
        await probing.probe(request_)
    assert (caught.value.status, said in str(caught.value), "\n" in str(caught.value)) == (status, True, False)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What the resolver says of `rebound.example`, look-up by look-up; the last answer stays."""
    answers: list[list[str]] = [[HOST]]
    real = socket.getaddrinfo

    def resolved(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if host != "rebound.example":
            return real(host, port, *rest, **more)
        if more.get("flags"):
            raise socket.gaierror(socket.EAI_NONAME, "no literal")
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    return answers


async def test_a_name_whose_addresses_lie_outside_the_networks_is_refused_and_not_connected_to(
    names: list[list[str]], tmp_path: Path
) -> None:
    names[:] = [[HOST]]
    made = settings(tmp_path, "192.0.2.0/24")
    async with serving(Script(b"", {"*": close})) as server:
        with pytest.raises(RefusedProbeError) as caught:
            await Probing(SystemClock(), lambda: made).probe(Request(f"rebound.example:{server.port}", "tcp_connect"))
        assert server.visits == 0
    assert caught.value.status == 403
    assert str(caught.value).endswith(f"may not be probed: not in probe.allow: {HOST}")


async def test_of_a_names_addresses_only_those_inside_are_connected_to(names: list[list[str]], tmp_path: Path) -> None:
    made = settings(tmp_path, f"{HOST}/32")
    async with listening(ELSEWHERE) as (port, visitors):
        names[:] = [[ELSEWHERE, HOST]]
        probed = await Probing(SystemClock(), lambda: made).probe(Request(f"rebound.example:{port}", "tcp_connect"))
    assert (probed.result.check.cause, probed.result.evidence.address) == (Cause.CONNECT_REFUSED, HOST)
    assert visitors == []


async def test_a_name_that_changes_its_address_after_it_was_checked_leads_nowhere_else(
    names: list[list[str]], stranger: Stranger, tmp_path: Path
) -> None:
    """The refused certificate is looked at by a second connection, which resolves the name anew."""
    made = settings(tmp_path, f"{HOST}/32")
    async with (
        serving(Script(b"", {"*": close}, tls=stranger.context)) as server,
        listening(ELSEWHERE, server.port) as (port, visitors),
    ):
        names[:] = [[HOST], [ELSEWHERE]]
        probed = await Probing(SystemClock(), lambda: made).probe(Request(f"rebound.example:{port}", "tls_connect"))
    assert probed.result.check.cause == Cause.TLS_CERTIFICATE
    assert names == [[ELSEWHERE]]
    assert visitors == []


@asynccontextmanager
async def listening(host: str, port: int = 0) -> AsyncIterator[tuple[int, list[Any]]]:
    visitors: list[Any] = []

    async def visit(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visitors.append(writer.get_extra_info("peername"))
        writer.close()

    async with await asyncio.start_server(visit, host, port) as server:
        yield server.sockets[0].getsockname()[1], visitors


async def test_requests_beyond_the_limit_are_turned_away_and_a_place_is_free_again_afterwards(tmp_path: Path) -> None:
    made = settings(tmp_path, HOST, concurrency=1)
    probing = Probing(SystemClock(), lambda: made)
    visited = asyncio.Event()

    async def hang(peer: Peer) -> None:
        visited.set()
        await stall(peer)

    async with serving(Script(hang, {"*": close})) as server:
        first = asyncio.create_task(probing.probe(Request(f"{HOST}:{server.port}", "imap_banner", timeout="30")))
        await visited.wait()
        with pytest.raises(RefusedProbeError) as caught:
            await probing.probe(Request(f"{HOST}:{server.port}", "tcp_connect"))
        first.cancel()
        await asyncio.wait([first])
        again = await probing.probe(Request(f"{HOST}:{server.port}", "tcp_connect"))
    assert (caught.value.status, str(caught.value)) == (503, "1 probes are at work already (probe.concurrency)")
    assert again.result.check.outcome is Outcome.UP


async def test_after_a_refused_log_in_all_but_the_log_in_is_checked_until_the_pause_is_over(
    tmp_path: Path, password: Path
) -> None:
    clock, made = LaterClock(), settings(tmp_path, HOST, modules={"mail": login(password)})
    probing = Probing(clock, lambda: made)
    async with serving(IMAP.but()) as server:
        request = Request(f"{HOST}:{server.port}", "mail")
        answers = [await probing.probe(request) for _ in range(3)]
        assert [one.result.check.cause for one in answers] == [Cause.AUTH, Cause.RESTING, Cause.RESTING]
        assert [one.result.check.outcome for one in answers] == [Outcome.DOWN, Outcome.UNKNOWN, Outcome.UNKNOWN]
        assert [one.paused > 0 for one in answers] == [False, True, True]
        assert (server.visits, log_ins(server)) == (3, 1)
        assert "mailuptime_probe_login_pause_seconds" in exposition(answers[1])
        assert "probe_success 0\n" in exposition(answers[1])
        clock.later = LOGIN_PAUSE
        assert (await probing.probe(request)).paused == 0
        assert log_ins(server) == 2


async def test_what_fails_before_the_log_in_fails_during_the_pause_too(tmp_path: Path, password: Path) -> None:
    made = settings(tmp_path, HOST, modules={"mail": login(password)})
    probing = Probing(SystemClock(), lambda: made)
    async with serving(IMAP.but()) as server:
        request = Request(f"{HOST}:{server.port}", "mail")
        await probing.probe(request)
    assert (await probing.probe(request)).result.check.cause == Cause.CONNECT_REFUSED


async def test_an_account_that_the_daemon_rests_is_not_logged_in_to(tmp_path: Path, password: Path) -> None:
    clock, made = LaterClock(), settings(tmp_path, HOST, modules={"mail": login(password)})
    logins = Logins(clock)
    logins.refused("mail/imap", Access(account_of("probe", HOST), 120, 960, 1), clock.monotonic(), 15)
    probing = Probing(clock, lambda: made, logins)
    async with serving(IMAP.but()) as server:
        probed = await probing.probe(Request(f"{HOST}:{server.port}", "mail"))
        assert (probed.result.check.cause, log_ins(server)) == (Cause.RESTING, 0)
        assert probed.result.reply.startswith(f"no log-in to probe at {HOST} for another 135 s")
        clock.later = 136
        await probing.probe(Request(f"{HOST}:{server.port}", "mail"))
        assert log_ins(server) == 1


async def test_a_request_waits_while_a_check_is_logged_in_and_its_refusal_puts_no_check_off(
    tmp_path: Path, password: Path
) -> None:
    made = settings(tmp_path, HOST, modules={"mail": login(password)})
    logins, account = Logins(SystemClock()), Access(account_of("probe", HOST), 120, 960, 3)
    probing = Probing(SystemClock(), lambda: made, logins)
    async with serving(IMAP.but()) as server:
        await logins.enter(account)
        with pytest.raises(RefusedProbeError) as caught:
            await probing.probe(Request(f"{HOST}:{server.port}", "mail", timeout="0.6"))
        assert (caught.value.status, server.visits) == (503, 0)
        assert "was in use by other checks all the time" in str(caught.value)
        await logins.leave(account)
        await probing.probe(Request(f"{HOST}:{server.port}", "mail"))
        assert log_ins(server) == 1
    assert logins.resting() == {}


async def test_a_new_configuration_ends_the_pause(tmp_path: Path, password: Path) -> None:
    current = [settings(tmp_path, HOST, modules={"mail": login(password)})]
    probing = Probing(SystemClock(), lambda: current[0])
    async with serving(IMAP.but()) as server:
        await probing.probe(Request(f"{HOST}:{server.port}", "mail"))
        current[0] = settings(tmp_path, HOST, modules={"mail": login(password)})
        await probing.probe(Request(f"{HOST}:{server.port}", "mail"))
        assert server.visits == 2


async def test_an_account_is_used_by_one_probe_at_a_time(tmp_path: Path, password: Path) -> None:
    made = settings(tmp_path, HOST, modules={"mail": login(password)})
    probing = Probing(SystemClock(), lambda: made)
    async with serving(IMAP.but()) as server:
        request = Request(f"{HOST}:{server.port}", "mail")
        answers = await asyncio.gather(*(probing.probe(request) for _ in range(5)))
        assert log_ins(server) == 1
    assert Counter(one.result.check.cause for one in answers) == {Cause.AUTH: 1, Cause.RESTING: 4}


async def test_a_hostname_is_what_the_certificate_must_be_for(stranger: Stranger, tmp_path: Path) -> None:
    module = {"type": "tcp", "tls": {"mode": "implicit", "ca_file": str(stranger.ca_file)}}
    made = settings(tmp_path, HOST, modules={"tls": module})
    probing = Probing(SystemClock(), lambda: made)
    async with serving(Script(b"", {"*": close}, tls=stranger.context)) as server:
        target = f"{HOST}:{server.port}"
        plain = await probing.probe(Request(target, "tls"))
        named = await probing.probe(Request(target, "tls", hostname="elsewhere.example"))
    assert (plain.result.check.cause, named.result.check.cause) == (Cause.TLS_CERTIFICATE, None)


async def test_a_target_that_was_encoded_once_more_is_understood(tmp_path: Path) -> None:
    made = settings(tmp_path, HOST)
    async with serving(Script(b"", {"*": close})) as server:
        probed = await Probing(SystemClock(), lambda: made).probe(Request(f"{HOST}%3A{server.port}", "tcp_connect"))
    assert probed.result.check.outcome is Outcome.UP


def test_an_address_is_hashed_and_a_cipher_named_as_blackbox_exporter_does() -> None:
    assert [fnv1a(text) for text in (b"", b"a", b"foobar")] == [0x811C9DC5, 0xE40C292C, 0xBF9CF968]
    assert standard("ECDHE-RSA-AES256-GCM-SHA384") == "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
    assert standard("ECDHE-ECDSA-AES128-SHA256") == "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"
    assert standard("ECDHE-RSA-CHACHA20-POLY1305") == "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"
    assert standard("TLS_AES_128_GCM_SHA256") == "TLS_AES_128_GCM_SHA256"
    ours = {standard(cipher["name"]) for cipher in ssl.create_default_context().get_ciphers()}
    assert [name for name in ours if name.startswith("ECDHE")] == []
