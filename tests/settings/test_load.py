"""What a good configuration becomes."""

import socket
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.instants import DAY, HOUR, MINUTE, SECOND, parse_instant
from monitor.settings import ConfigurationError, Settings, load, load_exclusions, load_maintenance
from monitor.settings.fields import AtLeast
from probes import REGISTRY

EXAMPLE = Path(__file__).parents[2] / "config" / "mailuptime.yaml"
MINIMAL = """
services:
  - name: mail
    targets:
      - {name: imap, type: imap, host: imap.example.go.th}
"""
WINDOW = "start: 2026-12-05T01:00+07:00, end: 2026-12-05T03:00+07:00, reason: upgrade, by: ops"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mailuptime.yaml"


def loaded(file: Path, text: str) -> Settings:
    file.write_text(text)
    return load(file)


def test_the_example_loads_and_says_what_it_shows() -> None:
    settings = load(EXAMPLE)

    (service,) = settings.services
    assert {target.type for target in service.targets} == set(REGISTRY)  # it shows every type of probe
    assert service.title.th == "เมลกลางภาครัฐ (MailGoThai)"
    assert service.accounts == 250_000
    assert [window.reason for window in settings.maintenance] == ["storage upgrade", "patching"]
    assert settings.exclusions == ()


def test_the_example_shows_the_defaults(file: Path) -> None:
    example, minimal = load(EXAMPLE), loaded(file, MINIMAL)

    for name in ("sla", "ledger", "web", "control", "metrics", "log", "defaults", "maintenance_policy"):
        assert getattr(example, name) == getattr(minimal, name), name


def test_the_least_configuration_has_the_agreement_and_the_defaults(file: Path) -> None:
    settings = loaded(file, MINIMAL)

    assert settings.zone == ZoneInfo("Asia/Bangkok")
    assert settings.sla.availability == Fraction("99.5")
    assert settings.sla.downtime_budget == 216 * MINUTE
    assert settings.sla.close_after == 7 * DAY
    assert settings.ledger.path == Path("/var/lib/mailuptime/ledger.db")
    assert settings.web.listen == ("127.0.0.1", 9925)
    assert settings.metrics.months == 13
    (target,) = settings.services[0].targets
    assert (target.interval, target.timeout, target.stale_after) == (60 * SECOND, 15 * SECOND, 135 * SECOND)
    assert (target.confirm.failures, target.confirm.interval) == (3, 5 * SECOND)
    assert (target.recover.successes, target.recover.interval) == (2, 15 * SECOND)
    assert (target.pulse, target.counts) == (5 * SECOND, True)
    assert settings.services[0].down_when == "any"


def test_a_target_takes_what_it_does_not_say_from_the_defaults(file: Path) -> None:
    settings = loaded(
        file,
        """
defaults: {interval: 2m, timeout: 20s, confirm: {failures: 4, interval: 7s}, recover: {successes: 5}, pulse: off}
services:
  - name: mail
    targets:
      - {name: one, type: imap, host: imap.example.go.th}
      - name: two
        type: imap
        host: imap.example.go.th
        interval: 5m
        confirm: {interval: 9s}
        pulse: 3s
        stale_after: 10m
""",
    )

    one, two = settings.services[0].targets
    assert (one.interval, one.confirm.failures, one.confirm.interval, one.pulse) == (2 * MINUTE, 4, 7 * SECOND, None)
    assert (two.interval, two.confirm.failures, two.confirm.interval, two.pulse) == (
        5 * MINUTE,
        4,
        9 * SECOND,
        3 * SECOND,
    )
    assert (one.recover.successes, two.recover.successes) == (5, 5)
    assert (one.stale_after, two.stale_after) == (4 * MINUTE + 20 * SECOND, 10 * MINUTE)


def test_with_a_short_interval_the_cadence_that_nobody_chose_is_shortened_too(file: Path) -> None:
    settings = loaded(file, "defaults: {interval: 2s, timeout: 1s}" + MINIMAL)

    (target,) = settings.services[0].targets
    assert (target.confirm.interval, target.recover.interval, target.pulse) == (2 * SECOND, 2 * SECOND, None)


def test_text_that_yaml_would_turn_into_something_else_stays_text(file: Path) -> None:
    settings = loaded(
        file,
        """
services:
  - name: 22
    title: {th: 22:30, en: NO}
    targets:
      - {name: on, type: imap, host: 1e3, mailbox: 010, counts: yes}
      - {name: no, type: imap, host: 0x10, mailbox: "null", counts: no}
""",
    )

    (service,) = settings.services
    assert (service.name, service.title.th, service.title.en) == ("22", "22:30", "NO")
    on, no = service.targets
    assert (on.name, on.options.host, on.options.mailbox, on.counts) == ("on", "1e3", "010", True)  # type: ignore[attr-defined]
    assert (no.name, no.options.host, no.options.mailbox, no.counts) == ("no", "0x10", "null", False)  # type: ignore[attr-defined]


