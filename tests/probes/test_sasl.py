"""Proves what a client says in each mechanism, by the examples of the RFCs, and which one it chooses."""

import json
from base64 import b64decode, b64encode

import pytest

from probes.errors import Cause, ProbeFailureError
from probes.sasl import Exchange, apop, choose, explained, known

HIDDEN: list[str] = []


def exchange(mechanism: str, username: str, password: str) -> Exchange:
    HIDDEN.clear()
    return Exchange(mechanism, username, password, HIDDEN.append)


def challenge(text: str) -> str:
    return b64encode(text.encode()).decode()


def said(text: str | None) -> str:
    assert text is not None
    return b64decode(text).decode()


def test_cram_md5_answers_as_in_rfc_2195_and_hides_the_digest() -> None:
    client = exchange("cram-md5", "tim", "tanstaaftanstaaf")
    assert client.initial(512) is None
    answer = client.answer(challenge("<1896.697170952@postoffice.reston.mci.net>"))
    assert said(answer) == "tim b913a602c7eda7a495b4e6e7334d3890"
    assert {answer, "b913a602c7eda7a495b4e6e7334d3890"} <= set(HIDDEN)
    assert client.answer("") is None


def test_apop_digests_as_in_rfc_1939() -> None:
    greeting = "+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>"
    assert apop("tanstaaf", greeting) == "c4c9334bac560ecc979e58001b3e22fb"


@pytest.mark.parametrize("greeting", ["+OK ready", "+OK >backwards<", "+OK <never ends", ""])
def test_without_a_timestamp_there_is_no_apop(greeting: str) -> None:
    assert apop("secret", greeting) is None


def test_plain_speaks_first_and_says_it_once() -> None:
    client = exchange("plain", "tim", "secret")
    assert said(client.initial(512)) == "\0tim\0secret"
    assert client.answer("") is None


def test_what_is_too_long_for_the_command_waits_to_be_asked_for() -> None:
    client = exchange("plain", "tim", "s" * 600)
    assert client.initial(500) is None
    assert said(client.answer("")) == "\0tim\0" + "s" * 600


def test_login_says_the_name_and_then_the_password() -> None:
    client = exchange("login", "tim", "secret")
    assert client.initial(512) is None
    assert [said(client.answer("anything")) for _ in range(2)] == ["tim", "secret"]
    assert client.answer("more?") is None


def test_xoauth2_answers_the_error_with_nothing_and_tells_its_status() -> None:
    client = exchange("xoauth2", "tim", "the-token")
    assert said(client.initial(512)) == "user=tim\1auth=Bearer the-token\1\1"
    assert client.answer(challenge(json.dumps({"status": "401", "scope": "the-token"}))) == ""
    assert explained("535 no", client) == "535 no (XOAUTH2 status 401)"
    assert client.answer("") is None


@pytest.mark.parametrize("error", ["", "%%%", challenge("no JSON"), challenge("[1]"), challenge("[" * 20_000)])
def test_an_error_that_cannot_be_read_is_answered_too(error: str) -> None:
    client = exchange("xoauth2", "tim", "the-token")
    client.initial(512)
    assert client.answer(error) == ""
    assert client.refusal == "XOAUTH2 without a status"


def test_a_challenge_that_is_not_base64_is_against_the_protocol() -> None:
    with pytest.raises(ProbeFailureError) as refused:
        exchange("cram-md5", "tim", "secret").answer("<not base64>")
    assert refused.value.cause is Cause.PROTOCOL


@pytest.mark.parametrize(
    ("offered", "secure", "chosen"),
    [
        ({"plain", "login", "cram-md5"}, True, "plain"),
        ({"login", "cram-md5"}, True, "login"),
        ({"user", "apop"}, True, "user"),
        ({"cram-md5"}, True, "cram-md5"),
        ({"plain", "login", "cram-md5"}, False, "cram-md5"),
        ({"user", "apop", "plain"}, False, "apop"),
        ({"plain", "user"}, False, "plain"),
    ],
)
def test_auto_chooses_as_a_careful_mail_program(offered: set[str], secure: bool, chosen: str) -> None:
    assert choose("auto", offered, secure=secure) == chosen


@pytest.mark.parametrize(("wanted", "offered"), [("auto", set()), ("auto", {"xoauth2"}), ("cram-md5", {"plain"})])
def test_what_is_not_offered_is_not_tried(wanted: str, offered: set[str]) -> None:
    with pytest.raises(ProbeFailureError) as refused:
        choose(wanted, offered, secure=True)
    assert refused.value.cause is Cause.AUTH_UNAVAILABLE


def test_only_known_mechanisms_are_taken_from_a_list() -> None:
    assert known(["PLAIN", "SCRAM-SHA-256", "GSSAPI", "XOAUTH2"]) == {"plain", "xoauth2"}
