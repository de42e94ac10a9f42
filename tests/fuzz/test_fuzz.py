"""A few thousand spoilt inputs of a seed, as `make fuzz` has a million of."""

import pytest

from tests.fuzz.__main__ import survive
from tests.fuzz.dialogues import Dialogue, dialogues
from tests.fuzz.parsers import Parser, parsers

INPUTS = 300


@pytest.mark.parametrize("target", [*dialogues(), *parsers()], ids=lambda target: target.name)
async def test_nothing_but_a_failure_of_the_probe_comes_of_any_input(target: Dialogue | Parser) -> None:
    outcome = await survive(target, "test", INPUTS)
    assert outcome.inputs == INPUTS
    assert outcome.findings == {}


async def test_what_must_not_happen_is_found() -> None:
    """Such as a parser that trips over its input."""

    def trip(data: bytes) -> None:
        data.decode("ascii")

    tripping = await survive(Parser("tripping", (b"\xff",), trip), "test", 20)
    assert any("UnicodeDecodeError" in finding for finding in tripping.findings)
