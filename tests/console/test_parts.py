"""Parts of the console alone: tokens that end, acts that the ledger does not take, values as officials write them."""

from zoneinfo import ZoneInfo

import pytest

from monitor.bookkeeper import NotDurableError
from monitor.console import forms
from monitor.console.forms import Form
from monitor.console.tokens import LASTS, Tokens
from monitor.console.visit import Person, Visit
from monitor.console.wording import Wording
from monitor.figures import Document
from monitor.ledger import LedgerError
from monitor.pages.rendering import Place
from monitor.texts import Language

ZONE = ZoneInfo("Asia/Bangkok")


def visit(language: Language, **form: str) -> Visit:
    return Visit(Person.of("user alice"), Place(language), Wording(language, ZONE), {}, {}, form)


def test_a_token_is_for_one_person_of_one_process_and_ends_after_a_working_day() -> None:
    now = 1000.0
    tokens, others = Tokens(lambda: now), Tokens(lambda: now)
    made = tokens.make("user alice")
    assert tokens.right(made, "user alice")
    assert not tokens.right(made, "user bob")
    assert not others.right(made, "user alice")
    now += LASTS - 1
    assert tokens.right(made, "user alice")
    now += 2
    assert not tokens.right(made, "user alice")
    stamp, _, signature = made.partition(".")
    assert not tokens.right(f"{int(stamp) + 1000}.{signature}", "user alice")


@pytest.mark.parametrize("error", [NotDurableError("the ledger cannot be written now"), LedgerError("disk full")])
async def test_what_the_ledger_does_not_take_is_said_and_what_was_typed_stays(error: Exception) -> None:
    async def act() -> Document:
        raise error

    form = Form(visit("en", reason="storage"), ("reason",))
    assert await form.sent(act()) is None
    assert not form.well
    assert str(error) in form.general[0]
    assert form.values == {"reason": "storage"}


def test_of_names_that_there_are_not_one_alone_is_compared_with_those_that_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A form holds thousands of them, and each comparison takes its time from the checks."""
    compared: list[str] = []

    def close(word: str, *_others: object, **_more: object) -> list[str]:
        compared.append(word)
        return ["mail"]

    monkeypatch.setattr(forms, "get_close_matches", close)
    form = Form(visit("en", scope="mail, male, " + "x," * 1000), ("scope",))
    form.names("scope", ["mail"])
    assert compared == ["male"]
    assert "male" in form.errors["scope"]


def test_lengths_are_rounded_up_and_what_is_left_is_rounded_down() -> None:
    english, thai = Wording("en", ZONE), Wording("th", ZONE)
    assert english.length(59.000001) == "1\u00a0min"
    assert english.length(61.5) == "1\u00a0min\u00a002\u00a0s"
    assert english.left(61.5) == "1\u00a0min\u00a001\u00a0s"
    assert english.left(-0.5) == "\u22121\u00a0s"
    assert thai.length(12_960) == "216\u00a0นาที"
    assert thai.hours(12_960) == "3 ชม. 36 นาที"


def test_moments_are_written_as_officials_do_and_are_never_torn() -> None:
    when = "2026-11-26T14:30:05+07:00"
    assert Wording("th", ZONE).moment(when) == "26\u00a0พ.ย.\u00a02569 14.30.05\u00a0น."
    assert Wording("en", ZONE).moment(when, seconds=False) == "26\u00a0Nov\u00a02026 14:30"
    assert Wording("th", ZONE).month("2026-11") == "พฤศจิกายน พ.ศ. 2569"