def test_a_key_without_a_value_is_as_good_as_left_out(file: Path) -> None:
    empty = "sla:\nlog: {level: ~}\ndefaults: {stale_after: null}\nmaintenance:\nexclusions:\nself_test:\n"

    assert loaded(file, empty + MINIMAL) == loaded(file, MINIMAL)


def test_anchors_and_merge_keys_are_understood_and_own_keys_win(file: Path) -> None:
    settings = loaded(
        file,
        """
services:
  - name: mail
    targets:
      - &one {name: one, type: imap, host: &host imap.example.go.th, port: 993, interval: 2m}
      - {<<: *one, name: two, host: *host, interval: 5m}
      - {<<: [{name: three, type: imap, host: other.example.go.th}, *one]}
""",
    )

    one, two, three = settings.services[0].targets
    assert (one.options, one.interval) == (two.options, 2 * MINUTE)
    assert (two.name, two.interval) == ("two", 5 * MINUTE)
    assert (three.name, three.options.host, three.options.port) == ("three", "other.example.go.th", 993)  # type: ignore[attr-defined]


def test_a_byte_order_mark_and_dos_line_ends_do_not_matter(file: Path) -> None:
    expected = loaded(file, MINIMAL)
    file.write_bytes(b"\xef\xbb\xbf" + MINIMAL.replace("\n", "\r\n").encode())

    assert load(file) == expected


def test_relative_paths_start_at_the_configuration(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("ledger: {path: ledger.db}" + MINIMAL.replace("}", ", tls: {mode: implicit, ca_file: ca.pem}}"))
    monkeypatch.chdir(tmp_path)

    settings = load(Path(file.name))

    assert settings.ledger.path == tmp_path / "ledger.db"
    assert settings.services[0].targets[0].options.tls.ca_file == tmp_path / "ca.pem"  # type: ignore[attr-defined]


def test_services_can_consist_of_services(file: Path) -> None:
    settings = loaded(file, MINIMAL + "  - {name: all, members: [mail], down_when: {at_least: 1}}\n")

    assert settings.services[1].members == ("mail",)
    assert settings.services[1].down_when == AtLeast(1)


def test_a_service_can_promise_something_of_its_own(file: Path) -> None:
    settings = loaded(
        file,
        MINIMAL.replace("    targets", "    sla: {availability: 99.95 %}\n    since: 2026-11-01T00:00\n    targets"),
    )

    (service,) = settings.services
    assert (service.sla.availability, service.sla.downtime_budget) == (Fraction("99.95"), None)
    assert service.since == parse_instant("2026-11-01T00:00+07:00", settings.zone)


def test_self_tests_are_names_or_addresses(file: Path) -> None:
    settings = loaded(file, "self_test: [resolver, gateway, tcp://192.0.2.1:53]" + MINIMAL)

    assert [(test.name, test.address) for test in settings.self_test] == [
        ("resolver", None),
        ("gateway", None),
        ("tcp://192.0.2.1:53", ("192.0.2.1", 53)),
    ]


def test_an_exclusion_can_name_an_outage_in_place_of_a_span(file: Path) -> None:
    settings = loaded(
        file,
        f"{MINIMAL}exclusions:\n"
        "  - {outage: mail-20261110T030100Z, category: force_majeure, evidence: flood, by: ops, approved_by: me}\n",
    )

    (exclusion,) = settings.exclusions
    assert (exclusion.outage, exclusion.start, exclusion.end) == ("mail-20261110T030100Z", None, None)


def test_listening_on_ipv6_is_written_in_brackets(file: Path) -> None:
    assert loaded(file, 'web: {listen: "[::1]:0"}' + MINIMAL).web.listen == ("::1", 0)


def test_a_window_is_identified_by_its_content_and_not_by_when_it_was_declared(file: Path) -> None:
    one, two, other = (
        loaded(file, f"{MINIMAL}maintenance:\n  - {{{WINDOW}{more}}}\n").maintenance[0].id
        for more in ("", ", declared: 2026-12-01T09:00, approved_by: manager", ", scope: mail")
    )

    assert one == two != other


def test_the_order_of_a_scope_is_no_part_of_a_windows_identity(file: Path) -> None:
    one, two = (
        loaded(file, f"{MINIMAL}maintenance:\n  - {{{WINDOW}, scope: [{scope}]}}\n").maintenance[0].id
        for scope in ("mail, mail/imap", "mail/imap, mail")
    )

    assert one == two


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=MONTHLY;BYDAY=1SU",
        "RRULE:FREQ=WEEKLY;BYDAY=SU",
        "freq=daily;until=20271231T000000",
        "FREQ=DAILY;UNTIL=20271231T000000Z",
        "FREQ=DAILY;COUNT=3",
        "FREQ=YEARLY;BYMONTH=12;BYDAY=SU;BYSETPOS=1",
        "FREQ=HOURLY;INTERVAL=6",
    ],
)
def test_recurrences_that_begin_at_their_start_are_accepted(file: Path, rule: str) -> None:
    settings = loaded(
        file,
        f"{MINIMAL}maintenance:\n"
        f"  - {{start: 2026-12-06T02:00, rrule: {rule}, duration: 1h, reason: patching, by: ops}}\n",
    )

    assert (settings.maintenance[0].rrule, settings.maintenance[0].duration) == (rule, HOUR)


