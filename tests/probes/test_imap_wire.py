"""A plain reply is taken whole, anything else line by line: nobody can tell which it was."""

import asyncio
from itertools import pairwise, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.base import Steps
from probes.errors import ProbeFailureError
from probes.imap_wire import Wire
from probes.lines import MAX_LINES, LineBuffer

ANSWER = b"TAG OK done\r\n"
PIECES = (
    b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n", b"* 3 EXISTS\r\n", b"* OK [UIDNEXT 4] x\r\n", ANSWER, b"TAG NO [X] y\r\n",
    b"TAG BYE\r\n", b"TAGX OK\r\n", b"tag OK\r\n", b"* BYE now\r\n", b"* bye\r\n", b"* BYEBYE\r\n", b"+ go on\r\n",
    b"* LIST () {3}\r\nabc x\r\n", b"* LIST () {3}\r\n", b"* x {2+}\r\n", b"* x}\r\n", b"* {99999999999}\r\n", b"x\r\n",
    b"* a\n", b"* b\r\r\n", b"* \0\r\n", b"*", b"\r\n", b"\n", b"\r", b"* \xff\r\n", b"TAG OK }\r\n", b"TAG OK {3}\r\n",
)  # fmt: skip
COMMANDS = ("CAPABILITY", "LOGOUT", "STARTTLS")


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.aborted = False

    def write(self, data: Any) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


async def met(command: str, chunks: list[bytes], *, transcript: bool) -> object:
    """What comes of a command whose answer arrives in these chunks; with a transcript every line is looked at."""
    steps, transport = Steps(lambda: 0.0, transcript=transcript), Transport()
    wire = Wire(steps)
    wire.tagpre = "A"  # else a random one
    wire.connection_made(transport)
    wire.data_received(b"* OK ready\r\n")
    running = asyncio.ensure_future(wire.run(command))
    await asyncio.sleep(0)
    tag = transport.written.partition(b" ")[0]
    for chunk in chunks:
        wire.data_received(chunk.replace(b"TAG", tag))
        await asyncio.sleep(0)
    failure = wire._failure
    wire.connection_lost(None)
    found = (await asyncio.gather(running, return_exceptions=True))[0]
    said = str(found) if isinstance(found, BaseException) else (found.result, [bytes(line) for line in found.lines])
    left = len(wire._buffer), wire._buffer._lines, wire._buffer._bytes, wire._literal, wire._continues, wire._deaf
    return (said, str(failure)), steps.evidence.codes, left


async def same(command: str, chunks: list[bytes]) -> None:
    whole, each = [await met(command, chunks, transcript=kept) for kept in (False, True)]
    assert whole == each, (command, chunks)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_reply_taken_whole_is_one_that_was_looked_at_line_by_line(command: str) -> None:
    async def all_of_them() -> None:
        for first, second in product(PIECES, repeat=2):
            await same(command, [first + second + ANSWER])
            await same(command, [first, second + ANSWER, second])

    asyncio.run(all_of_them())


@settings(max_examples=300)
@given(st.sampled_from(COMMANDS), st.lists(st.sampled_from(PIECES)), st.lists(st.integers(0, 150), max_size=3))
def test_so_it_is_wherever_it_is_cut(command: str, pieces: list[bytes], cuts: list[int]) -> None:
    reply = b"".join((*pieces, ANSWER))
    ends = sorted({0, len(reply), *(cut for cut in cuts if cut < len(reply))})
    asyncio.run(same(command, [reply[a:b] for a, b in pairwise(ends)]))


def test_more_lines_than_a_session_may_have_are_too_many_however_they_are_taken() -> None:
    chunk = b"* 1 EXISTS\r\n" * 90 + b"TAG OK done\r\n"
    asyncio.run(same("CAPABILITY", [chunk]))
    buffer = LineBuffer()
    for _ in range(MAX_LINES // 91):
        buffer.push(chunk)
        buffer.skip(91)
    with pytest.raises(ProbeFailureError, match="lines in one session"):
        buffer.skip(91)
