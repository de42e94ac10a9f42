"""What a domain publishes, asked of a name server of the tests' own."""

import asyncio
from collections.abc import Sequence

import pytest

from probes.errors import Cause, ProbeFailureError
from probes.posture import lookup
from probes.posture.domain import Domain
from probes.posture.facts import Fact, Verdict, good
from probes.posture.lookup import Lookup
from tests.posture.zone import BROKEN, GARBAGE, SILENT, Records, serving

LISTS = ("bl.test",)
ZONE: Records = {
    ("example.test", "MX"): ["20 mx2.example.test.", "10 mx1.example.test."],
    ("example.test", "TXT"): ['"v=spf1 mx -all"', '"something else"'],
    ("_dmarc.example.test", "TXT"): ['"v=DMARC1; p=reject; rua=mailto:dmarc@example.test"'],
    ("_mta-sts.example.test", "TXT"): ['"v=STSv1; id=20261124T000000;"'],
    ("mx1.example.test", "A"): ["192.0.2.1"],
    ("mx2.example.test", "AAAA"): ["2001:db8::2"],
}
POLICY = "version: STSv1\nmode: enforce\nmx: *.example.test\nmax_age: 86400\n"


async def no_tlsa(host: str, _: Lookup) -> Fact:
    return good("tlsa", host)


async def policy(_: str) -> str:
    return POLICY


async def facts(changes: Records, lists: Sequence[str] = (), name: str = "example.test") -> dict[str, Fact]:
    """The facts of a zone in which everything is well but for the changes."""
    async with serving({**ZONE, **changes}) as server:
        domain = Domain(name, Lookup([server]), lists, no_tlsa, policy)
        return {fact.name: fact for fact in await domain.facts()}


async def test_a_domain_that_publishes_everything_is_good() -> None:
    """The exchangers are named in the order of their preference."""
    found = await facts({}, LISTS)
    assert {name: fact.verdict for name, fact in found.items()} == dict.fromkeys(
        ("mx", "spf", "dmarc", "mta_sts", "tlsa", "dnsbl"), Verdict.GOOD
    )
    assert found["mx"].detail == "mx1.example.test, mx2.example.test"


@pytest.mark.parametrize(
    ("change", "name", "said"),
    [
        ({("example.test", "MX"): []}, "mx", "no MX record"),
        ({("example.test", "MX"): ["0 ."]}, "mx", "takes no mail"),
        ({("mx1.example.test", "A"): []}, "mx", "mx1.example.test has no address"),
        ({("example.test", "TXT"): ['"hello"']}, "spf", "no SPF record"),
        ({("example.test", "TXT"): ['"v=spf1 -all"', '"v=spf1 ~all"']}, "spf", "2 SPF records"),
        ({("example.test", "TXT"): ['"v=spf1 mx +all"']}, "spf", "lets everybody send"),
        ({("example.test", "TXT"): ['"v=spf1 mx all"']}, "spf", "lets everybody send"),
        ({("example.test", "TXT"): ['"v=spf1 mx ?all"']}, "spf", "says nothing about others"),
        ({("example.test", "TXT"): ['"v=spf1 mx"']}, "spf", "ends without all or redirect"),
        ({("example.test", "TXT"): ['"v=spf1 ipv4:1.2.3.4 -all"']}, "spf", "not an SPF term: ipv4:1.2.3.4"),
        ({("example.test", "TXT"): [f'"v=spf1 {"include:a.test " * 11}-all"']}, "spf", "more than 10 terms"),
        ({("_dmarc.example.test", "TXT"): []}, "dmarc", "no DMARC record"),
        ({("_dmarc.example.test", "TXT"): ['"v=DMARC1; p=none"']}, "dmarc", "only reported"),
        ({("_dmarc.example.test", "TXT"): ['"v=DMARC1"']}, "dmarc", "no policy"),
        ({("_dmarc.example.test", "TXT"): ['"v=DMARC1; p=reject"', '"v=DMARC1; p=none"']}, "dmarc", "2 DMARC records"),
        ({("_mta-sts.example.test", "TXT"): []}, "mta_sts", "no MTA-STS record"),
        ({("_mta-sts.example.test", "TXT"): ['"v=STSv1"']}, "mta_sts", "no id"),
        ({("1.2.0.192.bl.test", "A"): ["127.0.0.2"]}, "dnsbl", "192.0.2.1 is listed by bl.test"),
    ],
)
async def test_what_is_missing_or_wrong_is_bad(change: Records, name: str, said: str) -> None:
    """And nothing else is."""
    found = await facts(change, LISTS)
    assert found[name].verdict is Verdict.BAD
    assert said in found[name].detail
    others = [fact for fact in found.values() if fact.name not in {name, "mx"} and fact.verdict is Verdict.BAD]
    assert others == []


