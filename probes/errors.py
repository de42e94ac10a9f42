"""Why a check failed: a bounded set of causes, and the one exception that carries one.

A cause says what was seen, never whose fault it is; `monitor.blame` decides that. The values are metric
labels and stand in the ledger for years: add to them, never rename.
"""

import errno
import os
import re
import socket
import ssl
from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Any

import aiohttp
import aiosmtplib


class Cause(StrEnum):
    DNS = "dns"  # the resolver answered that the name does not exist or has no address
    RESOLVER = "resolver"  # the resolver itself did not answer
    CONNECT_REFUSED = "connect_refused"
    CONNECT_TIMEOUT = "connect_timeout"
    CONNECT_UNREACHABLE = "connect_unreachable"  # an ICMP error from beyond the first hop
    NETWORK = "network"  # this machine has no route or address
    RESOURCES = "resources"  # this machine is out of descriptors, ports or memory
    TLS_CERTIFICATE = "tls_certificate"
    TLS_HANDSHAKE = "tls_handshake"
    STARTTLS_UNAVAILABLE = "starttls_unavailable"
    AUTH_UNAVAILABLE = "auth_unavailable"  # no mechanism offered that the probe may use
    DISCONNECTED = "disconnected"  # the server closed or reset the connection
    PROTOCOL = "protocol"  # a reply that is malformed, too long, or not of this protocol
    REJECTED_TEMPORARY = "rejected_temporary"  # 4xx, NO [UNAVAILABLE], BYE at the greeting, HTTP 503
    REJECTED_PERMANENT = "rejected_permanent"  # 5xx, NO, BAD, -ERR, HTTP 4xx and 5xx
    AUTH = "auth"  # the credential was refused
    CONTENT = "content"  # an answer without what a user would see
    EXPECTATION = "expectation"  # works, but not as the target's `expect` demands
    SLOW = "slow"  # works, but slower than the target's `expect` allows, and the target says that this counts
    UNDELIVERED = "undelivered"  # a message accepted, and not found before its deadline
    BOUNCED = "bounced"  # a message accepted, and returned
    TIMEOUT = "timeout"  # the deadline passed in a phase after connecting
    CREDENTIAL = "credential"  # refused, and it has never worked, or is a token, or cannot be read
    RESTING = "resting"  # no log-in was tried, since the account rests after refused ones
    MISSED = "missed"  # a slot of the schedule that passed without a check
    OVERLOAD = "overload"  # a time-out while this machine was too busy to be believed
    SELF_TEST = "self_test"  # a canary of the monitor's own network failed at that time
    CLOCK = "clock"  # the wall clock was set, or the machine slept, during the check
    BROWSER = "browser"  # this machine's browser could not be run
    WORKER = "worker"  # the process that tried it ended, or did not answer
    INTERNAL = "internal"  # a bug of the monitor


class ProbeFailureError(Exception):
    """A check that found its service wanting.

    `cause` is what was seen; `reply` the server's words or the library's reason, without secrets.
    """

    def __init__(self, cause: Cause, reply: str = "", /) -> None:
        super().__init__(cause, reply)
        self.cause = cause
        self.reply = reply

    def __str__(self) -> str:
        return f"{self.cause}: {self.reply}" if self.reply else str(self.cause)


_BY_ERRNO = {
    errno.ECONNREFUSED: Cause.CONNECT_REFUSED,
    errno.ETIMEDOUT: Cause.CONNECT_TIMEOUT,  # the kernel gave up connecting, before our deadline
    errno.EHOSTUNREACH: Cause.CONNECT_UNREACHABLE,
    errno.EHOSTDOWN: Cause.CONNECT_UNREACHABLE,
    errno.ENOPROTOOPT: Cause.CONNECT_UNREACHABLE,  # ICMP: protocol unreachable
    errno.ENETUNREACH: Cause.NETWORK,
    errno.ENETDOWN: Cause.NETWORK,
    errno.EADDRNOTAVAIL: Cause.NETWORK,
    errno.EAFNOSUPPORT: Cause.NETWORK,
    errno.EACCES: Cause.NETWORK,  # a packet filter of this machine
    errno.EPERM: Cause.NETWORK,
    errno.EMFILE: Cause.RESOURCES,
    errno.ENFILE: Cause.RESOURCES,
    errno.ENOMEM: Cause.RESOURCES,
    errno.ENOBUFS: Cause.RESOURCES,
    errno.EAGAIN: Cause.RESOURCES,
}
_NO_SUCH_NAME = {socket.EAI_NONAME, socket.EAI_NODATA, socket.EAI_ADDRFAMILY}
_AUTH_UNAVAILABLE = {504, 534, 538}  # RFC 4954 section 4 and 6: mechanism unknown, too weak, needs encryption


