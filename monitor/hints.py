"""What to do about a failed check, in one plain sentence: one table over causes, and what tells them apart (pure).

A hint is for whoever set the target up. It never quotes a password, and it never claims more than was seen.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from probes.base import Evidence
from probes.errors import Cause

IMPLICIT = {465: "submission", 993: "imap", 995: "pop3"}
"""Ports that speak TLS from the first byte (RFC 8314 section 3)."""
STARTTLS = {"smtp": "STARTTLS", "submission": "STARTTLS", "imap": "STARTTLS", "pop3": "STLS", "sieve": "STARTTLS"}
USUAL = {"smtp": "25", "submission": "587 (or 465 with tls: implicit)", "imap": "993 (or 143 with tls: starttls)",
         "pop3": "995 (or 110 with tls: starttls)", "sieve": "4190", "webmail": "443"}  # fmt: skip
BANNERS = (
    (re.compile(r"\* (OK|BYE|PREAUTH)\b"), "IMAP"),
    (re.compile(r"(\+OK|-ERR)\b"), "POP3"),
    (re.compile(r'"IMPLEMENTATION"', re.IGNORECASE), "ManageSieve"),
    (re.compile(r"SSH-"), "SSH"),
    (re.compile(r"HTTP/|<!doctype|<html", re.IGNORECASE), "HTTP"),
    (re.compile(r"\b220[ -].*\bFTP", re.IGNORECASE), "FTP"),
    (re.compile(r"\b[245]\d\d[ -]"), "SMTP"),
)
GREYLISTED = re.compile(r"gr[ea]y.?list|try again later|\b4\.7\.1\b|\b4\.2\.0\b", re.IGNORECASE)
NEEDS_TLS = re.compile(
    r"must issue a STARTTLS|PRIVACYREQUIRED|\b5\.7\.1[01]\b|encryption (is )?required", re.IGNORECASE
)
WEBMAILS = {"roundcube": "Roundcube", "sogo": "SOGo"}
_LOGIN_PHASES = {"auth", "login"}
CROWDED = re.compile(r"too many|connection rate|concurren|limit", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Seen:
    """A failed check: `options` are the probe's, `reply` what came with the cause."""

    protocol: str
    options: Any
    cause: Cause
    phase: str | None
    reply: str
    evidence: Evidence

    @property
    def host(self) -> str:
        options = self.options
        return str(getattr(options, "host", None) or urlsplit(getattr(options, "url", "")).hostname or "the server")

    @property
    def port(self) -> int | None:
        found: int | None = getattr(self.options, "port", None)
        return found

    @property
    def tls(self) -> str:
        return str(getattr(getattr(self.options, "tls", None), "mode", "none"))

    @property
    def webmail(self) -> str:
        """What the webmail is called."""
        return WEBMAILS.get(str(getattr(self.options, "flavour", "")), "the webmail")

    @property
    def encrypted(self) -> bool:
        return self.evidence.tls_version is not None

    @property
    def wants_tls(self) -> bool:
        """Whether the server offers TLS, or says that it takes nothing without."""
        offers = {"STARTTLS", "STLS"} & set(self.evidence.capabilities)
        return bool(offers or NEEDS_TLS.search(self.words))

    @property
    def words(self) -> str:
        """All that the server was heard to say."""
        return "\n".join((self.reply, *self.evidence.replies))


def hint(seen: Seen) -> str:
    """What to do, or to look at first."""
    return HINTS[seen.cause](seen)


def _dns(seen: Seen) -> str:
    key = "url" if seen.protocol == "webmail" else "host"
    records = {"ipv4": ("IPv4 ", "A records"), "ipv6": ("IPv6 ", "AAAA records")}
    family, named = records.get(str(getattr(seen.options, "address_family", "any")), ("", "A and AAAA records"))
    other = ", or address_family" if family else ""
    return f"the name {seen.host} has no {family}address: mend {key}, or the {named} of its zone{other}"


def _refused(seen: Seen) -> str:
    usual = USUAL.get(seen.protocol)
    more = f"; {seen.protocol} usually listens on {usual}" if usual else ""
    return (
        f"nothing listens on this port of {seen.evidence.address or seen.host}: start the service, or mend port{more}"
    )


def _certificate(seen: Seen) -> str:
    certificate = seen.evidence.certificate
    match certificate.problem if certificate else None:
        case "expired":
            return "the certificate has expired: renew it, and have the server load the new one"
        case "not_yet_valid":
            return "the certificate is not valid yet: put it in place later, or set this machine's clock"
        case "name":
            names = ", ".join(certificate.names[:5]) if certificate and certificate.names else "no name at all"
            return f"the certificate is for {names}: set tls.server_name, or renew it with the name that users type"
        case "untrusted" if certificate and certificate.subject == certificate.issuer:
            return "the certificate is self-signed: set tls.ca_file to it, or have it issued by an authority"
        case "untrusted":
            return (
                "nobody whom this machine trusts has issued the certificate: have the server send the whole chain, "
                "or set tls.ca_file to the issuer's authority"
            )
        case _:
            return "the certificate does not verify: openssl s_client -showcerts shows what the server sends"


