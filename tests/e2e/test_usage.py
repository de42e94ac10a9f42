"""Wrong usage is one line that says what is wrong and where more is said, with the status 2."""

import pytest

from tests.e2e.commands import assert_refused, mailuptime


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "mailuptime: the following arguments are required: COMMAND"),
        (("frob",), "invalid choice: 'frob'"),
        (("sla", "--mnth", "2026-11"), "unrecognized arguments: --mnth 2026-11"),
        (("maintenance", "add", "--reason", "x"), "--start; mailuptime maintenance add --help says how"),
    ],
)
def test_wrong_usage_is_one_line(arguments: tuple[str, ...], words: str) -> None:
    assert_refused(mailuptime(*arguments), 2, words)
