"""Where a probe of some options connects to."""

from typing import Any
from urllib.parse import urlsplit


def endpoint(options: Any, kind: Any) -> tuple[str, int | None]:
    """The host and the port; `kind` is the probe's class, which knows the usual ports. A round trip has no host."""
    if hasattr(options, "url"):
        parts = urlsplit(options.url)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    if not hasattr(options, "host"):
        return "", None
    usual = getattr(kind, "TLS_PORT" if options.tls.mode == "implicit" else "PORT", None)
    return options.host, options.port or usual


def shown(host: str, port: int | None) -> str:
    """As one writes it; empty without a host."""
    name = f"[{host}]" if ":" in host else host
    return name if port is None or not host else f"{name}:{port}"
