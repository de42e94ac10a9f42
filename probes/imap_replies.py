"""What IMAP's replies mean: figures of a mailbox and its quota, and whom a NO blames."""

import re
from base64 import b64encode
from collections.abc import Iterable

from aioimaplib.aioimaplib import Response

from probes.errors import Cause, ProbeFailureError
from probes.imap_wire import words
from probes.lines import response_code
from probes.sasl import Exchange, explained

_TEMPORARY = {"UNAVAILABLE", "INUSE", "SERVERBUG", "LIMIT"}
_OFFERED = re.compile(r"(?:OK )?\[?CAPABILITY ([^\]]*)")
_REFUSED_LOGIN = {"", "AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED"}
_INNER = re.compile(r"\(([^()]*)\)\s*$")
_ITEM = re.compile(r"(MESSAGES|UNSEEN|UIDNEXT) ([0-9]{1,18})(?![0-9])", re.IGNORECASE)
_RESOURCE = re.compile(r"(?<![A-Z-])[A-Z-]++ ([0-9]{1,18}) ([0-9]{1,18})(?![0-9])", re.IGNORECASE)


def mailbox_name(name: str) -> str:
    """A mailbox name in modified UTF-7 (RFC 3501 section 5.1.3)."""

    def shifted(found: re.Match[str]) -> str:
        code = b64encode(found.group().encode("utf-16-be")).decode().rstrip("=")
        return f"&{code.replace('/', ',')}-"

    return re.sub(r"[^\x20-\x7e]+", shifted, name.replace("&", "&-"))


def text(response: Response) -> str:
    return f"{response.result} {words(response)}"


def refused(response: Response) -> ProbeFailureError:
    temporary = response.result == "NO" and response_code(words(response)) in _TEMPORARY
    cause = Cause.REJECTED_TEMPORARY if temporary else Cause.REJECTED_PERMANENT
    return ProbeFailureError(cause, text(response))


def unauthenticated(response: Response, exchange: Exchange | None = None) -> ProbeFailureError:
    """RFC 5530 section 3: what a NO to a log-in blames."""
    code = response_code(words(response))
    if response.result == "NO" and code == "PRIVACYREQUIRED":
        return ProbeFailureError(Cause.AUTH_UNAVAILABLE, text(response))
    if response.result == "NO" and code in _REFUSED_LOGIN:
        return ProbeFailureError(Cause.AUTH, explained(text(response), exchange))
    return refused(response)


def offered(lines: Iterable[bytes]) -> tuple[str, ...]:
    """The capabilities in untagged replies or in a response code (RFC 3501 sections 7.1 and 7.2.1)."""
    listed: list[str] = []
    for line in lines:
        said = line.decode(errors="replace").upper()
        inner = _OFFERED.match(said)
        listed += inner.group(1).split() if inner else []
    return tuple(dict.fromkeys(listed))


def figures(response: Response) -> dict[str, int]:
    """Messages, unseen and uidnext of the answer to STATUS (RFC 3501 section 7.2.4). Raises ProbeFailureError."""
    found = {name.lower(): int(number) for name, number in _ITEM.findall(_inner(response))}
    if "messages" not in found:
        raise ProbeFailureError(Cause.CONTENT, "the answer to STATUS does not say how many messages there are")
    return found


def quota_used(response: Response) -> float | None:
    """The largest used share of the resources of all quota roots (RFC 9208 section 4.2); None without a limit."""
    shares = [int(used) / int(limit) for used, limit in _RESOURCE.findall(_inner(response)) if int(limit)]
    return max(shares, default=None)


def _inner(response: Response) -> str:
    """What stands in the last parentheses of each line: a name before them may be anything."""
    lines = (bytes(line).decode(errors="replace") for line in response.lines[:-1])
    return " ".join(found.group(1) for line in lines if (found := _INNER.search(line)))
