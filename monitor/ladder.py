"""One check by hand as a document, and as lines for a person: the phases, what was seen, and what to do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import floor
from typing import Any, Literal

from monitor.core.instants import DAY, MILLISECOND, SECOND, Instant, seconds
from monitor.endpoint import endpoint, shown
from monitor.figures import Document
from monitor.hints import Seen, hint
from monitor.runner import Result, certificate_document
from probes.errors import Cause

MARKS = {"up": "up", "down": "DOWN", "unknown": "unknown"}
MOST_NAMED = 20
LABEL = 12
"""The width of the column that says what a line is of."""

Tone = Literal["plain", "bad", "dim"]


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    text: str
    tone: Tone = "plain"

    def __str__(self) -> str:
        return f"  {self.label:<{LABEL}} {self.text}".rstrip()


def document(result: Result, now: Instant) -> Document:
    """Everything that is known of a check, at the instant `now`."""
    seen, check = result.evidence, result.check
    return {
        "target": result.target.name,
        "server": _server(result),
        "protocol": result.target.protocol,
        "outcome": check.outcome.value,
        "cause": check.cause,
        "phase": result.failed_phase,
        "reply": result.reply,
        "hint": advice(result),
        "duration_seconds": seconds(check.duration),
        "address": seen.address,
        "addresses": list(seen.addresses),
        "tls_version": seen.tls_version,
        "tls_cipher": seen.tls_cipher,
        "certificate": _certificate(result, now),
        "capabilities": list(seen.capabilities),
        "codes": [{"phase": phase, "code": code} for phase, code in seen.codes],
        "mailbox": dict(seen.figures),
        "quota_used_ratio": seen.quota_used,
        "warnings": list(seen.warnings),
        "phases": [
            {"phase": phase.name, "seconds": round(phase.seconds, 6), "ok": phase.ok} for phase in result.phases
        ],
        "replies": list(seen.replies),
        **({"transcript": list(seen.transcript)} if seen.transcript else {}),
    }


def _server(result: Result) -> str | None:
    """`host:port`; None where there is more than one."""
    probe = result.target.probe
    return shown(*endpoint(getattr(probe, "options", None), type(probe))) or None


def advice(result: Result) -> str | None:
    """The hint; None where all is well."""
    if result.check.cause is None:
        return None
    options = getattr(result.target.probe, "options", None)
    cause = Cause(result.check.cause)
    return hint(Seen(result.target.protocol, options, cause, result.failed_phase, result.reply, result.evidence))


def headline(checked: Document) -> str:
    """The verdict in one line."""
    milliseconds = checked["duration_seconds"] * SECOND / MILLISECOND
    line = f"{checked['target']}: {MARKS[checked['outcome']]} in {milliseconds:.0f} ms"
    if checked["cause"]:
        where = f" in {checked['phase']}" if checked["phase"] else ""
        line += f": {checked['cause']}{where}"
    return line + (f": {checked['reply']}" if checked["reply"] else "")


def rows(checked: Document) -> Iterator[Row]:
    """What stands under the headline, what to do about it first."""
    if checked["hint"]:
        yield Row("hint", checked["hint"])
    for phase in checked["phases"]:
        text = f"{phase['seconds'] * 1000:>9.1f} ms"
        yield Row(phase["phase"], text) if phase["ok"] else Row(phase["phase"], f"{text}  failed", "bad")
    if checked["server"]:
        yield Row("server", checked["server"])
    if checked["address"]:
        others = [one for one in checked["addresses"] if one != checked["address"]]
        yield Row("address", checked["address"] + (f" (also {', '.join(others)})" if others else ""))
    elif checked["addresses"]:
        yield Row("addresses", ", ".join(checked["addresses"]))
    if checked["tls_version"]:
        yield Row("tls", ", ".join(filter(None, (checked["tls_version"], checked["tls_cipher"]))))
    yield from _certificate_rows(checked["certificate"])
    if checked["capabilities"]:
        yield Row("capabilities", " ".join(checked["capabilities"]))
    yield from _mailbox_rows(checked)
    if checked["cause"]:
        yield from (Row("said", line, "dim") for line in checked["replies"] if line != checked["reply"])
    yield from (Row("warning", line, "bad") for line in checked["warnings"])
    for number, line in enumerate(checked.get("transcript", ())):
        yield Row("" if number else "transcript", line, "dim")


def text(checked: Document) -> str:
    """A check as lines of any length, none of them broken."""
    return "\n".join((headline(checked), *map(str, rows(checked))))


def summary(documents: Sequence[Document]) -> str | None:
    """Which of several targets are not up, in one line at the end of all that is shown; None where all are."""
    told = []
    for outcome in ("down", "unknown"):
        names = [checked["target"] for checked in documents if checked["outcome"] == outcome]
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        told += [f"{len(names)} {outcome}: {', '.join(names[:MOST_NAMED])}{more}"] if names else []
    return f"of {len(documents)} targets " + "; ".join(told) if told and len(documents) > 1 else None


def _mailbox_rows(checked: Document) -> Iterator[Row]:
    if checked["mailbox"]:
        yield Row("mailbox", ", ".join(f"{name} {value}" for name, value in checked["mailbox"].items()))
    if checked["quota_used_ratio"] is not None:
        yield Row("quota", f"{checked['quota_used_ratio']:.0%} used")


def _certificate_rows(certificate: Document | None) -> Iterator[Row]:
    if certificate is None:
        return
    days, problem = certificate["days_left"], certificate["problem"]
    left = f"{_days(days)} left" if days >= 0 else f"{_days(-days - 1)} ago"
    yield Row("certificate", certificate["subject"])
    yield Row("  issuer", certificate["issuer"])
    yield Row("  names", ", ".join(certificate["names"]) or "none")
    yield Row("  until", f"{certificate['not_after']} ({left})")
    for link in certificate["chain"][1:]:
        yield Row("  chain", f"{link['subject']}, until {link['not_after']}", "dim")
    if problem:
        yield Row("  problem", ", ".join(certificate["problems"] or [problem]), "bad")


def _days(number: int) -> str:
    return f"{number} day{'' if number == 1 else 's'}"


def _certificate(result: Result, now: Instant) -> Document | None:
    certificate = result.evidence.certificate
    shown: dict[str, Any] | None = certificate_document(certificate, utc)
    if certificate is None or shown is None:
        return None
    return {**shown, "days_left": floor((certificate.not_after * SECOND - now) / DAY)}


def utc(instant: int) -> str:
    """Seconds since the epoch, as RFC 3339."""
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
