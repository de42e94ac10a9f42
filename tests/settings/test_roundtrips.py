"""A stanza of round trips stands for every pair of its ends, and has defaults of its own."""

from pathlib import Path

import pytest

from monitor.core.instants import DAY, MINUTE, SECOND
from monitor.settings import ConfigurationError, Settings, load
from monitor.settings.models import TargetSettings

HEAD = """\
defaults: {interval: 30s, timeout: 10s, confirm: {failures: 4, interval: 2s}, recover: {interval: 3s}, pulse: 2s}
services:
  - name: relay
    targets:
      - {name: in, type: smtp, host: mx.example, login: &probe {username: probe@example.org, password: {env: P}}}
  - name: mail
    down_when: {at_least: 3}
    targets:
      - {name: submission, type: submission, host: smtp.example, login: *probe}
      - {name: imap, type: imap, host: imap.example, login: *probe}
      - {name: pop3, type: pop3, host: pop.example, login: *probe, counts: false}
"""


def read(tmp_path: Path, stanza: str, more: str = "") -> Settings:
    file = tmp_path / "mailuptime.yaml"
    file.write_text(f"{HEAD}      - {{name: delivery, type: roundtrip, {stanza}}}\n{more}")
    return load(file)


def trips(settings: Settings) -> dict[str, TargetSettings]:
    return {one.name: one for one in settings.services[1].targets if one.type == "roundtrip"}


def ends(target: TargetSettings) -> tuple[str, str]:
    options = target.options
    return options.submit[0], options.fetch[0]  # type: ignore[attr-defined]


def test_one_pair_keeps_its_name(tmp_path: Path) -> None:
    (found,) = trips(read(tmp_path, "submit: submission, fetch: [imap]")).items()
    assert (found[0], ends(found[1])) == ("delivery", ("mail/submission", "mail/imap"))


def test_a_matrix_is_a_target_for_each_pair(tmp_path: Path) -> None:
    found = trips(read(tmp_path, "submit: [submission, relay/in], fetch: [imap, pop3]"))
    assert {name: ends(target) for name, target in found.items()} == {
        "delivery-submission-imap": ("mail/submission", "mail/imap"),
        "delivery-submission-pop3": ("mail/submission", "mail/pop3"),
        "delivery-relay-in-imap": ("relay/in", "mail/imap"),
        "delivery-relay-in-pop3": ("relay/in", "mail/pop3"),
    }


def test_every_pair_counts_by_itself_where_the_stanza_counts(tmp_path: Path) -> None:
    assert read(tmp_path, "submit: submission, fetch: imap").services[1].down_when
    with pytest.raises(ConfigurationError, match="3 can never be down; targets that count: 2"):
        read(tmp_path, "submit: submission, fetch: [imap, pop3], counts: false")


def test_a_window_can_be_scoped_to_a_pair(tmp_path: Path) -> None:
    window = "maintenance: [{scope: SCOPE, start: 2026-12-05T01:00Z, end: 2026-12-05T02:00Z, reason: r, by: ops}]\n"
    matrix = "submit: submission, fetch: [imap, pop3]"
    scope = read(tmp_path, matrix, window.replace("SCOPE", "mail/delivery-submission-pop3")).maintenance[0].scope
    assert scope == ("mail/delivery-submission-pop3",)
    with pytest.raises(ConfigurationError, match="mail/delivery"):
        read(tmp_path, matrix, window.replace("SCOPE", "mail/delivery"))


def test_a_round_trip_is_not_hurried_by_the_defaults_of_the_others(tmp_path: Path) -> None:
    (trip,) = trips(read(tmp_path, "submit: submission, fetch: imap")).values()
    assert (trip.interval, trip.deadline, trip.give_up) == (5 * MINUTE, 4 * MINUTE, DAY)
    assert (trip.timeout, trip.stale_after) == (4 * MINUTE + 30 * SECOND, 14 * MINUTE + 30 * SECOND)
    assert (trip.confirm.failures, trip.confirm.interval, trip.recover.interval) == (4, 5 * MINUTE, 5 * MINUTE)
    assert trip.pulse is None


def test_what_a_round_trip_says_itself_holds_and_its_check_fits_into_its_interval(tmp_path: Path) -> None:
    stanza = "submit: submission, fetch: imap, interval: 10s, confirm: {interval: 1s}, pulse: 4s, give_up: 1h"
    (trip,) = trips(read(tmp_path, stanza)).values()
    assert (trip.interval, trip.deadline, trip.timeout) == (10 * SECOND, 8 * SECOND, 9 * SECOND)
    assert (trip.confirm.interval, trip.recover.interval, trip.pulse) == (SECOND, 10 * SECOND, 4 * SECOND)
