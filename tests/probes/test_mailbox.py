"""Proves what is asked of a mailbox beside opening it, however full it is and whatever the server says of it."""

from typing import Any

import pytest

from probes.errors import Cause
from tests.probes.conftest import Run
from tests.probes.scripted import Act, close, serving
from tests.probes.test_imap import POLITE as IMAP
from tests.probes.test_pop3 import POLITE as POP3

COUNTING = IMAP.but(
    AUTHENTICATE=b"%T OK [CAPABILITY IMAP4rev1 QUOTA] in\r\n",
    GETQUOTAROOT=b'* QUOTAROOT INBOX "User (quota)"\r\n* QUOTA "User (quota)" (STORAGE 300 1000)\r\n%T OK\r\n',
)


def clear(port: int, login: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": port, "tls": "none", "login": login} | more


QUOTAS: dict[str, tuple[bytes, float | None]] = {
    "one resource": (b'* QUOTA "" (STORAGE 300 1000)\r\n', 0.3),
    "the fullest of several": (b"* QUOTA a (STORAGE 1 1000 MESSAGE 9 10)\r\n* QUOTA b (STORAGE 1 2)\r\n", 0.9),
    "more than allowed": (b'* QUOTA "" (STORAGE 1500 1000)\r\n', 1.5),
    "no limit": (b'* QUOTA "" (STORAGE 300 0)\r\n', None),
    "no resource": (b'* QUOTAROOT INBOX\r\n* QUOTA "" ()\r\n', None),
    "a name that looks like a resource": (b'* QUOTA "STORAGE 9 10" (STORAGE 1 10)\r\n', 0.1),
    "nothing": (b"", None),
    "numbers beyond all bounds": (b'* QUOTA "" (STORAGE ' + b"9" * 5000 + b" 1)\r\n", None),
}


@pytest.mark.parametrize(("said", "used"), QUOTAS.values(), ids=QUOTAS)
async def test_a_quota_is_the_fullest_share(said: bytes, used: float | None, run: Run, login: dict[str, Any]) -> None:
    async with serving(COUNTING.but(GETQUOTAROOT=said + b"%T OK done\r\n")) as script:
        result = await run("imap", clear(script.port, login))
    assert result.failure is None
    assert result.steps.evidence.quota_used == used


async def test_a_server_that_keeps_its_quota_to_itself_is_up(run: Run, login: dict[str, Any]) -> None:
    async with serving(COUNTING.but(GETQUOTAROOT=b"%T NO [NOPERM] no\r\n")) as script:
        result = await run("imap", clear(script.port, login))
    assert result.failure is None
    assert result.steps.evidence.quota_used is None
    assert ("quota", "NO [NOPERM]") in result.steps.evidence.codes


async def test_a_server_that_closes_over_its_quota_is_named_for_it(run: Run, login: dict[str, Any]) -> None:
    async with serving(COUNTING.but(GETQUOTAROOT=close)) as script:
        result = await run("imap", clear(script.port, login))
    assert (result.cause, result.steps.failed) == (Cause.DISCONNECTED, "quota")


async def test_capabilities_are_asked_for_again_where_the_login_did_not_tell(run: Run, login: dict[str, Any]) -> None:
    listed = b"* CAPABILITY IMAP4rev1 AUTH=PLAIN QUOTA\r\n%T OK\r\n"
    changed = COUNTING.but(CAPABILITY=listed, AUTHENTICATE=b"* CAPABILITY IMAP4rev1 QUOTA\r\n%T OK in\r\n")
    async with serving(changed) as script:
        told = await run("imap", clear(script.port, login))
    async with serving(COUNTING.but(AUTHENTICATE=b"%T OK in\r\n")) as silent:
        asked = await run("imap", clear(silent.port, login))
    assert told.steps.evidence.quota_used == 0.3
    assert sum(b"CAPABILITY" in line for line in script.heard) == 1
    assert asked.failure is None
    assert sum(b"CAPABILITY" in line for line in silent.heard) == 2


async def test_without_quota_nobody_asks(run: Run, login: dict[str, Any]) -> None:
    async with serving(COUNTING.but()) as script:
        result = await run("imap", clear(script.port, login, quota=False))
    assert result.phases[-3:] == ["select", "status", "quit"]
    assert not any(b"QUOTA" in line for line in script.heard)


async def test_of_a_large_mailbox_only_the_newest_message_is_listed(run: Run, login: dict[str, Any]) -> None:
    large: dict[str, Act] = {
        "STAT": b"+OK 70000 9000000\r\n",
        "LIST": b"+OK 70000 120\r\n",
        "UIDL": b"+OK 70000 abc\r\n",
    }
    async with serving(POP3.but(**large)) as script:
        result = await run("pop3", clear(script.port, login))
    assert result.failure is None
    assert result.steps.evidence.figures == {"messages": 70000, "octets": 9000000}
    assert script.heard[-3:] == [b"LIST 70000\r\n", b"UIDL 70000\r\n", b"QUIT\r\n"]


async def test_identities_are_not_asked_for_where_they_are_not_offered(run: Run, login: dict[str, Any]) -> None:
    async with serving(POP3.but(CAPA=b"+OK\r\nUSER\r\n.\r\n")) as script:
        result = await run("pop3", clear(script.port, login))
    assert result.failure is None
    assert "uidl" not in result.phases


@pytest.mark.parametrize("kind", ["imap", "pop3"])
async def test_without_a_login_no_mailbox_is_asked_for(kind: str, run: Run) -> None:
    async with serving((COUNTING if kind == "imap" else POP3).but()) as script:
        result = await run(kind, {"host": "127.0.0.1", "port": script.port, "tls": "none"})
    assert result.failure is None
    assert result.phases == ["dns", "connect", "greeting", "capability", "quit"]


async def test_a_mailbox_that_is_open_to_everybody_is_left_alone_without_a_login(run: Run) -> None:
    async with serving(COUNTING.but(greeting=b"* PREAUTH come in\r\n")) as script:
        result = await run("imap", {"host": "127.0.0.1", "port": script.port, "tls": "none"})
    assert result.failure is None
    assert "select" not in result.phases


@pytest.mark.parametrize(
    ("kind", "greeting", "code"),
    [
        ("imap", b"* BYE [UNAVAILABLE] later\r\n", "BYE [UNAVAILABLE]"),
        ("pop3", b"-ERR [SYS/TEMP] later\r\n", "-ERR [SYS/TEMP]"),
        ("pop3", b"-ERR\r\n", "-ERR"),
    ],
)
async def test_the_code_of_a_greeting_is_kept(kind: str, greeting: bytes, code: str, run: Run) -> None:
    async with serving((COUNTING if kind == "imap" else POP3).but(greeting=greeting)) as script:
        result = await run(kind, {"host": "127.0.0.1", "port": script.port, "tls": "none"})
    assert result.steps.failed == "greeting"
    assert result.steps.evidence.codes == [("greeting", code)]
