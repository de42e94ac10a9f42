"""Proves that whatever a server does in whichever turn, a check ends with the cause of it and leaves nothing behind."""

import tracemalloc
from typing import Any

import pytest

from probes import session
from probes.errors import Cause
from tests.probes.conftest import Run
from tests.probes.leaks import nothing_left
from tests.probes.scripted import (
    Act,
    Deluge,
    Script,
    close,
    drip,
    flood,
    half_close,
    in_turn,
    reset,
    serving,
    stall,
    then_close,
)
from tests.probes.test_webmail import LOGIN_FORM
from tests.probes.turns import FAREWELLS, TURNS, VERBS, Turn, http, reach

EVERY_TURN = pytest.mark.parametrize("turn", TURNS, ids=str)
MIB = 1 << 20
HUNDRED_MEGABYTES = 100 * MIB

ENDINGS: dict[str, tuple[Act, Cause]] = {
    "closes": (close, Cause.DISCONNECTED),
    "resets": (reset, Cause.DISCONNECTED),
    "says no more": (half_close, Cause.DISCONNECTED),
    "sends noise": (bytes(range(0x80, 0x100)) + b"\r\n", Cause.PROTOCOL),
    "sends noise without end": (flood((bytes(range(0x80, 0x100)) + b"\r\n") * 50), Cause.PROTOCOL),
    "sends NULs": (b"\0\0\0\0\r\n", Cause.PROTOCOL),
    "speaks Thai": ("สวัสดี\r\n".encode(), Cause.PROTOCOL),
}
GOODBYES = {
    "imap": b"* BYE shutting down\r\n",
    "pop3": b"-ERR [SYS/TEMP] shutting down\r\n",
    "submission": b"421 4.3.2 shutting down\r\n",
    "sieve": b'BYE "shutting down"\r\n',
    "webmail": http("shutting down", "503 Service Unavailable"),
}
BEGUN = {
    "imap": b"* 2",
    "pop3": b"+OK",
    "submission": b"220-",
    "sieve": b'"A',
    "webmail": b"HTTP/1.1 200 OK ",
}
MORE_TO_COME = {
    "imap": b"* OK x\r\n",
    "pop3": b"+OK\r\n" + b"1 2\r\n" * 50,
    "submission": b"220-x\r\n",
    "sieve": b'"A" "b"\r\n',
    "webmail": b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 50,
}


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Any:
    """Nothing is logged and nothing printed, a traceback least of all."""
    yield
    assert [record.getMessage() for record in caplog.records if record.levelname != "DEBUG"] == []
    assert capfd.readouterr() == ("", "")


@EVERY_TURN
@pytest.mark.parametrize(("act", "cause"), ENDINGS.values(), ids=ENDINGS)
async def test_a_server_is_named_for_it_in_every_turn(
    turn: Turn, act: Act, cause: Cause, run: Run, login: dict[str, Any]
) -> None:
    async with nothing_left(), serving(turn.play(act)) as script:
        result = await run(turn.protocol, turn.options(script, login))
    assert (result.cause, result.steps.failed) == (cause, turn.phase)


@EVERY_TURN
async def test_a_server_may_close_within_a_line_in_every_turn(turn: Turn, run: Run, login: dict[str, Any]) -> None:
    async with nothing_left(), serving(turn.play(then_close(BEGUN[turn.protocol]))) as script:
        result = await run(turn.protocol, turn.options(script, login))
    assert (result.cause, result.steps.failed) == (Cause.DISCONNECTED, turn.phase)


@EVERY_TURN
async def test_empty_lines_without_end_are_no_reply_in_any_turn(turn: Turn, run: Run, login: dict[str, Any]) -> None:
    """Before an HTTP reply they are to be ignored (RFC 9112 section 2.2), but not for ever."""
    async with nothing_left(), serving(turn.play(flood(b"\r\n" * 4000))) as script:
        result = await run(turn.protocol, turn.options(script, login))
    assert (result.cause, result.steps.failed) == (Cause.PROTOCOL, turn.phase)


