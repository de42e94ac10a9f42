"""What `/probe` answers: blackbox_exporter's metrics by its names and types, mail's own beside them (pure).

Names, help and meaning are those of blackbox_exporter's tcp module, for webmail those of its http module: a family
is there when it would be there. What it has no name for is called `mailuptime_probe_…`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address

from monitor.core.instants import SECOND
from monitor.ladder import document, text
from monitor.probing import Probed
from probes.base import Certificate, Evidence
from probes.errors import Cause

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
NOT_A_REPLY = frozenset({Cause.TIMEOUT, Cause.TLS_CERTIFICATE, Cause.TLS_HANDSHAKE, Cause.INTERNAL, Cause.OVERLOAD})
"""After connecting: failures that blackbox_exporter would not lay on what the server said."""
_AES = re.compile(r"(ECDHE)-(RSA|ECDSA)-AES(128|256)-(GCM-)?(SHA\d*)")

Samples = Iterable[tuple[Mapping[str, str], float]]


def exposition(probed: Probed) -> str:
    """The answer in Prometheus' text format."""
    return "".join(_families(probed))


def debugging(probed: Probed) -> str:
    """The ladder, the metrics and the module's options, for `debug=true`. Passwords print as nothing."""
    shown = text(document(probed.result, probed.at))
    module = probed.module
    lines = [f"type: {module.type}", f"depth: {module.depth}", *(f"{k}: {v}" for k, v in module.options.items())]
    return (
        f"Logs for the probe:\n{shown}\n\n\n\nMetrics that would have been returned:\n{exposition(probed)}"
        "\n\n\nModule configuration:\n" + "\n".join(lines) + "\n"
    )


def _families(probed: Probed) -> Iterator[str]:
    result, seen = probed.result, probed.result.evidence
    spent = _spent(probed)
    succeeded = result.check.cause is None
    yield _gauge("probe_success", "Displays whether or not the probe was a success", succeeded)
    yield _gauge(
        "probe_duration_seconds",
        "Returns how long the probe took to complete in seconds",
        result.check.duration / SECOND,
    )
    yield _gauge("probe_timeout_seconds", "Returns how long the probe timeout is in seconds", probed.limit)
    yield from _address(seen, spent.get("dns", 0.0))
    if probed.module.type == "webmail":
        yield from _http(seen, spent)
    else:
        said = _dialled(probed) and not succeeded and result.check.cause not in NOT_A_REPLY
        yield _gauge("probe_failed_due_to_regex", "Indicates if probe failed due to regex", said)
        yield _gauge("probe_failed_due_to_bytes", "Indicates if probe failed due to bytes", 0)
    yield from _tls(seen)
    yield from _own(probed, spent)


def _dialled(probed: Probed) -> bool:
    """Whether there was a connection, with TLS where it has to be there from the first byte."""
    done = {phase.name for phase in probed.result.phases if phase.ok}
    implicit = getattr(probed.module.options.get("tls"), "mode", None) == "implicit"
    return "connect" in done and (not implicit or "tls" in done)


def _address(seen: Evidence, lookup: float) -> Iterator[str]:
    yield _gauge("probe_dns_lookup_time_seconds", "Returns the time taken for probe dns lookup in seconds", lookup)
    address = ip_address(seen.address.partition("%")[0]) if seen.address else None
    version = address.version if address else 0
    yield _gauge("probe_ip_protocol", "Specifies whether probe ip protocol is IP4 or IP6", version)
    yield _gauge(
        "probe_ip_addr_hash",
        "Specifies the hash of IP address. It's useful to detect if the IP address changes.",
        fnv1a(address.packed) if address else 0,
    )


def _http(seen: Evidence, spent: Mapping[str, float]) -> Iterator[str]:
    phases = {
        "resolve": spent.get("dns", 0.0),
        "connect": spent.get("connect", 0.0),
        "tls": spent.get("tls", 0.0),
        "processing": spent.get("page", 0.0),
    }
    yield _family(
        "probe_http_duration_seconds",
        "Duration of http request by phase, summed over all redirects",
        [({"phase": name}, value) for name, value in phases.items()],
    )
    status = next((int(line[5:8]) for line in seen.replies if re.match(r"HTTP \d{3}", line)), 0)
    yield _gauge("probe_http_status_code", "Response HTTP status code", status)
    encrypted = seen.tls_version is not None
    yield _gauge("probe_http_ssl", "Indicates if SSL was used for the final redirect", encrypted)
    yield _gauge("probe_http_version", "Returns the version of HTTP of the probe response", 1.1 if status else 0)


