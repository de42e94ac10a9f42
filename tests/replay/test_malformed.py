"""What is wrong with a file is said a line each, and then there are no figures."""

import json

import pytest

from monitor.checklines import LONGEST_LINE
from tests.replay.commands import Desk, Done

AT = '"at": "2026-11-10T10:00:00+07:00"'
GOOD = f'{{{AT}, "target": "mail/t", "outcome": "up"}}'


def extended(more: str) -> str:
    """A good line with one more key."""
    return f"{GOOD[:-1]}, {more}}}"


def dated(at: object) -> str:
    return json.dumps({"at": at, "target": "mail/t", "outcome": "up"})


MALFORMED = {
    "no JSON": ("up", "not JSON: Expecting value at column 1; write one JSON object a line"),
    "two values": (f"{GOOD} {GOOD}", "not JSON: Extra data at column 74; write one JSON object a line"),
    "a list": ("[]", 'an object is expected, not a list; write it as in {"at": …, "target": …}'),
    "too deep": ("[" * 60_000, "not JSON: nested too deeply; write one JSON object a line"),
    "no target": (f'{{{AT}, "outcome": "up"}}', "target is missing; a line needs at, target, outcome"),
    "another target": (GOOD.replace("mail/t", "mail/tt"), 'there is no target "mail/tt"; did you mean "mail/t"?'),
    "another service": (GOOD.replace("mail/t", "x"), 'there is no target "x"; known: mail/t'),
    "another outcome": (GOOD.replace('"up"', '"UP"'), 'unknown outcome "UP"; write up, down or unknown'),
    "an unknown key": (extended('"duration": 1'), 'unknown key "duration"; did you mean "duration_seconds"?'),
    "a key twice": (extended('"outcome": "up"'), '"outcome" stands there twice; leave one of them out'),
    "a target of no text": (GOOD.replace('"mail/t"', "7"), "target: text is expected, not a number; "),
    "an outcome of no text": (GOOD.replace('"up"', "true"), "outcome: text is expected, not true or false; "),
    "a time of no text": (dated(1_793_934_000), "at: text is expected, not a number; "),
    "no time": (dated("10.11.2026"), 'at: not a time: "10.11.2026"; write it as in 2026-12-05T01:00:00+07:00'),
    "a day that is none": (dated("2026-02-30T10:00:00Z"), 'at: there is no time "2026-02-30T10:00:00Z": '),
    "seven decimals": (dated("2026-11-10T10:00:00.1234567Z"), "has more than six decimals; microseconds"),
    "a voice after time": (
        f'{{"at": "9998-12-30T00:00:00Z", "target": "mail/t", "outcome": "up", "voice_seconds": {2 * 86_400}}}',
        "the check reaches beyond the year 9998; correct at, or the seconds",
    ),
    "NaN": (extended('"duration_seconds": NaN'), "NaN is no number; write seconds as a JSON number, as in 12.5"),
    "infinity": (extended('"voice_seconds": -Infinity'), "-Infinity is no number; write seconds"),
    "a negative duration": (extended('"duration_seconds": -0.000001'), "duration_seconds is negative; "),
    "a negative voice": (extended('"voice_seconds": -5'), "voice_seconds is negative; "),
    "too exact": (extended('"duration_seconds": 0.1234567'), "duration_seconds has more than six decimals; "),
    "far too exact": (extended('"duration_seconds": 1e-999999'), "duration_seconds has more than six decimals; "),
    "far too long": (extended('"duration_seconds": 1e999999'), "duration_seconds is longer than a century; "),
    "an endless exponent": (extended(f'"duration_seconds": 1e{"9" * 40}'), "a number is out of all bounds; "),
    "endless digits": (extended(f'"duration_seconds": {"9" * 5_000}'), "a number has too many digits; "),
    "a duration of text": (extended('"duration_seconds": "1"'), "duration_seconds: a number is expected, not text; "),
    "a duration of truth": (extended('"duration_seconds": true'), "a number is expected, not true or false; "),
    "no duration": (extended('"duration_seconds": null'), "duration_seconds: a number is expected, not null; "),
    "a word for speaks": (extended('"speaks": "no"'), "speaks: true or false is expected, not text; "),
    "a cause of no text": (extended('"cause": 7'), "cause: text is expected, not a number; "),
    "a cause of two lines": (extended(r'"cause": "a\nb"'), "cause: not 1 to 200 printable characters; "),
    "a byte order mark": (f"\ufeff{GOOD}", "begins with a byte order mark; save the file as UTF-8 without one"),
    "an endless line": (f"{GOOD}{' ' * LONGEST_LINE}", f"longer than {LONGEST_LINE} bytes; write one check a line"),
    "a forged line": (GOOD.replace("mail/t", r"x\nchecks.jsonl:9: well"), r"x\nchecks.jsonl:9: well"),
}


def assert_refused(done: Done, *lines: str) -> None:
    assert (done.status, done.out) == (65, "")
    found = done.err.splitlines()
    assert len(found) == len(lines), done.err
    assert [part for part, line in zip(lines, found, strict=True) if part not in line] == [], done.err