@EVERY_TURN
@pytest.mark.parametrize("drips", [False, True], ids=["stalls", "drips"])
async def test_a_server_that_does_not_come_to_an_end_is_left_to_the_deadline_in_every_turn(
    drips: bool, turn: Turn, run: Run, login: dict[str, Any]
) -> None:
    act = drip(BEGUN[turn.protocol]) if drips else stall
    async with nothing_left(), serving(turn.play(act)) as script:
        result = await run(turn.protocol, turn.options(script, login), expire=turn.phase)
    assert (result.timed_out, result.steps.failed) == (True, turn.phase)


@EVERY_TURN
async def test_a_server_may_say_goodbye_in_every_turn(turn: Turn, run: Run, login: dict[str, Any]) -> None:
    """SMTP, POP3 and HTTP have a code for "not now"; BYE in the midst of a dialogue only ends it."""
    async with nothing_left(), serving(turn.play(then_close(GOODBYES[turn.protocol]))) as script:
        result = await run(turn.protocol, turn.options(script, login))
    only_ends = turn.protocol in {"imap", "sieve"} and turn.phase != "greeting"
    cause = Cause.DISCONNECTED if only_ends else Cause.REJECTED_TEMPORARY
    if str(turn) == "pop3-capability":  # an -ERR there says that the server does not tell its capabilities
        assert (result.cause, result.steps.failed) == (Cause.DISCONNECTED, "auth")
        return
    assert (result.cause, result.steps.failed) == (cause, turn.phase)


@EVERY_TURN
@pytest.mark.parametrize("lines", [False, True], ids=["in one line", "in lines"])
async def test_of_a_hundred_megabytes_little_is_taken_in_every_turn(
    lines: bool, turn: Turn, run: Run, login: dict[str, Any]
) -> None:
    """What the kernel buffers on the way is counted too, on both sides."""
    deluge = Deluge(MORE_TO_COME[turn.protocol] * 200 if lines else b"A" * 8192, HUNDRED_MEGABYTES)
    tracemalloc.start()
    try:
        async with nothing_left(), serving(turn.play(deluge)) as script:
            result = await run(turn.protocol, turn.options(script, login))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert result.cause is Cause.PROTOCOL
    assert deluge.accepted < 16 * MIB
    assert peak < 8 * MIB


async def test_the_connection_that_is_timed_is_the_one_that_is_used(run: Run) -> None:
    async with serving(Script(b"", {"GET": http(LOGIN_FORM), "*": b""})) as script:
        result = await run("webmail", reach("webmail", script.port, None))
    assert (result.failure, script.visits) == (None, 1)


async def test_only_a_kept_connection_that_ends_is_asked_for_once_more(run: Run) -> None:
    kept = http("", "302 Found", "Location: /mail/").replace(b"Connection: close\r\n", b"")
    async with (
        nothing_left(),
        serving(Script(b"", {"GET": in_turn(kept, close, http(LOGIN_FORM)), "*": b""})) as script,
    ):
        result = await run("webmail", reach("webmail", script.port, None))
    assert (result.failure, script.visits) == (None, 2)
    async with nothing_left(), serving(Script(b"", {"GET": in_turn(close, http(LOGIN_FORM)), "*": b""})) as script:
        result = await run("webmail", reach("webmail", script.port, None))
    assert (result.cause, script.visits) == (Cause.DISCONNECTED, 1)


@pytest.mark.parametrize("turn", [turn for turn in TURNS if turn.protocol == "webmail"], ids=str)
async def test_continuing_without_end_is_no_reply(turn: Turn, run: Run, login: dict[str, Any]) -> None:
    async with nothing_left(), serving(turn.play(flood(b"HTTP/1.1 100 Continue\r\n\r\n" * 400))) as script:
        result = await run(turn.protocol, turn.options(script, login))
    assert (result.cause, result.steps.failed) == (Cause.PROTOCOL, turn.phase)


@pytest.mark.parametrize("protocol", VERBS)
@pytest.mark.parametrize(
    "act", [*(act for act, _ in ENDINGS.values()), stall, drip(b"2")], ids=[*ENDINGS, "stalls", "drips"]
)
async def test_whatever_is_done_at_the_farewell_is_no_failure(
    protocol: str, act: Act, run: Run, login: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "FAREWELL_SECONDS", 0.05)
    script, _ = VERBS[protocol]
    async with nothing_left(), serving(script.but(**{FAREWELLS[protocol]: act})) as server:
        result = await run(protocol, reach(protocol, server.port, login))
    assert (result.failure, result.timed_out, result.phases[-1]) == (None, False, "quit")
