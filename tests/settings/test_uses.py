"""`use:` in a configuration: what it means, and each way in which it can mean nothing."""

from pathlib import Path

import pytest

from monitor.assembly import rules_of, targets_of
from monitor.settings import ConfigurationError, Settings, load

SERVICES = """
services:
  - name: cluster
    targets:
      - {{name: smtp, type: smtp, host: mx.example.go.th, counts: no}}
      - {{name: imap, type: imap, host: imap.example.go.th}}
  - name: agency
    down_when: {rule}
    targets:
      - {{use: {use}}}
      - {{name: pop3, type: pop3, host: pop.example.go.th}}
{more}
"""


def loaded(directory: Path, use: str = "cluster/smtp", rule: str = "all", more: str = "") -> Settings:
    file = directory / "mailuptime.yaml"
    file.write_text(SERVICES.format(use=use, rule=rule, more=more))
    return load(file)


def problems(directory: Path, use: str, more: str = "") -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        loaded(directory, use, more=more)
    return [str(problem).removeprefix(f"{directory}/") for problem in caught.value.problems]


def test_a_target_that_is_used_is_checked_once_and_counts_in_both(tmp_path: Path) -> None:
    settings = loaded(tmp_path)

    assert list(targets_of(settings)) == ["cluster/smtp", "cluster/imap", "agency/pop3"]
    rules = rules_of(settings)
    assert list(rules.targets) == ["cluster/smtp", "cluster/imap", "agency/pop3"]
    # Whether it counts is said by each service for itself: where it is declared it does not.
    assert rules.services["cluster"].targets == ("cluster/imap",)
    assert rules.services["agency"].targets == ("agency/pop3", "cluster/smtp")
    assert rules.services["agency"].at_least == 2
    assert type(rules).of(rules.document()) == rules


def test_a_use_that_does_not_count_decides_nothing(tmp_path: Path) -> None:
    rules = rules_of(loaded(tmp_path, "cluster/smtp, counts: no"))

    assert (rules.services["agency"].targets, rules.services["agency"].at_least) == (("agency/pop3",), 1)


def test_a_service_may_consist_of_nothing_but_uses(tmp_path: Path) -> None:
    rules = rules_of(loaded(tmp_path, more="  - {name: other, targets: [{use: cluster/imap}, {use: agency/pop3}]}"))

    assert rules.services["other"].targets == ("cluster/imap", "agency/pop3")


def test_of_a_round_trip_each_pair_can_be_used(tmp_path: Path) -> None:
    login = "login: {username: probe@example.go.th, password: {file: /etc/mailuptime/probe}}"
    more = f"""
  - name: trips
    targets:
      - {{name: out, type: submission, host: smtp.example.go.th, {login}}}
      - {{name: one, type: imap, host: imap.example.go.th, {login}}}
      - {{name: two, type: imap, host: imap.example.go.th, {login}}}
      - {{name: delivery, type: roundtrip, submit: out, fetch: [one, two]}}
  - {{name: other, targets: [{{use: trips/delivery-out-two}}]}}
"""
    assert rules_of(loaded(tmp_path, more=more)).services["other"].targets == ("trips/delivery-out-two",)
    assert len(targets_of(loaded(tmp_path, more=more))) == 8


@pytest.mark.parametrize(
    ("use", "said"),
    [
        ("cluster/smpt", 'there is no target "cluster/smpt"; did you mean "cluster/smtp"?'),
        ("clutser/smtp", 'there is no target "clutser/smtp"; did you mean "cluster/smtp"?'),
        ("cluster", '"cluster" is no target; write service/target'),
        ("agency/pop3", '"agency/pop3" would be a target of its own service; use names another\'s'),
        ("other/smtp", 'there is no target "other/smtp"; it is used there, and is cluster/smtp'),  # a using of a using
    ],
)
def test_what_is_no_target_of_another_service_cannot_be_used(tmp_path: Path, use: str, said: str) -> None:
    more = "  - {name: other, targets: [{use: cluster/smtp}]}"

    assert problems(tmp_path, use, more) == [f"mailuptime.yaml:10:15: services[1].targets[0].use: {said}"]


def test_uses_that_go_round_in_a_circle_name_nothing(tmp_path: Path) -> None:
    said = problems(tmp_path, "other/x", "  - {name: other, targets: [{use: agency/x}]}")

    assert [line.partition(": ")[2] for line in said] == [
        'services[1].targets[0].use: there is no target "other/x"; name it as it is declared',
        'services[2].targets[0].use: there is no target "agency/x"; name it as it is declared',
    ]


def test_a_use_has_keys_of_its_own_and_stands_once(tmp_path: Path) -> None:
    more = "  - {name: o, targets: [{use: agency/pop3}, {use: agency/pop3}]}"

    said = problems(tmp_path, "cluster/smtp, interval: 5m", more)

    assert [line.partition(": ")[2] for line in said] == [
        "services[1].targets[0].interval: unknown key; known: counts, use",
        'services[2].targets[1].use: "agency/pop3" is used twice',
    ]


def test_a_service_in_which_no_use_counts_is_refused(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, "cluster/smtp", "  - {name: o, targets: [{use: agency/pop3, counts: no}]}")

    assert said.endswith("services[2].targets: no target counts; leave out counts: false on one of them")


def test_a_window_names_a_used_target_as_it_is_declared(tmp_path: Path) -> None:
    window = "maintenance: [{{scope: [{}], start: 2026-12-05T01:00, end: 2026-12-05T03:00, reason: x, by: ops}}]"

    assert loaded(tmp_path, more=window.format("cluster/smtp")).maintenance[0].scope == ("cluster/smtp",)
    (said,) = problems(tmp_path, "cluster/smtp", window.format("agency/smtp"))
    assert said.endswith('there is no target "agency/smtp"; it is used there, and is cluster/smtp')