@pytest.mark.parametrize(("text", "expected"), MALFORMED.values(), ids=list(MALFORMED))
def test_a_malformed_line_is_named_with_what_to_do(desk: Desk, text: str, expected: str) -> None:
    checks = desk.file("checks.jsonl", f"{GOOD}\n{text}\n{GOOD}\n")
    done = desk.replay(checks)
    assert_refused(done, expected)
    assert done.err.startswith(f"{checks}:2: ")


def test_a_local_time_that_occurs_twice_is_shown_both_ways(desk: Desk) -> None:
    desk.configure("t", sla={"timezone": "Europe/Berlin"})
    checks = desk.file("checks.jsonl", dated("2026-10-25T02:30:00"))
    assert_refused(desk.replay(checks, month="2026-10"), "2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00")


def test_bytes_that_are_no_utf_8_are_refused(desk: Desk) -> None:
    checks = desk.directory / "checks.jsonl"
    checks.write_bytes(GOOD.encode() + b"\n" + extended('"cause": "caf').encode() + b'\xe9"}\n')
    assert_refused(desk.replay(checks), "checks.jsonl:2: not UTF-8: byte ")


def test_a_file_that_ends_in_the_middle_of_a_line_is_refused(desk: Desk) -> None:
    checks = desk.file("checks.jsonl", f"{GOOD}\n{GOOD[:-9]}")
    assert_refused(desk.replay(checks), "checks.jsonl:2: not JSON: ")


def test_of_many_malformed_lines_ten_are_shown_and_the_rest_is_counted(desk: Desk) -> None:
    checks = desk.file("checks.jsonl", "up\n" * 25)
    shown = [f"checks.jsonl:{number}: not JSON" for number in range(1, 11)]
    assert_refused(desk.replay(checks), *shown, "checks.jsonl: 15 more lines like these")


def test_malformed_lines_keep_their_numbers_in_a_file_without_order(desk: Desk) -> None:
    late, early = (GOOD.replace("T10", hour) for hour in ("T12", "T11"))
    checks = desk.file("checks.jsonl", f"\n{late}\n{early}\nup\n   \n{GOOD}\ndown")
    assert_refused(desk.replay(checks), "checks.jsonl:4: not JSON", "checks.jsonl:7: not JSON")


def test_lines_after_until_are_read_and_refused_as_well(desk: Desk) -> None:
    checks = desk.file("checks.jsonl", f"{GOOD}\nup\n")
    assert_refused(desk.replay(checks, "--until", "2026-11-01T00:00"), "checks.jsonl:2: not JSON")


def test_empty_lines_and_windows_line_ends_are_no_matter(desk: Desk) -> None:
    checks = desk.file("checks.jsonl", f"\n{GOOD}\r\n   \r\n\n{GOOD}")
    assert desk.replay(checks).status == 0


def test_numbers_are_read_exactly_however_they_are_written(desk: Desk) -> None:
    """Two voices that meet to the microsecond, and a third that falls one short."""
    voices = ['"voice_seconds": 0.1', '"voice_seconds": 1.99999e-1', '"voice_seconds": 2.0000000e+0, "cause": null']
    instants = ("10:00:00", "10:00:00.1", "10:00:00.3")
    lines = [extended(voice).replace("10:00:00", instant) for voice, instant in zip(voices, instants, strict=True)]
    done = desk.replay(desk.file("checks.jsonl", "\n".join(lines)), "--until", "2026-11-10T10:00:02")
    assert done.service["unknown_seconds"] == 0.000001
    assert done.service["up_seconds"] == 1.999999


def test_a_file_that_is_not_there_is_one_line(desk: Desk) -> None:
    assert_refused(desk.replay(desk.directory / "none.jsonl"), "none.jsonl: No such file or directory; ")
    assert_refused(desk.replay(f"{desk.directory}/./none.jsonl"), "none.jsonl: No such file or directory; ")
    assert_refused(desk.replay(desk.directory), "Is a directory; ")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--month", "2026-13"), 'there is no month "2026-13"'),
        (("--month", "november"), 'not a month: "november"'),
        (("--until", "noon"), 'not a time: "noon"'),
    ],
)
def test_a_bad_month_or_time_is_wrong_usage(desk: Desk, arguments: tuple[str, ...], part: str) -> None:
    done = desk.replay(desk.file("checks.jsonl", GOOD), *arguments)
    assert (done.status, done.out) == (2, "")
    assert part in done.err


def test_a_bad_configuration_is_78(desk: Desk) -> None:
    desk.file("mailuptime.yaml", "services: []\nsla: {timzone: UTC}\n")
    done = desk.replay(desk.file("checks.jsonl", GOOD))
    assert (done.status, done.out) == (78, "")


@pytest.mark.parametrize("what", ["maintenance", "exclusions"])
def test_a_bad_list_of_declarations_is_refused_with_its_places(desk: Desk, what: str) -> None:
    listed = desk.file("list.yaml", "\n- {start: 2026-11-10T10:00, by: ops, reasn: upgrade}\n")
    done = desk.replay(desk.file("checks.jsonl", GOOD), f"--{what}", listed)
    assert (done.status, done.out) == (65, "")
    assert "reasn: unknown key" in done.err
    assert all(line.startswith(f"{listed}:2:") for line in done.err.splitlines())
