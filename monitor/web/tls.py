"""The listener's TLS: a context from the web configuration, and what a client's certificate says of who it is."""

import os
import ssl
import stat
from pathlib import Path
from typing import Any

from monitor.checklines import printable
from monitor.settings.problems import Report
from monitor.settings.webfile import CIPHERS, WebFile

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_POLICIES = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}


def context_of(file: WebFile) -> ssl.SSLContext | None:
    """A context of the files as they are now, None without TLS. Raises ConfigurationError."""
    tls = file.tls
    if tls is None:
        return None
    report = Report(file.places.path, file.places.keys, file.places.values)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version, made.maximum_version = _VERSIONS[tls.min_version], _VERSIONS[tls.max_version]
    chosen = [CIPHERS[name] for name in tls.cipher_suites if name in CIPHERS]
    if chosen:
        made.set_ciphers(":".join(chosen))
    if tls.prefer_server_cipher_suites:
        made.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    made.verify_mode = _POLICIES[tls.client_auth_type]
    _load(made, report, tls.cert_file, tls.key_file)
    if tls.client_ca_file is not None:
        try:
            made.load_verify_locations(tls.client_ca_file)
        except OSError as error:  # ssl.SSLError among them
            report.add(("tls_server_config", "client_ca_file"), f"{tls.client_ca_file}: {_plain(error)}")
    report.stop()
    return made


def _load(context: ssl.SSLContext, report: Report, certificate: Path, key: Path) -> None:
    """Both into the context, each problem at the key that names the file."""
    for name, path in (("cert_file", certificate), ("key_file", key)):
        try:
            mode = path.stat().st_mode
        except OSError as error:
            report.add(("tls_server_config", name), f"{path}: {error.strerror}")
            return
        if not stat.S_ISREG(mode):
            report.add(("tls_server_config", name), f"{path} is not a regular file")
            return
        if name == "key_file" and mode & stat.S_IROTH:
            report.add(("tls_server_config", name), f"{path} can be read by everybody; chmod o-r it")
            return
    try:
        context.load_cert_chain(certificate, key, password=lambda: "")  # an encrypted key asks nobody
    except ssl.SSLError as error:
        report.add(("tls_server_config", "key_file"), f"{key} with {certificate}: {_plain(error)}")
    except (OSError, ValueError) as error:
        report.add(("tls_server_config", "key_file"), f"{key}: {_plain(error)}")


def _plain(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        words = {"KEY_VALUES_MISMATCH": "the key is not the certificate's", "NO_CERTIFICATE_OR_CRL_FOUND": "no PEM"}
        reason = error.reason or "not PEM, or an encrypted key"
        return words.get(reason, reason.replace("_", " ").lower())
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)


def names_of(certificate: dict[str, Any]) -> tuple[str, ...]:
    """The subject alternative names of a client's certificate as `getpeercert` gives it."""
    wanted = {"DNS", "IP Address", "email", "URI"}
    return tuple(str(name) for kind, name in certificate.get("subjectAltName", ()) if kind in wanted)


def holder_of(certificate: dict[str, Any]) -> str | None:
    """Whom a client's verified certificate names; None without one."""
    if not certificate:
        return None
    common = next((value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"), "")
    named = common or next(iter(names_of(certificate)), "") or f"serial {certificate.get('serialNumber', '?')}"
    return printable(str(named))
