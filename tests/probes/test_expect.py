"""Proves that a service that works is held to what its target expects, and that slow is no failure unasked."""

from typing import Any

import pytest

from probes import REGISTRY
from probes.base import Phase, Steps
from probes.errors import Cause, ProbeFailureError
from probes.expect import Expect, MailExpect, judge
from tests.lab import Lab
from tests.probes.conftest import Authority, Run
from tests.probes.scripted import serving, upgrade
from tests.probes.test_imap import CAPABILITIES as IMAP_CAPABILITIES
from tests.probes.test_imap import POLITE as IMAP
from tests.probes.test_real_servers import credential, reach
from tests.probes.test_smtp import EXTENSIONS, POLITE, clear

SERVERS = {"smtp", "submission", "imap", "pop3", "webmail"}


def steps(*phases: tuple[str, float], capabilities: tuple[str, ...] = (), tls_version: str | None = None) -> Steps:
    made = Steps(lambda: 0.0)
    made.phases = [Phase(name, seconds, ok=True) for name, seconds in phases]
    made.evidence.capabilities = capabilities
    made.evidence.tls_version = tls_version
    return made


def expecting(**more: Any) -> MailExpect[str]:
    return MailExpect[str].model_validate(more)


def test_nothing_is_expected_unless_somebody_wrote_so() -> None:
    judge(steps(("auth", 100.0)), None)
    judge(steps(("auth", 100.0)), expecting())


def test_what_is_slow_is_a_warning_and_no_failure() -> None:
    seen = steps(("connect", 0.5), ("auth", 2.25), ("quit", 9.0))
    judge(seen, expecting(max_seconds={"auth": 2, "total": 2.5, "connect": 1}))
    assert seen.evidence.warnings == [
        "slow: auth took 2.25 s, expected at most 2 s",
        "slow: total took 2.75 s, expected at most 2.5 s",
    ]


def test_a_phase_that_comes_twice_counts_whole() -> None:
    seen = steps(("ehlo", 0.6), ("starttls", 0.1), ("ehlo", 0.6))
    judge(seen, expecting(max_seconds={"ehlo": 1}))
    assert seen.evidence.warnings == ["slow: ehlo took 1.20 s, expected at most 1 s"]


def test_exactly_as_slow_as_allowed_is_not_slow() -> None:
    seen = steps(("auth", 2.0))
    judge(seen, expecting(max_seconds={"auth": 2, "select": 1}, slow="down"))
    assert seen.evidence.warnings == []


def test_slow_is_a_failure_where_the_target_says_so() -> None:
    with pytest.raises(ProbeFailureError) as failed:
        judge(steps(("auth", 2.25)), expecting(max_seconds={"auth": 2}, slow="down"))
    assert (failed.value.cause, failed.value.reply) == (Cause.SLOW, "slow: auth took 2.25 s, expected at most 2 s")


@pytest.mark.parametrize(
    ("version", "wanted", "said"),
    [
        ("TLSv1.2", "1.3", "TLSv1.2, expected at least TLSv1.3"),
        (None, "1.2", "no TLS, expected at least TLSv1.2"),
        ("TLSv1.3", "1.2", None),
        ("TLSv1.2", "1.2", None),
    ],
)
def test_an_older_tls_is_not_as_expected(version: str | None, wanted: str, said: str | None) -> None:
    seen = steps(tls_version=version)
    if said is None:
        judge(seen, expecting(min_tls=wanted))
        return
    with pytest.raises(ProbeFailureError) as failed:
        judge(seen, expecting(min_tls=wanted))
    assert (failed.value.cause, failed.value.reply) == (Cause.EXPECTATION, said)


def test_what_is_not_offered_is_named_whatever_its_case() -> None:
    with pytest.raises(ProbeFailureError) as failed:
        judge(
            steps(capabilities=("SIZE", "AUTH PLAIN")),
            expecting(capabilities=["size", "DSN", "auth plain", "CHUNKING"]),
        )
    assert (failed.value.cause, failed.value.reply) == (Cause.EXPECTATION, "not offered: DSN, CHUNKING")


def test_a_probe_without_capabilities_expects_none() -> None:
    assert "capabilities" not in Expect.model_fields


@pytest.mark.parametrize(
    ("kind", "capabilities"),
    [
        ("imap", ["IMAP4rev1", "AUTH=PLAIN", "QUOTA", "UIDPLUS"]),  # some before the login, some only behind it
        ("pop3", ["UIDL", "SASL PLAIN", "TOP"]),
        ("submission", ["AUTH PLAIN", "SIZE", "ENHANCEDSTATUSCODES"]),
    ],
)
async def test_a_real_server_is_as_expected(kind: str, capabilities: list[str], shared_lab: Lab, run: Run) -> None:
    expect = {"capabilities": capabilities, "min_tls": "1.3", "max_seconds": {"total": 10}}
    result = await run(kind, reach(shared_lab, kind, "starttls") | {"login": credential(shared_lab), "expect": expect})
    assert result.failure is None
    assert result.steps.evidence.warnings == []


