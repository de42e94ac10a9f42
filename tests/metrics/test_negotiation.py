"""Which format a scrape is answered in: the one that its Accept header prefers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.metrics.negotiation import format_for, gzip_for
from monitor.metrics.text import Format

OPEN, TEXT = Format.OPENMETRICS, Format.TEXT
PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        (PROMETHEUS_2, OPEN),
        (PROMETHEUS_3, OPEN),
        ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", TEXT),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", TEXT),
        ("application/openmetrics-text", OPEN),
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", OPEN),
        ('application/openmetrics-text; version="1.0.0"', OPEN),
        ("application/openmetrics-text; version=0.0.1, text/plain;version=0.0.4;q=0.5", TEXT),
        ("application/openmetrics-text; version=2.0.0", TEXT),
        ("application/openmetrics-text;q=0.1, text/plain;q=0.9", TEXT),
        ("text/plain;q=0.1, application/openmetrics-text;q=0.9", OPEN),
        ("application/openmetrics-text, text/plain", OPEN),
        ("application/*, text/plain;q=0.5", OPEN),
        ("application/openmetrics-text;q=0, */*", TEXT),
        ("*/*, text/plain;q=0", OPEN),
        ("APPLICATION/OpenMetrics-Text; Version=1.0.0; Q=1", OPEN),
        ("image/png", TEXT),
        ("application/openmetrics-text;q=high", TEXT),
        (",;,q=;;=,", TEXT),
    ],
)
def test_the_most_wanted_format_is_answered(accept: str, form: Format) -> None:
    assert format_for(accept) is form


@pytest.mark.parametrize(
    ("encodings", "packed"),
    [
        ("", False),
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("deflate, br", False),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("*", True),
        ("identity;q=0.5, GZIP;q=0.1", True),
        ("gzip;q=often", False),
    ],
)
def test_an_answer_is_compressed_where_that_is_asked_for(encodings: str, packed: bool) -> None:
    assert gzip_for(encodings) is packed


@given(st.text(max_size=200))
def test_no_header_is_too_odd_to_be_answered(header: str) -> None:
    assert format_for(header) in Format
    assert gzip_for(header) in {True, False}
