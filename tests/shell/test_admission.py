"""Whom `/probe` may ask about: rules by name, by name and port, by domain and by network."""

import pytest

from monitor.admission import Admission, Rule, split

LISTED = Admission(
    tuple(
        map(Rule.parse, ("mail.example.go.th", "MX.Example.go.th.:25", "*.rid.go.th", "[2001:db8::1]:993", "192.0.2.7"))
    )
)
NETWORKS = Admission(tuple(map(Rule.parse, ("192.0.2.0/24", "2001:db8::/32"))))


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("mail.example.go.th", 993),
        ("MAIL.example.go.th.", None),
        ("mx.example.go.th", 25),
        ("a.rid.go.th", 1),
        ("b.a.rid.go.th", 65535),
        ("2001:DB8:0::1", 993),
        ("192.0.2.7", 110),
    ],
)
def test_what_a_rule_names_is_admitted_however_it_is_written(host: str, port: int | None) -> None:
    assert LISTED.by_name(host, port)


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("example.go.th", 993),
        ("xmail.example.go.th", 993),
        ("mail.example.go.th.evil.example", 993),
        ("mx.example.go.th", 26),
        ("mx.example.go.th", None),
        ("rid.go.th", 25),
        ("evilrid.go.th", 25),
        ("2001:db8::1", 994),
        ("2001:db8::2", 993),
        ("0xc0.0.2.7", 25),
        ("3221225991", 25),  # 192.0.2.7, as a resolver reads it
        ("", 25),
    ],
)
def test_what_only_resembles_a_name_in_a_rule_is_not(host: str, port: int | None) -> None:
    assert not LISTED.by_name(host, port)


@pytest.mark.parametrize("address", ["192.0.2.255", "::ffff:192.0.2.1", "2001:db8:1::1", "2001:db8::1%eth0"])
def test_an_address_in_a_network_is_admitted_also_where_it_is_wrapped(address: str) -> None:
    assert NETWORKS.by_address(address)


@pytest.mark.parametrize("address", ["192.0.3.1", "127.0.0.1", "::1", "::ffff:127.0.0.1", "2001:db9::1"])
def test_an_address_outside_is_not(address: str) -> None:
    assert not NETWORKS.by_address(address)


def test_a_network_admits_no_name_as_such() -> None:
    assert not NETWORKS.by_name("192.0.2.7", 25)
    assert NETWORKS.has_networks
    assert not LISTED.has_networks


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("mail.example.go.th", ("mail.example.go.th", None)),
        ("mail.example.go.th:993", ("mail.example.go.th", 993)),
        ("[::1]:993", ("::1", 993)),
        ("[::1]", ("::1", None)),
        ("2001:db8::1", ("2001:db8::1", None)),
    ],
)
def test_a_target_is_a_host_with_a_port_or_without(text: str, place: tuple[str, int | None]) -> None:
    assert split(text) == place


@pytest.mark.parametrize(
    "text", [":25", "host:", "host:0", "host:65536", "host:+25", "host:٢٥", "[::1", "[::1]25", "[host]:25", "a:b:c"]
)
def test_what_is_no_host_and_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        split(text)
