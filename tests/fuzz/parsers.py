"""Decides what is parsed beside dialogues: certificates, names, DNS records, each from spoilt samples."""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from probes import forms, message, tls
from probes.base import printable
from probes.errors import ProbeFailureError
from probes.imap_replies import mailbox_name
from probes.lines import MAX_BYTES, MAX_LINE, LineBuffer, response_code
from probes.posture import records
from probes.sasl import Exchange
from tests.fuzz.dialogues import BrokenError
from tests.fuzz.mutation import spoilt


@dataclass(frozen=True)
class Parser:
    """What reads an input, and a sample or more to spoil."""

    name: str
    samples: tuple[bytes, ...]
    read: Callable[[bytes], Any]

    def meet(self, random: Random) -> bytes:
        """One spoilt input; returns it. Raises BrokenError."""
        text = spoilt(random, random.choice(self.samples), self.samples)
        self.replay(text)
        return text

    def replay(self, text: bytes) -> None:
        try:
            self.read(text)
        except ProbeFailureError as failure:
            if len(failure.reply) > MAX_LINE + 100:
                raise BrokenError("a failure without bound") from failure
        except BrokenError:
            raise
        except Exception as error:
            raise BrokenError(f"{type(error).__name__}: {error}") from error


def _certificate(der: bytes) -> None:
    found = tls.facts.__wrapped__(der)
    for text in () if found is None else (found.subject, found.issuer, *found.names):
        if any(ord(character) < 32 for character in text) or len(text) > 200:
            raise BrokenError(f"not fit to print: {text!r}")


def _lines(data: bytes) -> None:
    buffer = LineBuffer()
    for start in range(0, len(data), 7):
        buffer.push(data[start : start + 7])
        while (line := buffer.line()) is not None:
            response_code(line.decode(errors="replace"))
    if len(buffer) > MAX_BYTES:
        raise BrokenError("the buffer grows without bound")


def _printable(data: bytes) -> None:
    shown = printable(data.decode(errors="surrogateescape"))
    if not shown.isprintable():
        raise BrokenError(f"not fit to print: {shown!r}")
    shown.encode()


def _mailbox(data: bytes) -> None:
    if not mailbox_name(data.decode(errors="replace")).isascii():
        raise BrokenError("a mailbox name that is not ASCII goes over the wire")


def _challenge(data: bytes) -> None:
    text = data.decode(errors="replace")
    for mechanism in ("cram-md5", "xoauth2"):
        exchange = Exchange(mechanism, "probe", "hunter2-0451", lambda _: None)
        exchange.answer(text)
        exchange.answer(text)
        if "0451" in exchange.refusal:
            raise BrokenError("the password is in the refusal")


def _published(data: bytes) -> None:
    text = data.decode(errors="replace")
    for fact in (
        records.spf([text]),
        records.dmarc([text], inherited=False),
        records.mta_sts([text]),
        records.mta_sts_policy(text, ["mx.example.org"]),
    ):
        if fact is not None and (len(fact.detail) > 2_000 or not fact.detail.isprintable()):
            raise BrokenError(f"not fit to print: {fact.detail!r}")


def _message(data: bytes) -> None:
    for read in (message.sighting, message.returned):
        found = read(data, "1", junk=False)
        if found is not None and not re.fullmatch("[0-9a-f]{32}", found.token):
            raise BrokenError(f"not a token: {found.token!r}")


def _page(data: bytes) -> None:
    body = data.decode("utf-8", "replace")
    found = forms.find_form(body, {"_user", "_pass"})
    if found is not None and len(repr(found)) > 10 * len(body) + 1000:
        raise BrokenError("a form that is larger than its page")


def parsers() -> list[Parser]:
    ca = trustme.CA()
    ends = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
    issued = [
        ca.issue_cert("mx.example.org", "ไทย.example.org", "192.0.2.1", not_after=ends),
        ca.issue_cert("a@b.example"),
    ]
    ders = [x509.load_pem_x509_certificate(one.cert_chain_pems[0].bytes()).public_bytes(Encoding.DER) for one in issued]
    published = (
        b"v=spf1 mx a:mail.example.org/24 include:b.example ip6:2001:db8::/32 ~all",
        b"v=DMARC1; p=reject; sp=none; rua=mailto:a@b.example",
        b"v=STSv1; id=20261124;",
        b"version: STSv1\nmode: enforce\nmx: *.example.org\nmax_age: 86400\n",
    )
    token = b"0123456789abcdef0123456789abcdef"
    header = b"X-Mailuptime-Token: %s\r\nMessage-ID: <mailuptime.%s@x>\r\nDate: Tue, 24 Nov 2026 04:00:00 +0700\r\n\r\n"
    report = (
        b"From: MAILER-DAEMON@x\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; a@b\r\nAction: failed\r\n"
        b"Status: 5.2.2\r\n\r\n--b\r\nContent-Type: message/rfc822-headers\r\n\r\n"
        + header % (token, token)
        + b"--b--\r\n"
    )
    page = (
        b'<html><form action="?_task=login" method="post"><input type="hidden" name="_token" value="x&amp;y">'
        b'<input name="_user"><input name="_pass" type="password"><button>Log in</button></form></html>'
    )
    return [
        Parser("message", (header % (token, token), report), _message),
        Parser("log-in page", (page,), _page),
        Parser("certificate", tuple(ders), _certificate),
        Parser("lines", (b"+OK [SYS/TEMP] later\r\n* OK [ALERT] x\r\n", b"250-a\r\n250 b\r\n"), _lines),
        Parser("printable", (b"\x1b[31mred\x07", "กขค\u202e".encode()), _printable),
        Parser("mailbox name", ("Archive/ถังขยะ & more".encode(), b"INBOX"), _mailbox),
        Parser(
            "sasl challenge", (b"PDEuMkBtYWlsPg==", b"eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIn0="), _challenge
        ),
        Parser("dns records", published, _published),
    ]
