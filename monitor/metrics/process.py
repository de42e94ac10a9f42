"""What prometheus_client tells of this process: memory, CPU time, descriptors, and the interpreter."""

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import generate_latest as prometheus_text
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics_text

from monitor.metrics.text import Format

_REGISTRY = CollectorRegistry()
for _collector in (ProcessCollector, PlatformCollector, GCCollector):
    _collector(registry=_REGISTRY)


def process_text(form: Format) -> bytes:
    """Families in the format, without the mark of its end."""
    if form is Format.TEXT:
        return prometheus_text(_REGISTRY)
    text: bytes = openmetrics_text(_REGISTRY)  # type: ignore[no-untyped-call]
    return text.removesuffix(b"# EOF\n")