def _handshake(seen: Seen) -> str:
    reason = seen.reply.lower()
    if "wrong version number" in reason or "record layer" in reason or "packet length" in reason:
        if seen.protocol in STARTTLS:
            return "the port does not speak TLS from the first byte: set tls: starttls (or none)"
        return "the port does not speak TLS: set tls: none, or mend the address"
    if "protocol version" in reason or "unsupported protocol" in reason:
        return "client and server share no version of TLS: have the server offer TLS 1.2 or 1.3"
    if "certificate required" in reason or "bad certificate" in reason:
        return "the server demands a certificate of the client, which this probe has not"
    return "client and server could not agree on TLS: its versions, ciphers and key, as the server's log tells them"


def _no_starttls(seen: Seen) -> str:
    name = STARTTLS.get(seen.protocol, "STARTTLS")
    if seen.port in IMPLICIT:
        return f"{name} is not offered on {seen.port}, which speaks TLS from the first byte: set tls: implicit"
    return (
        f"the server does not offer {name} on this port: switch TLS on there, or set tls: implicit where the port "
        "speaks it from the first byte; somebody between may also strip the offer"
    )


def _no_auth(seen: Seen) -> str:
    offered = [word for word in seen.evidence.capabilities if word.startswith(("AUTH", "SASL"))]
    if not seen.encrypted and seen.tls == "none" and (seen.wants_tls or not offered):
        return "the server offers no AUTH before STARTTLS: set tls: starttls"
    if seen.protocol == "smtp":
        return "the server takes no log-ins on this port: leave login out, or use type: submission on 587"
    more = f"; it offers {', '.join(offered)}" if offered else ""
    return f"the server offers no way of logging in that the probe may use{more}"


def _temporary(seen: Seen) -> str:
    if seen.protocol == "webmail":
        return f"the web server answers, what is behind it does not: log, database, IMAP server of {seen.webmail}"
    if CROWDED.search(seen.words):
        return "the server limits connections: exempt the monitor's address there, or probe less often"
    if seen.phase in _LOGIN_PHASES:
        return "the server cannot check passwords at the moment: its auth process, LDAP or database, as its log tells"
    if GREYLISTED.search(seen.words):
        return "greylisted or deferred: exempt the monitor's address at the server"
    return "the server says that it will do later what it does not now: its log has the reason"


def _permanent(seen: Seen) -> str:
    if NEEDS_TLS.search(seen.words) and not seen.encrypted:
        return "the server takes nothing in clear: set tls: starttls"
    if seen.protocol == "webmail":
        return _page_refused(seen)
    if seen.phase == "greeting":
        return "the server turns the monitor's address away: a blocklist or an access rule there"
    if seen.phase in {"mail_from", "rcpt_to"}:
        return "the server takes no such mail from here: mend recipient or sender, or the server's rules"
    return "the server refuses for good what was asked: its log has the reason"


def _page_refused(seen: Seen) -> str:
    if "HTTP 404" in seen.words:
        return f"{seen.webmail} was not found at this address: mend url, with the path that users type"
    if "HTTP 400" in seen.words and seen.tls == "none":
        return "the web server takes no plain HTTP here: the port may speak TLS, so write https:// in url"
    if re.search("HTTP 40[13]", seen.words):
        return "the web server forbids this page to the monitor: allow its address there"
    return "the web server answers with an error: its own log has the reason"


def _protocol(seen: Seen) -> str:
    spoken = next((name for pattern, name in BANNERS if pattern.search(seen.words)), None)
    expected = {"submission": "SMTP", "webmail": "HTTP", "sieve": "ManageSieve"}.get(
        seen.protocol, seen.protocol.upper()
    )
    if seen.phase == "greeting" and spoken not in {None, expected}:
        return f"the port speaks {spoken}, not {expected}: mend port, or type"
    if seen.phase == "greeting":
        return f"what listens there does not speak {expected}: mend port, or look at what stands before the server"
    return "the server answers against its protocol: something between may meddle; --transcript shows the dialogue"


def _disconnected(seen: Seen) -> str:
    if seen.phase == "tls":
        return "closed within TLS: the port may not speak it (tls: starttls), or its certificate cannot be loaded"
    if seen.phase == "greeting":
        return "closed before a word: a limit of connections, a blocklist such as fail2ban, or a proxy without a server"
    return "the server closed the connection in the midst: its log has the reason"


