"""What a page quotes of the code stands in the code."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "ADDING_A_PROBE.md").read_text(encoding="utf-8")
QUOTES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
TOUCHED = re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE)


@pytest.mark.parametrize("quote", QUOTES, ids=lambda quote: quote.splitlines()[0].strip()[:40])
def test_the_page_on_adding_a_probe_quotes_the_code_to_the_letter(quote: str) -> None:
    sources = [(ROOT / name).read_text(encoding="utf-8") for name in TOUCHED if name.endswith(".py")]
    assert any(quote in source for source in sources)


def test_the_page_names_five_files_that_are_there() -> None:
    assert len(TOUCHED) == 5
    assert [name for name in TOUCHED if not (ROOT / name).is_file()] == []
