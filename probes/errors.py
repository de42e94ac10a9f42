"""Why a check failed: a bounded set of causes, and the one exception that carries one.

A cause says what was seen, never whose fault it is; `monitor.blame` decides that. The values are metric labels
and stand in the ledger for years: add to them, never rename.
"""

from enum import StrEnum


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
    TIMEOUT = "timeout"  # the deadline passed in a phase after connecting
    CREDENTIAL = "credential"  # refused, and this credential has never worked
    MISSED = "missed"  # a slot of the schedule that passed without a check
    OVERLOAD = "overload"  # a time-out while this machine was too busy to be believed
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
