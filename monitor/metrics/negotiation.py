"""Which format and encoding a scrape is answered in (RFC 9110, section 12.5: Accept and Accept-Encoding).

A version that is asked for and not spoken is no match: nobody is sent a format that he did not name. Where nothing
matches, the answer is Prometheus' text: a person with a browser is better served by it than by 406.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from monitor.metrics.text import Format

_SPOKEN = {
    Format.OPENMETRICS: ("application", "openmetrics-text", "1.0.0"),
    Format.TEXT: ("text", "plain", "0.0.4"),
}
_NAMED = 3  # how specific a range is that names the type, of 1 for any and 2 for its kind
_MOST = 4096  # characters of a header that are looked at


@dataclass(frozen=True, slots=True)
class _Accepted:
    value: str
    parameters: Mapping[str, str]
    quality: float


def format_for(accept: str) -> Format:
    """The most wanted format; of two wanted alike OpenMetrics, if it is named and not covered by a wildcard."""
    ranges = list(_accepted(accept))
    wanted = {form: _wanted(ranges, form) for form in _SPOKEN}
    quality, precision = wanted[Format.OPENMETRICS]
    by_wildcard = precision < _NAMED and wanted[Format.TEXT] == (quality, precision)
    preferred = quality > 0 and wanted[Format.OPENMETRICS] >= wanted[Format.TEXT] and not by_wildcard
    return Format.OPENMETRICS if preferred else Format.TEXT


def gzip_for(accept_encoding: str) -> bool:
    """Whether the answer may be compressed; nothing said means that it may not."""
    named = {one.value: one.quality for one in _accepted(accept_encoding)}
    return named.get("gzip", named.get("x-gzip", named.get("*", 0.0))) > 0


def _wanted(ranges: list[_Accepted], form: Format) -> tuple[float, int]:
    """The quality of the most specific range that matches, and how specific it is."""
    kind, subtype, version = _SPOKEN[form]
    found = (0.0, 0)
    specific = 0
    for one in ranges:
        precision = {f"{kind}/{subtype}": _NAMED, f"{kind}/*": 2, "*/*": 1}.get(one.value, 0)
        asked = one.parameters.get("version")
        if not precision or (asked is not None and asked != version):
            continue
        precision += asked is not None
        if precision > specific or (precision == specific and one.quality > found[0]):
            specific, found = precision, (one.quality, min(precision, _NAMED))
    return found


def _accepted(header: str) -> Iterator[_Accepted]:
    for part in header[:_MOST].split(","):
        value, *rest = (piece.strip() for piece in part.split(";"))
        pairs = (piece.partition("=") for piece in rest)
        parameters = {name.strip().lower(): text.strip().strip('"').lower() for name, _, text in pairs}
        if value:
            yield _Accepted(value.lower(), parameters, _quality(parameters.get("q", "1")))


def _quality(text: str) -> float:
    """0 to 1; what cannot be read, 0: it was qualified, and nobody knows how."""
    try:
        quality = float(text)
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0