async def test_a_real_server_that_lacks_something_fails_at_the_end_and_in_no_pulses_sight(
    shared_lab: Lab, run: Run
) -> None:
    expect = {"capabilities": ["AUTH PLAIN", "X-NOT-THIS"]}
    options = reach(shared_lab, "submission", "starttls") | {"login": credential(shared_lab), "expect": expect}
    result = await run("submission", options)
    assert (result.cause, result.steps.failed) == (Cause.EXPECTATION, "expect")
    assert result.failure is not None
    assert result.failure.reply == "not offered: X-NOT-THIS"
    assert result.phases[-2:] == ["quit", "expect"]


async def test_what_is_offered_in_clear_only_is_missing(run: Run, authority: Authority) -> None:
    """The list behind TLS counts."""
    replies = iter([EXTENSIONS, EXTENSIONS.replace(b"250-AUTH PLAIN LOGIN\r\n", b"")])

    async def ehlo(peer: Any) -> None:
        await peer.say(next(replies))

    changed = POLITE.but(EHLO=ehlo, STARTTLS=upgrade(b"220 go\r\n", authority.good))
    async with serving(changed) as script:
        setting = {"tls": {"mode": "starttls", "ca_file": authority.ca_file}, "expect": {"capabilities": ["AUTH"]}}
        result = await run("smtp", clear(script, None) | setting)
    assert result.cause is Cause.EXPECTATION
    assert result.steps.evidence.capabilities == ("STARTTLS", "SIZE", "SIZE 1000")


async def test_capabilities_in_the_answer_to_the_login_count(run: Run, login: dict[str, Any]) -> None:
    changed = IMAP.but(AUTHENTICATE=b"%T OK [CAPABILITY IMAP4rev1 MOVE] in\r\n", CAPABILITY=IMAP_CAPABILITIES)
    async with serving(changed) as script:
        options = clear(script, login) | {"expect": {"capabilities": ["MOVE", "AUTH=PLAIN"]}}
        del options["helo"]
        result = await run("imap", options)
    assert result.failure is None


@pytest.mark.parametrize("kind", sorted(SERVERS))
async def test_every_phase_of_a_check_may_have_its_seconds(kind: str, shared_lab: Lab, run: Run) -> None:
    options = reach(shared_lab, kind, "implicit" if kind == "webmail" else "starttls")
    options |= {"recipient": shared_lab.probe.username} if kind == "smtp" else {"login": credential(shared_lab)}
    result = await run(kind, options)
    assert result.failure is None
    limits = dict.fromkeys([*result.phases, "total"], 60)
    assert REGISTRY[kind].Options.model_validate(options | {"expect": {"max_seconds": limits}})


@pytest.mark.parametrize(("slow", "cause"), [("warn", None), ("down", Cause.SLOW)])
async def test_a_slow_server_is_down_only_where_the_target_says_so(slow: str, cause: Cause | None, run: Run) -> None:
    expect = {"max_seconds": {"total": 0.000001}, "slow": slow}
    async with serving(POLITE.but()) as script:
        result = await run("smtp", clear(script, None) | {"expect": expect})
    assert result.cause is cause
    said = result.failure.reply if result.failure else result.steps.evidence.warnings[0]
    assert said.startswith("slow: total took ")


async def test_a_real_webmail_is_held_to_its_seconds_too(shared_lab: Lab, run: Run) -> None:
    expect = {"max_seconds": {"inbox": 0.000001, "dns": 10}, "min_tls": "1.2"}
    options = reach(shared_lab, "webmail", "implicit") | {"login": credential(shared_lab), "expect": expect}
    result = await run("webmail", options | {"address_family": "ipv4"})
    assert result.failure is None
    assert [text.partition(" took")[0] for text in result.steps.evidence.warnings] == ["slow: inbox"]
    assert set(result.steps.evidence.addresses) == {"127.0.0.1"}


async def test_a_real_server_of_an_older_tls_is_not_as_expected(shared_lab: Lab, run: Run) -> None:
    """Debian's nginx speaks nothing newer than 1.2 unless it is told to."""
    result = await run("webmail", reach(shared_lab, "webmail", "implicit") | {"expect": {"min_tls": "1.3"}})
    assert (result.cause, result.steps.failed) == (Cause.EXPECTATION, "expect")
    assert result.failure is not None
    assert result.failure.reply == "TLSv1.2, expected at least TLSv1.3"