def _timeout(seen: Seen) -> str:
    if seen.phase == "greeting" and seen.tls != "implicit":
        if seen.port in IMPLICIT:
            return f"port {seen.port} speaks TLS from the first byte: set tls: implicit"
        return "connected, and no greeting: the server hangs, or the port speaks TLS at once (tls: implicit)"
    if seen.phase in {"tls", "starttls"}:
        return "connected, and no TLS: the server is overloaded or hangs"
    if seen.phase in _LOGIN_PHASES:
        return "everything answers but the log-in: what checks passwords hangs (auth process, LDAP, database)"
    if seen.phase in {"select", "status", "quota", "stat", "list", "uidl", "listscripts", "inbox"}:
        return "logged in, and no mailbox: the storage hangs (file system, index, backend)"
    return "the server does not answer in time: it is overloaded or hangs, or timeout is too short"


def _auth(seen: Seen) -> str:
    login = getattr(seen.options, "login", None)
    who = f" of {login.username}" if login else ""
    if seen.protocol == "roundtrip" and seen.options is not None:
        who = f" of {' or '.join(seen.options.submit if seen.phase == 'submit' else seen.options.fetch)}"
    return (
        f"the password{who} was refused: compare it with the account's, and see whether the account is locked, "
        "expired or not allowed to use this protocol"
    )


def _content(seen: Seen) -> str:
    if seen.protocol == "imap":
        mailbox = getattr(seen.options, "mailbox", "INBOX")
        return f"the mailbox {mailbox} is not there or may not be read: mend mailbox, or the account's rights"
    if seen.protocol == "webmail":
        if getattr(seen.options, "flavour", "") == "form" and seen.phase == "login":
            return "the page after the log-in has none of the markers: mend form.success and form.failure"
        return f"{seen.webmail} was not found behind this address: mend url, or see what page users get"
    return "the answer lacks what a user would see: --transcript shows the dialogue"


def _saying(text: str) -> Callable[[Seen], str]:
    return lambda _: text


HINTS: Mapping[Cause, Callable[[Seen], str]] = {
    Cause.DNS: _dns,
    Cause.RESOLVER: _saying("this machine's resolver does not answer: /etc/resolv.conf, and the way to its servers"),
    Cause.CONNECT_REFUSED: _refused,
    Cause.CONNECT_TIMEOUT: _saying(
        "no answer at all: a firewall drops the packets, or the host is off or elsewhere by now"
    ),
    Cause.CONNECT_UNREACHABLE: _saying("a router says that the host cannot be reached: its network, or a firewall"),
    Cause.NETWORK: _saying("this machine has no way there: its route, its IPv4 or IPv6, its packet filter"),
    Cause.RESOURCES: _saying("this machine is out of descriptors, ports or memory: LimitNOFILE=, and what uses them"),
    Cause.TLS_CERTIFICATE: _certificate,
    Cause.TLS_HANDSHAKE: _handshake,
    Cause.STARTTLS_UNAVAILABLE: _no_starttls,
    Cause.AUTH_UNAVAILABLE: _no_auth,
    Cause.DISCONNECTED: _disconnected,
    Cause.PROTOCOL: _protocol,
    Cause.REJECTED_TEMPORARY: _temporary,
    Cause.REJECTED_PERMANENT: _permanent,
    Cause.AUTH: _auth,
    Cause.CONTENT: _content,
    Cause.EXPECTATION: _saying("it works, and not as this target's expect demands: mend the server, or expect"),
    Cause.SLOW: _saying("it works, and slower than this target's expect allows: the phases say where the time goes"),
    Cause.UNDELIVERED: _saying("accepted and not delivered in time: the server's queue (mailq, postqueue -p) and log"),
    Cause.BOUNCED: _saying("accepted and sent back: the bounce says why, often a full mailbox or an unknown user"),
    Cause.TIMEOUT: _timeout,
    Cause.CREDENTIAL: _auth,
    Cause.RESTING: _saying("refused log-ins before this check rest the account: see what its other targets say of it"),
    Cause.MISSED: _saying("no check was made: this machine slept or was too busy"),
    Cause.OVERLOAD: _saying("this machine was too busy to be believed: fewer targets, longer intervals, more CPU"),
    Cause.SELF_TEST: _saying("this machine's own network failed just then: see self_test"),
    Cause.CLOCK: _saying("this machine's clock was set, or it slept, during the check: run it again"),
    Cause.BROWSER: _saying("this machine's browser could not be run: is chromium installed, and is the unit running?"),
    Cause.WORKER: _saying("the log line worker.ended says how its process ended: out of memory, perhaps"),
    Cause.INTERNAL: _saying("a bug of mailuptime: please report it with the log line check.internal_error"),
}