@pytest.mark.parametrize(
    "text",
    ["v=spf1 redirect=_spf.example.test", "V=SPF1 ip4:192.0.2.0/24 ip6:2001:db8::/32 a:mail.example.test/24//64 ~ALL"],
)
async def test_other_ways_to_write_a_good_spf_record(text: str) -> None:
    """Capitals, networks and a redirection are as good."""
    assert (await facts({("example.test", "TXT"): [f'"{text}"']}))["spf"].verdict is Verdict.GOOD


async def test_a_parents_policy_speaks_for_a_domain_without_one() -> None:
    """By `sp` where it has one."""
    child = {("a.example.test", "MX"): ["10 mx1.example.test."]}
    assert (await facts(child, name="a.example.test"))["dmarc"].verdict is Verdict.GOOD
    lax = {**child, ("_dmarc.example.test", "TXT"): ['"v=DMARC1; p=reject; sp=none"']}
    assert (await facts(lax, name="a.example.test"))["dmarc"].verdict is Verdict.BAD


@pytest.mark.parametrize("trouble", [BROKEN, GARBAGE])
async def test_without_an_answer_nothing_is_known(trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver in trouble says nothing about the domain."""
    monkeypatch.setattr(lookup, "LIFETIME", 0.3)
    found = await facts({("example.test", "TXT"): trouble, ("example.test", "MX"): trouble})
    assert {found[name].verdict for name in ("mx", "spf", "tlsa")} == {Verdict.UNKNOWN}
    assert found["dmarc"].verdict is Verdict.GOOD


async def test_a_silent_resolver_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the lookup's own deadline."""
    monkeypatch.setattr(lookup, "LIFETIME", 0.2)
    async with asyncio.timeout(30):
        found = await facts({("_dmarc.example.test", "TXT"): SILENT})
    assert found["dmarc"].verdict is Verdict.UNKNOWN
    assert "no answer about _dmarc.example.test" in found["dmarc"].detail


async def test_a_list_that_refuses_this_resolver_says_nothing() -> None:
    """127.255.255.254 is no listing."""
    refusal = {(name, "A"): ["127.255.255.254"] for name in ("1.2.0.192.bl.test",)}
    assert (await facts(refusal, LISTS))["dnsbl"].verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (POLICY.replace("enforce", "testing"), "the mode is testing"),
        (POLICY.replace("*.example.test", "mx1.example.test"), "does not name mx2.example.test"),
        (POLICY.replace("*.", ""), "does not name mx1.example.test"),
        (POLICY.replace("STSv1", "STSv2"), "no version"),
        (POLICY.replace("86400", "soon"), "no max_age"),
        ("<html>not found</html>", "no version"),
    ],
)
async def test_a_policy_must_be_enforced_and_name_every_exchanger(text: str, said: str) -> None:
    """A wildcard stands for one label."""

    async def other(_: str) -> str:
        return text

    async with serving(ZONE) as server:
        found = {fact.name: fact for fact in await Domain("example.test", Lookup([server]), (), no_tlsa, other).facts()}
    assert found["mta_sts"].verdict is Verdict.BAD
    assert said in found["mta_sts"].detail


async def test_a_policy_that_cannot_be_had_is_unknown() -> None:
    """The record alone promises nothing."""

    async def unreachable(_: str) -> str:
        raise ProbeFailureError(Cause.CONNECT_REFUSED)

    async with serving(ZONE) as server:
        domain = Domain("example.test", Lookup([server]), (), no_tlsa, unreachable)
        found = {fact.name: fact for fact in await domain.facts()}
    assert found["mta_sts"].verdict is Verdict.UNKNOWN


async def test_a_zones_words_are_made_fit_to_print() -> None:
    """Whoever writes the zone does not write into the terminal."""
    found = await facts({("_dmarc.example.test", "TXT"): ['"v=DMARC1; p=\\027[31mred"']})
    assert "\x1b" not in found["dmarc"].detail
