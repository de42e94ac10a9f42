"""Proves that what a server sends is gone through once: no answer of the longest kind keeps the event loop busy."""

import re
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes import forms
from tests.probes.conftest import Run
from tests.probes.scripted import serving
from tests.probes.turns import TURNS, Turn, http

LONG = 60_000  # of a line of 64 KiB
LETTERS = {"word": b"A", "escapes": b'\\"', "parentheses": b"(", "pairs": b"a=", "numbers": b"1 "}
ANSWERS = {
    "imap": b'* QUOTA "" (%s)\r\n* STATUS "" (%s)\r\n* 3 EXISTS\r\n* CAPABILITY IMAP4rev1 %s\r\n%%T OK [%s] done\r\n',
    "sieve": b'"SIEVE" "%s\r\n"SIEVE" "x"\r\n"%s"\r\n{%d}\r\n%s\r\nOK (%s) "%s"\r\n',
    "pop3": b"+OK 1 [%s] <%s>\r\n1 %s\r\n.\r\n",
    "submission": b"250-AUTH %s\r\n250-%s\r\n250 2.1.0 %s\r\n",
    "webmail": b'<form action="%s"><input %s><input name="%s>"task": "%s display_message("%s',
}
PAGES = {
    "names": b"<input " + b"a" * 1990 + b">",
    "tags": b"<form>",
    "fields": b"<input a=b>",
    "attributes": b"<input " + b"a=b " * 490 + b">",
    "quotes": b"<input " + b"a='b=\"" * 300 + b">",
    "entities": b"<input value='" + b"&amp" * 480 + b"'>",
}


def filled(answer: bytes, letters: bytes) -> bytes:
    long = letters * (LONG // len(letters))
    sizes = re.findall(rb"%[sd]", answer)
    return answer % tuple(len(long) if size == b"%d" else long for size in sizes)


@pytest.mark.parametrize("letters", LETTERS.values(), ids=LETTERS)
@pytest.mark.parametrize("turn", TURNS, ids=str)
async def test_the_longest_lines_are_gone_through_at_once_in_every_turn(
    turn: Turn, letters: bytes, run: Run, login: dict[str, Any]
) -> None:
    """An expression that goes back over them takes a quarter of a minute for one, and nothing else runs meanwhile."""
    answer = filled(ANSWERS[turn.protocol], letters)
    async with serving(turn.play(http(answer.decode()) if turn.protocol == "webmail" else answer)) as script:
        result = await run(turn.protocol, turn.options(script, login))
    assert not result.timed_out


def calls(work: Callable[[], object]) -> int:
    """How many functions are called in it, those written in C too."""
    counted = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal counted
        counted += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counted


@pytest.mark.parametrize("piece", PAGES.values(), ids=PAGES)
def test_a_page_of_tags_is_no_more_work_than_its_bounds(piece: bytes) -> None:
    text = piece.decode()
    few = calls(lambda: forms.find_form(text * forms.MAX_TAGS, {"_user", "_pass"}))
    many = calls(lambda: forms.find_form(text * (forms.MAX_TAGS * 8), {"_user", "_pass"}))
    assert many < 2 * few  # the garbage collector's calls are counted too
    assert few <= 20 * forms.MAX_TAGS * forms.MAX_ATTRIBUTES


@given(st.text(alphabet="aA-=/ \"'\n", max_size=200))
def test_what_was_looked_at_in_a_tag_is_not_looked_at_again(text: str) -> None:
    """Between two attributes lies only what can begin none."""
    at = 0
    for found in forms._ATTRIBUTE.finditer(text):
        assert not re.sub(r"[\s\"'=/]", "", text[at : found.start()])
        at = found.end()
    assert not re.sub(r"[\s\"'=/]", "", text[at:])


def test_a_field_behind_the_bound_is_not_found() -> None:
    log_in = '<form action="in"><input name="_user"><input name="_pass">'
    assert forms.find_form("<input>" * (forms.MAX_TAGS - 3) + log_in, {"_user", "_pass"})
    assert forms.find_form("<input>" * (forms.MAX_TAGS - 2) + log_in, {"_user", "_pass"}) is None