def _tls(seen: Evidence) -> Iterator[str]:
    """Of a handshake that succeeded; what a refused certificate says is in `_own`."""
    certificate = seen.certificate
    if seen.tls_version is None or (certificate is not None and certificate.problem):
        return
    version = seen.tls_version.replace("TLSv1", "TLS 1") if "." in seen.tls_version else "TLS 1.0"
    yield _family(
        "probe_tls_version_info", "Returns the TLS version used or NaN when unknown", [({"version": version}, 1)]
    )
    if seen.tls_cipher:
        cipher = standard(seen.tls_cipher)
        yield _family(
            "probe_tls_cipher_info", "Returns the TLS cipher negotiated during handshake", [({"cipher": cipher}, 1)]
        )
    if certificate is None:
        return
    earliest = certificate.first_end
    yield _gauge("probe_ssl_earliest_cert_expiry", "Returns last SSL chain expiry in unixtime", earliest)
    yield _gauge(
        "probe_ssl_last_chain_expiry_timestamp_seconds", "Returns last SSL chain expiry in timestamp", earliest
    )
    yield _family("probe_ssl_last_chain_info", "Contains SSL leaf certificate information", [(_leaf(certificate), 1)])


def _leaf(certificate: Certificate) -> dict[str, str]:
    """Of the names those of hosts only, as blackbox_exporter has them."""
    return {
        "fingerprint_sha256": certificate.fingerprint,
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "subjectalternative": ",".join(certificate.hosts),
        "serialnumber": certificate.serial,
    }


def _own(probed: Probed, spent: Mapping[str, float]) -> Iterator[str]:
    result, seen = probed.result, probed.result.evidence
    yield _family(
        "mailuptime_probe_phase_seconds",
        "How long each phase of the check took.",
        [({"phase": name}, value) for name, value in spent.items()],
    )
    yield _family(
        "mailuptime_probe_outcome",
        "1 for the outcome: unknown is a fault of the monitor, and no success.",
        [({"outcome": one}, float(result.check.outcome == one)) for one in ("up", "down", "unknown")],
    )
    if result.check.cause is not None:
        yield _family("mailuptime_probe_cause", "1 for why the check failed.", [({"cause": result.check.cause}, 1)])
    yield _gauge("mailuptime_probe_warnings", "What is not as it should be, and no failure.", len(seen.warnings))
    if seen.certificate is not None:
        name = "mailuptime_probe_certificate_not_after_timestamp_seconds"
        yield _gauge(name, "When the certificate presented runs out, verified or not.", seen.certificate.not_after)
        yield _family(
            "mailuptime_probe_certificate_info",
            "What the certificate presented says, verified or not.",
            [(_leaf(seen.certificate), 1)],
        )
        problems = [({"problem": problem}, 1) for problem in seen.certificate.problems]
        if problems:
            yield _family(
                "mailuptime_probe_certificate_problem",
                "1 for each reason why the certificate does not verify.",
                problems,
            )
    if seen.quota_used is not None:
        yield _gauge("mailuptime_probe_quota_used_ratio", "Share of the mailbox's quota in use.", seen.quota_used)
    if probed.paused:
        name = "mailuptime_probe_login_pause_seconds"
        yield _gauge(name, "Until a log-in is tried again; this check made none.", probed.paused)


def _spent(probed: Probed) -> dict[str, float]:
    """Seconds by phase; behind STARTTLS a phase is gone through twice."""
    spent: dict[str, float] = {}
    for phase in probed.result.phases:
        spent[phase.name] = spent.get(phase.name, 0.0) + phase.seconds
    return spent


def fnv1a(data: bytes) -> int:
    """FNV-1a of 32 bits, by which blackbox_exporter hashes an address."""
    found = 0x811C9DC5
    for byte in data:
        found = (found ^ byte) * 0x01000193 & 0xFFFFFFFF
    return found


def standard(cipher: str) -> str:
    """A cipher suite's name as IANA and Go write it; OpenSSL writes those of TLS 1.2 in a way of its own."""
    found = _AES.fullmatch(cipher)
    if found:
        exchange, key, bits, gcm, digest = found.groups()
        return f"TLS_{exchange}_{key}_WITH_AES_{bits}_{'GCM' if gcm else 'CBC'}_{digest}"
    if cipher.endswith("-CHACHA20-POLY1305"):
        return f"TLS_{cipher.removesuffix('-CHACHA20-POLY1305').replace('-', '_')}_WITH_CHACHA20_POLY1305_SHA256"
    return cipher


def _gauge(name: str, documentation: str, value: float) -> str:
    return _family(name, documentation, [({}, value)])


def _family(name: str, documentation: str, samples: Samples) -> str:
    lines = [f"# HELP {name} {documentation}", f"# TYPE {name} gauge"]
    lines += [f"{name}{_labels(labels)} {_number(float(value))}" for labels, value in samples]
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    shown = (f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return "{" + ",".join(shown) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)