def test_windows_recur_in_local_time_of_their_own_zone(file: Path) -> None:
    text = "start: 2026-03-01T02:00+01:00, rrule: FREQ=WEEKLY;UNTIL=20260405T000000Z, duration: 1h"

    settings = loaded(
        file, f"{MINIMAL}maintenance:\n  - {{{text}, timezone: Europe/Berlin, reason: patching, by: ops}}\n"
    )

    assert settings.maintenance[0].timezone == "Europe/Berlin"


def test_recorded_windows_are_read_from_a_bare_list_in_yaml_or_json(file: Path, tmp_path: Path) -> None:
    settings = loaded(file, MINIMAL)
    yaml, json = tmp_path / "windows.yaml", tmp_path / "windows.json"
    yaml.write_text(f"- {{{WINDOW}, scope: mail/imap}}\n")
    json.write_text(
        '[{"start": "2026-12-05T01:00+07:00", "end": "2026-12-05T03:00+07:00", "reason": "upgrade",\n'
        '  "by": "ops", "scope": ["mail/imap"]}]'
    )

    assert load_maintenance(yaml, settings) == load_maintenance(json, settings)
    assert load_maintenance(yaml, settings)[0].scope == ("mail/imap",)


def test_recorded_exclusions_may_show_that_their_author_approved_them(file: Path, tmp_path: Path) -> None:
    settings = loaded(file, MINIMAL)
    recorded = tmp_path / "exclusions.yaml"
    recorded.write_text(
        "- {start: 2026-12-05T01:00, end: 2026-12-05T03:00, category: customer, evidence: x, by: a, approved_by: a}\n"
    )

    (exclusion,) = load_exclusions(recorded, settings)

    assert exclusion.approved_by == exclusion.by == "a"


def test_an_empty_list_of_windows_is_well(file: Path, tmp_path: Path) -> None:
    recorded = tmp_path / "none.yaml"
    recorded.write_text("# nothing was declared\n")

    assert load_maintenance(recorded, loaded(file, MINIMAL)) == ()


def test_problems_of_recorded_windows_name_their_own_file_and_line(file: Path, tmp_path: Path) -> None:
    settings = loaded(file, MINIMAL)
    recorded = tmp_path / "windows.yaml"
    recorded.write_text(f"- {{{WINDOW}}}\n- {{{WINDOW}, scope: mial}}\n")

    with pytest.raises(ConfigurationError) as caught:
        load_maintenance(recorded, settings)

    said = f'{recorded}:2:97: [1].scope: there is no service "mial"; did you mean "mail"?'
    assert str(caught.value) == said


def test_recorded_windows_that_are_no_list_are_refused(file: Path, tmp_path: Path) -> None:
    settings = loaded(file, MINIMAL)
    recorded = tmp_path / "windows.yaml"
    recorded.write_text("maintenance: []\n")

    with pytest.raises(ConfigurationError) as caught:
        load_exclusions(recorded, settings)

    assert str(caught.value) == f"{recorded}:1:1: a list is expected, not a mapping"


def test_loading_opens_no_socket_and_looks_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_more: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)

    assert load(EXAMPLE).services


def test_targets_that_say_the_same_share_it_and_others_do_not(file: Path) -> None:
    one = "type: imap, host: imap.example.go.th, tls: {mode: implicit, min_days_left: %d}, confirm: {interval: 4s}"
    targets = "".join(f"      - {{name: t{n}, {one % days}}}\n" for n, days in enumerate((7, 7, 8)))
    (service,) = loaded(file, f"services:\n  - name: mail\n    targets:\n{targets}").services
    first, second, third = service.targets
    assert getattr(first.options, "tls") is getattr(second.options, "tls")  # noqa: B009
    assert getattr(third.options, "tls").min_days_left == 8  # noqa: B009
    assert first.confirm is third.confirm


def test_the_same_file_loads_to_equal_settings() -> None:
    assert load(EXAMPLE) == load(EXAMPLE)


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_whatever_a_file_holds_it_is_settings_or_problems(
    tmp_path_factory: pytest.TempPathFactory, content: str | bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "anything.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode(errors="surrogatepass"))

    with pytest.raises(ConfigurationError) as caught:
        load(file)

    assert caught.value.problems


TREES = st.recursive(
    st.none() | st.text("ab01%:/-{}*&!#", max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "type", "targets", "members", "tls", "login", "password", "start", "rrule", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from(["sla", "services", "maintenance", "exclusions", "defaults"]), TREES))
def test_a_value_of_the_wrong_shape_is_a_problem_wherever_it_stands(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, object]
) -> None:
    import json  # noqa: PLC0415 - JSON is YAML: the quickest way to write any tree

    file = tmp_path_factory.getbasetemp() / "tree.yaml"
    file.write_text(json.dumps(tree))

    with pytest.raises(ConfigurationError) as caught:
        load(file)

    assert all(problem.line for problem in caught.value.problems)
