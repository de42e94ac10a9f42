"""The message of a round trip: made, recognised again, and recognised in the report that it was returned.

Everything that is recognised comes from a mailbox that anybody can write to. It is read as bytes up to a bound,
with expressions that cannot backtrack far, and never as MIME: a parser of nested parts can be kept busy.
"""

import re
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime

from probes.tokens import Sighting, Token

HEADER = "X-Mailuptime-Token"
FIELDS = ("Date", "Message-ID", HEADER)
MAX_FIELDS = 4096  # bytes that `FIELDS` alone may have
MAX_HEADER = 1 << 16  # bytes of a whole header; relays put kilobytes before what we wrote
MAX_REPORT = 1 << 15  # bytes of what may be a report

_TOKEN = re.compile(r"[0-9a-f]{32}")
_NAMED = re.compile(
    rb"\bmailuptime\.([0-9a-f]{32})@|^X-Mailuptime-Token:[ \t]{0,9}([0-9a-f]{32})", re.IGNORECASE | re.MULTILINE
)
_ACTION = re.compile(rb"^Action:[ \t]{0,9}([a-z]{1,20})", re.IGNORECASE | re.MULTILINE)  # RFC 3464 section 2.3.3
_FOLD = re.compile(r"\r?\n[ \t]+")


def compose(token: Token, sender: str, recipient: str) -> bytes:
    """The message: small, 7-bit, and marked so that no program answers it (RFC 3834, MS-OXCMAIL)."""
    domain = sender.rpartition("@")[2]
    lines = (
        f"Date: {format_datetime(token.issued)}",
        f"From: <{sender}>",
        f"To: <{recipient}>",
        f"Subject: mailuptime round trip {token.text[:8]}",
        f"Message-ID: <mailuptime.{token.text}@{domain}>",
        f"{HEADER}: {token.text}",
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
        "Precedence: bulk",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=us-ascii",
        "Content-Transfer-Encoding: 7bit",
        "",
        "This message measures whether mail is delivered. Its sender deletes it.",
        "",
    )
    return "\r\n".join(lines).encode("ascii")


def fields(block: bytes) -> dict[str, str]:
    """The header fields of a message by their names in lower case; of equal names the first one's."""
    text = _FOLD.sub(" ", block.replace(b"\0", b"").decode("ascii", "replace"))
    found: dict[str, str] = {}
    for line in text.split("\n"):
        if not line.rstrip("\r"):
            break
        name, _, value = line.partition(":")
        found.setdefault(name.strip().lower(), value.strip())
    return found


def sighting(header: bytes, place: str, *, junk: bool) -> Sighting | None:
    """What a header says of itself; None where it carries no token."""
    given = fields(header[:MAX_HEADER])
    token = given.get(HEADER.lower(), "")
    if not _TOKEN.fullmatch(token):
        return None
    genuine = given.get("message-id", "").startswith(f"<mailuptime.{token}@")
    return Sighting(token, place, junk=junk, genuine=genuine, dated=_date(given.get("date", "")))


def may_be_report(header: bytes) -> bool:
    """Whether the rest is worth reading: a report (RFC 6522), or something from a mail system itself."""
    given = fields(header[:MAX_HEADER])
    kind = given.get("content-type", "").lower()
    return kind.startswith("multipart/report") or "mailer-daemon" in given.get("from", "").lower()


def returned(report: bytes, place: str, *, junk: bool) -> Sighting | None:
    """Whose return a report tells of; None where it tells of none, as where delivery is only delayed (RFC 3464)."""
    report = report[:MAX_REPORT]
    if not may_be_report(report) or sighting(report, place, junk=junk):
        return None
    actions = {action.lower() for action in _ACTION.findall(report)}
    from_system = "mailer-daemon" in fields(report[:MAX_HEADER]).get("from", "").lower()
    found = _NAMED.search(report)
    if found is None or not (b"failed" in actions if actions else from_system):
        return None
    token = (found[1] or found[2]).decode().lower()
    dated = _date(fields(report[:MAX_HEADER]).get("date", ""))
    return Sighting(token, place, bounce=True, junk=junk, genuine=True, dated=dated)


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text[:100])
        return moment if moment.tzinfo and moment.utcoffset() is not None else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
