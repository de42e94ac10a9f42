"""Proves what may stand in a configuration, and that a password is never shown."""

import time
from base64 import b64encode
from typing import Any

import pytest
from pydantic import ValidationError

from probes import FAREWELL_PHASES, PULSE_PHASES, REGISTRY
from probes.base import Login, Steps
from probes.imap import ImapOptions, ImapProbe
from probes.smtp import SmtpOptions, SmtpProbe, SubmissionProbe
from probes.webmail import WebmailOptions
from tests.probes.conftest import PASSWORD, Secret


def test_the_registry_knows_every_type_by_its_name() -> None:
    assert set(REGISTRY) >= {"smtp", "submission", "imap", "pop3", "webmail"}
    assert all(REGISTRY[name].protocol == name for name in REGISTRY)


def test_a_pulse_sees_no_farewell() -> None:
    assert not PULSE_PHASES & FAREWELL_PHASES


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_every_option_is_described(name: str) -> None:
    fields = REGISTRY[name].Options.model_fields
    assert [key for key, info in fields.items() if not info.description] == []


@pytest.mark.parametrize(
    ("name", "mode", "port"),
    [
        ("smtp", "none", 25),
        ("smtp", "starttls", 25),
        ("smtp", "implicit", 465),
        ("submission", "starttls", 587),
        ("submission", "implicit", 465),
        ("imap", "starttls", 143),
        ("imap", "implicit", 993),
        ("pop3", "none", 110),
        ("pop3", "implicit", 995),
    ],
)
def test_the_port_follows_from_protocol_and_tls(name: str, mode: str, port: int) -> None:
    kind = REGISTRY[name]
    probe: Any = kind(kind.Options.model_validate({"host": "mail.example.org", "tls": mode}))
    assert probe.endpoint.port == port


def test_no_protocol_is_in_clear_unless_somebody_wrote_so() -> None:
    for kind in (SmtpProbe, SubmissionProbe):
        assert kind(SmtpOptions(host="a.example")).options.tls.mode == "starttls"
    assert ImapProbe(ImapOptions(host="a.example")).options.tls.mode == "implicit"


def test_values_may_come_as_text() -> None:
    options = ImapOptions.model_validate(
        {"host": "a.example", "port": "993", "tls": {"mode": "implicit", "verify": "false", "min_days_left": "30"}}
    )
    assert (options.port, options.tls.verify, options.tls.min_days_left) == (993, False, 30)


@pytest.mark.parametrize(
    "options",
    [
        {"host": ""},
        {"host": "two words"},
        {"host": "a..b"},
        {"host": "x" * 70 + ".example"},
        {"host": "user@mail.example"},
        {"host": "a.example", "port": 0},
        {"host": "a.example", "port": 70000},
        {"host": "a.example", "tls": "ssl"},
        {"host": "a.example", "tls": {"mode": "implicit", "verifyy": True}},
        {"host": "a.example", "tls": {"mode": "implicit", "verify": False, "ca_file": "ca.pem"}},
        {"host": "a.example", "mailbox": "in\r\nbox"},
        {"host": "a.example", "login": {"username": "a\r\nb", "password": Secret("x")}},
        {"host": "a.example", "login": {"username": "a"}},
        {"host": "a.example", "hots": "b"},
    ],
)
def test_what_cannot_work_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ImapOptions.model_validate(options)


@pytest.mark.parametrize(
    ("options", "accepted"),
    [
        ({"url": "https://mail.example.org/"}, True),
        ({"url": "https://mail.example.org:8443/roundcube/", "tls": {"mode": "implicit", "verify": False}}, True),
        ({"url": "http://mail.example.org/", "tls": "none"}, True),
        ({"url": "http://mail.example.org/"}, False),
        ({"url": "https://mail.example.org/", "tls": "none"}, False),
        ({"url": "https://mail.example.org/", "tls": "starttls"}, False),
        ({"url": "ftp://mail.example.org/"}, False),
        ({"url": "mail.example.org"}, False),
        ({"url": "https://user:secret@mail.example.org/"}, False),
    ],
)
def test_a_webmail_address_and_its_tls_agree(options: dict[str, Any], accepted: bool) -> None:
    if accepted:
        assert WebmailOptions.model_validate(options).url == options["url"]
    else:
        with pytest.raises(ValidationError):
            WebmailOptions.model_validate(options)


@pytest.mark.parametrize("helo", ["two words", "a\r\nb", ""])
def test_a_helo_name_is_one_word(helo: str) -> None:
    with pytest.raises(ValidationError):
        SmtpOptions(host="a.example", helo=helo)


def test_a_password_in_the_file_is_refused_without_being_shown() -> None:
    with pytest.raises(ValidationError) as refused:
        Login.model_validate({"username": "probe", "password": PASSWORD})
    assert "0451" not in str(refused.value)


@pytest.mark.parametrize(
    "shown",
    [
        PASSWORD,
        'pa\\"ss\\\\wörd-0451',
        b64encode(PASSWORD.encode()).decode(),
        b64encode(f"\0probe\0{PASSWORD}".encode()).decode(),
        b64encode(f"\0probe\0{PASSWORD}".encode()).decode().rstrip("="),
        "pa%22ss%5Cw%C3%B6rd-0451",
    ],
)
def test_a_password_is_struck_out_in_every_dress(shown: str) -> None:
    steps = Steps(time.monotonic)
    steps.conceal(Login.model_validate({"username": "probe", "password": Secret(PASSWORD)}))
    steps.reply(f"535 you said {shown}!")
    assert steps.evidence.replies == ["535 you said ***!"]


def test_a_password_is_struck_out_also_where_a_reply_is_cut() -> None:
    steps = Steps(time.monotonic)
    steps.conceal(Login.model_validate({"username": "probe", "password": Secret(PASSWORD)}))
    steps.reply("x" * 195 + PASSWORD)
    assert "pa" not in steps.evidence.replies[0]