class _Translating:
    """A class, as a generator takes five times as long and a check goes through it seven times."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError | aiosmtplib.SMTPException | aiohttp.ClientError):
            failure = translate(error)
            if failure is not None:
                raise failure from error


_TRANSLATING = _Translating()


def translating() -> AbstractContextManager[None]:
    """Turn what sockets, TLS and the protocol libraries raise into `ProbeFailureError`.

    Time-outs of the runner, cancellation and whatever is a bug of ours pass through.
    """
    return _TRANSLATING


def translate(error: BaseException) -> ProbeFailureError | None:
    """The one mapping from exceptions to causes; None for what says nothing about the service."""
    reason = error.__cause__
    if isinstance(error, _WRAPPERS) and isinstance(reason, OSError):
        return translate(reason)
    return next((meaning(error) for kind, meaning in _MEANINGS if isinstance(error, kind)), None)


def cause_of_timeout(phase: str | None) -> Cause:
    """What it means that the deadline passed in this phase."""
    match phase:
        case "dns":
            return Cause.RESOLVER
        case "connect":
            return Cause.CONNECT_TIMEOUT
        case "launch":
            return Cause.BROWSER
        case "turn":  # of an account that the monitor's own checks use
            return Cause.OVERLOAD
        case _:
            return Cause.TIMEOUT


def _of_socket(error: OSError) -> ProbeFailureError | None:
    cause = _BY_ERRNO.get(error.errno or 0)
    if cause is None and isinstance(error, ConnectionError):
        cause = Cause.DISCONNECTED
    if cause is None:
        return None
    # asyncio puts the address into the text, and causes are easier to compare without
    return ProbeFailureError(cause, os.strerror(error.errno) if error.errno else str(error))


def _of_tls(error: ssl.SSLError) -> ProbeFailureError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return ProbeFailureError(Cause.TLS_CERTIFICATE, getattr(error, "verify_message", str(error)))
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return ProbeFailureError(Cause.DISCONNECTED, "the server closed the connection within TLS")
    reason = getattr(error, "reason", None) or str(error)  # only OpenSSL's own errors have one
    return ProbeFailureError(Cause.TLS_HANDSHAKE, reason.replace("_", " ").lower())


def _of_resolver(error: socket.gaierror) -> ProbeFailureError:
    if error.errno == socket.EAI_MEMORY:
        return ProbeFailureError(Cause.RESOURCES, error.strerror or "")
    cause = Cause.DNS if error.errno in _NO_SUCH_NAME else Cause.RESOLVER
    return ProbeFailureError(cause, error.strerror or "")


def _of_smtp_reply(error: aiosmtplib.SMTPResponseException) -> ProbeFailureError:
    code, text = error.code, f"{error.code} {error.message}"
    if 400 <= code <= 499:
        return ProbeFailureError(Cause.REJECTED_TEMPORARY, text)
    if not 500 <= code <= 599:  # also the library's own -1 for what it cannot parse
        return ProbeFailureError(Cause.PROTOCOL, error.message if code < 0 else f"unexpected reply: {text}")
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        if code in _AUTH_UNAVAILABLE:
            return ProbeFailureError(Cause.AUTH_UNAVAILABLE, text)
        if code == 535 or re.match(r"5\.7\.8\b", error.message):  # RFC 4954 section 6
            return ProbeFailureError(Cause.AUTH, text)
    return ProbeFailureError(Cause.REJECTED_PERMANENT, text)


def _of_connection(_: BaseException) -> ProbeFailureError:
    return ProbeFailureError(Cause.DISCONNECTED, "the server closed the connection")


def _of_http(error: BaseException) -> ProbeFailureError:
    return ProbeFailureError(Cause.PROTOCOL, f"malformed HTTP: {error}")


# Libraries that name the true reason, such as the TLS alert by which a client is refused, only as a cause
_WRAPPERS = (aiohttp.ClientConnectionError, aiosmtplib.SMTPServerDisconnected)

# The first kind that fits decides
_MEANINGS: tuple[tuple[type[BaseException], Callable[[Any], ProbeFailureError | None]], ...] = (
    (aiosmtplib.SMTPResponseException, _of_smtp_reply),
    (aiosmtplib.SMTPServerDisconnected, _of_connection),
    (aiohttp.ServerDisconnectedError, _of_connection),
    (aiohttp.ClientPayloadError, _of_connection),
    (ssl.SSLError, _of_tls),
    (socket.gaierror, _of_resolver),
    (OSError, _of_socket),
    (aiohttp.ClientConnectionError, _of_connection),
    (aiohttp.ClientError, _of_http),
)
