"""Both catalogues say the same things, with the same values in them."""

import re
from datetime import UTC, date, datetime
from string import Formatter

import pytest

from monitor import texts
from monitor.texts import dates


def test_each_language_has_every_text() -> None:
    assert set(texts.of("th")) == set(texts.of("en"))


@pytest.mark.parametrize("key", sorted(texts.of("en")))
def test_a_text_takes_the_same_values_in_each_language(key: str) -> None:
    used = [{name for _, name, _, _ in Formatter().parse(_raw(language, key)) if name} for language in texts.LANGUAGES]
    assert used[0] == used[1]


@pytest.mark.parametrize("key", sorted(texts.of("th")))
def test_thai_is_written_in_thai(key: str) -> None:
    if key == "common.other_language":
        return
    words = re.sub(r"\{.*?\}|[^A-Za-z\u0e00-\u0e7f]", "", _raw("th", key))
    assert not words or re.search(r"[\u0e00-\u0e7f]", words) or words.isupper()


def test_dates_are_written_as_officials_do() -> None:
    when = datetime(2026, 11, 26, 14, 30, 5, tzinfo=UTC)
    assert dates.moment(when, "th") == "26 พ.ย. 2569 14.30 น."
    assert dates.moment(when, "en", seconds=True) == "26 Nov 2026 14:30:05"
    assert dates.month(when, "th") == "พฤศจิกายน พ.ศ. 2569"
    assert dates.day(date(2024, 2, 29), "th") == "29 กุมภาพันธ์ 2567"


def _raw(language: texts.Language, key: str) -> str:
    return texts.of(language)._texts[key]
