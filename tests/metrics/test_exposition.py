"""What a scrape is answered: the samples that prometheus_client would have written of the same pictures."""

import gzip
from collections.abc import Callable, Iterable
from dataclasses import replace
from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.core import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus_text

from monitor.core.calendar import Month
from monitor.core.check import Check, Outcome
from monitor.metrics import Exposition, Health, Histogram, PhaseDurations, Scrape, SecurityFact, Seen, fitting
from monitor.metrics.names import EVERYTHING, PHASES, Family
from monitor.metrics.subjects import target_block
from monitor.metrics.text import Format
from monitor.runner import Result, Target
from monitor.snapshot import Snapshot, TargetPicture
from probes.base import Certificate, Evidence, Link
from tests.deploy.scene import Scene
from tests.metrics.oracle import Told
from tests.metrics.pictures import healths, snapshots
from tests.shell.fleet import IdleProbe

NOTHING = Snapshot(0, Month(2026, 11), (), ())
FACTS = (SecurityFact("a/b", False, "auth_needs_tls", True), SecurityFact("example.org", True, "spf", False))
HEALTHY = Health(True, 0, None, 0, 0.0, 0, True, 0, security=FACTS, surveyed=5)
Parser = Callable[[str], Iterable[Metric]]
PARSERS: dict[Format, Parser] = {Format.TEXT: prometheus_text, Format.OPENMETRICS: openmetrics}
LABELS = {family.name: set(family.labels) for family in EVERYTHING}
KINDS = {family.base: family.kind for family in EVERYTHING}


def samples(families: Iterable[Metric]) -> dict[Any, float]:
    """Value by name and labels, of this program's families."""
    found = [
        ((sample.name, frozenset(sample.labels.items())), sample.value)
        for family in families
        if family.name.startswith("mailuptime_")
        for sample in family.samples
    ]
    assert len(dict(found)) == len(found), "a series stands twice"
    return dict(found)


@settings(max_examples=50, deadline=None)
@given(snapshots, healths)
def test_the_text_format_reads_back_as_what_prometheus_client_writes(snapshot: Snapshot, health: Health) -> None:
    body = Exposition().body(Scrape(snapshot, health, ()), Format.TEXT).decode()
    expected = generate_latest(Told(snapshot, health).registry()).decode()
    assert samples(prometheus_text(body)) == samples(prometheus_text(expected))


@settings(max_examples=50, deadline=None)
@given(snapshots, healths)
def test_openmetrics_reads_back_as_what_prometheus_client_writes(snapshot: Snapshot, health: Health) -> None:
    body = Exposition().body(Scrape(snapshot, health, ()), Format.OPENMETRICS).decode()
    expected = generate_openmetrics(Told(snapshot, health).registry()).decode()  # type: ignore[no-untyped-call]
    assert samples(openmetrics(body)) == samples(openmetrics(expected))  # type: ignore[no-untyped-call]


@settings(max_examples=20, deadline=None)
@given(snapshots, snapshots, healths)
def test_what_is_kept_from_scrape_to_scrape_changes_nothing(one: Snapshot, other: Snapshot, health: Health) -> None:
    kept = Exposition()
    mixed = replace(other, targets=(*one.targets[:1], *other.targets[1:]), services=one.services[1:])
    for snapshot in (one, mixed, other, one):
        scrape = Scrape(snapshot, health, ())
        told, again = (made.body(scrape, Format.TEXT).decode() for made in (kept, Exposition()))
        assert samples(prometheus_text(told)) == samples(prometheus_text(again))


@pytest.mark.parametrize("form", list(Format))
def test_every_family_has_the_type_and_the_labels_of_the_table(form: Format) -> None:
    families = list(PARSERS[form](Scene().exposition(form.value).body.decode()))
    told = [family for family in families if family.name.startswith("mailuptime_")]
    plain = {f"{name}_info": "gauge" for name, kind in KINDS.items() if kind == "info"}
    kinds = KINDS if form is Format.OPENMETRICS else KINDS | plain
    assert {family.name: family.type for family in told} == {family.name: kinds[family.name] for family in told}
    for family in told:
        for sample in family.samples:
            name = family.name if family.type == "histogram" else sample.name
            assert set(sample.labels) - {"le"} == LABELS[name], sample


@pytest.mark.parametrize("form", list(Format))
def test_every_family_has_help_and_comes_once(form: Format) -> None:
    lines = Scene().exposition(form.value).body.decode().splitlines()
    for keyword in ("HELP", "TYPE"):
        named = [line.split()[2] for line in lines if line.startswith(f"# {keyword} ")]
        assert len(named) == len(set(named))
    helped = {line.split()[2] for line in lines if line.startswith("# HELP ") and len(line.split()) > 3}
    assert helped == {line.split()[2] for line in lines if line.startswith("# TYPE ")}


def test_units_are_told_in_openmetrics_where_the_name_ends_in_one() -> None:
    families = list(openmetrics(Scene().exposition(Format.OPENMETRICS.value).body.decode()))  # type: ignore[no-untyped-call]
    units = {family.name: family.unit for family in families if family.name.startswith("mailuptime_")}
    assert units["mailuptime_state_seconds"] == units["mailuptime_phase_duration_seconds"] == "seconds"
    assert units["mailuptime_availability_ratio"] == "ratio"
    told = ("_seconds", "_ratio", "_bytes")
    wrong = {name: unit for name, unit in units.items() if bool(unit) != name.endswith(told)}
    assert wrong == {}


def test_nothing_says_when_a_counter_was_created() -> None:
    """It would double the number of series, and counters here go on over restarts of the daemon."""
    for form in Format:
        assert b"_created" not in Scene().exposition(form.value).body


def test_the_process_is_told_of_in_both_formats() -> None:
    for form, parse in PARSERS.items():
        families = parse(Exposition().body(Scrape(NOTHING, HEALTHY, ()), form).decode())
        values = {sample.name: sample.value for family in families for sample in family.samples}
        assert values["process_resident_memory_bytes"] > 1e6
        assert values["process_open_fds"] > 2


def test_a_compressed_answer_is_the_same_text_and_says_so() -> None:
    scrape, exposition = Scrape(NOTHING, HEALTHY, ()), Exposition()
    plain = exposition.answer(scrape, "", "")
    packed = exposition.answer(scrape, "", "gzip")
    told = gzip.decompress(packed.body).decode()
    assert samples(prometheus_text(told)) == samples(prometheus_text(plain.body.decode()))
    assert ("Content-Encoding" in plain.headers, packed.headers["Content-Encoding"]) == (False, "gzip")
    assert "Accept-Encoding" in packed.headers["Vary"]


def histogram_samples(histogram: Histogram, form: Format) -> list[Any]:
    body = Exposition().body(Scrape(NOTHING, HEALTHY, (histogram.read(),)), form).decode()
    return [sample for family in PARSERS[form](body) if family.type == "histogram" for sample in family.samples]


@given(st.lists(st.floats(-1, 100) | st.sampled_from([0.001, 30.0, 30.000001]), max_size=20))
def test_a_histogram_counts_what_is_at_most_its_bounds(observed: list[float]) -> None:
    histogram = PhaseDurations()
    for value in observed:
        histogram.observe(value, "imap", "total")
    told = histogram_samples(histogram, Format.OPENMETRICS)
    for sample in (one for one in told if one.name.endswith("_bucket")):
        bound = float(sample.labels["le"])
        assert sample.value == sum(value <= bound for value in observed)
    totals = [sample.value for sample in told if sample.name.endswith(("_count", "_sum"))]
    assert totals == ([len(observed), pytest.approx(sum(max(v, 0.0) for v in observed))] if observed else [])


def test_an_exemplar_names_the_check_in_openmetrics_only() -> None:
    histogram = PhaseDurations()
    labels = {"target": "mail/imap", "outage": "mail-20261110T030100Z"}
    histogram.observe(0.004, "imap", "connect", seen=Seen(labels, 1_000_000.5))
    shown = [one.exemplar for one in histogram_samples(histogram, Format.OPENMETRICS) if one.exemplar]
    assert [(one.labels, one.value, float(one.timestamp)) for one in shown] == [(labels, 0.004, 1_000_000.5)]
    assert not [one for one in histogram_samples(histogram, Format.TEXT) if one.exemplar]


@given(st.dictionaries(st.text(st.sampled_from("ab"), min_size=1, max_size=40), st.text(max_size=100), max_size=4))
def test_an_exemplars_labels_are_never_longer_than_openmetrics_allows(labels: dict[str, str]) -> None:
    kept = fitting(labels)
    assert sum(len(name) + len(value) for name, value in kept.items()) <= 128
    assert list(kept.items()) == list(labels.items())[: len(kept)]


def test_a_reading_does_not_change_with_what_is_observed_after_it() -> None:
    histogram = Histogram(Family("mailuptime_x_seconds", "histogram", (), "x"), (1.0, inf))
    before = histogram.read()
    histogram.observe(0.5)
    assert before.series[0].counts != histogram.read().series[0].counts
    assert sum(before.series[0].counts) == 0


def test_the_phases_buckets_reach_from_a_millisecond_to_half_a_minute() -> None:
    histogram = PhaseDurations()
    histogram.observe(0.002, "imap", "dns")
    bounds = [one.labels["le"] for one in histogram_samples(histogram, Format.TEXT) if "le" in one.labels]
    assert (bounds[0], bounds[-2], bounds[-1]) == ("0.001", "30.0", "+Inf")
    assert PHASES.labels == ("protocol", "phase")


def test_what_a_certificate_says_is_cut_to_a_bounded_label() -> None:
    names = tuple(f"{number}.example.go.th" for number in range(100))
    chain = tuple(Link("CN=" + "x" * 197, "CN=y", 1) for _ in range(10))
    told = Certificate('CN="a\\b"' + "x" * 192, "CN=y", (*names, "192.0.2.1"), 0, 1, chain=chain)
    check = Check(0, Outcome.UP, 0, 0)
    last = Result(
        Target("mail/imap", "imap", IdleProbe(), 1, 1), check, 0, (), None, Evidence(certificate=told), "", pulse=False
    )
    shown = TargetPicture(
        "mail/imap", "imap", "up", True, None, {}, {}, None, 0, 0, {}, None, False, None, presented=last
    )
    text = "".join(target_block(shown))
    (sample,) = [one for family in prometheus_text(text) for one in family.samples if one.name.endswith("ificate_info")]
    assert {name: len(value) for name, value in sample.labels.items()} == {
        "sla_service": 4, "target": 4, "subject": 150, "issuer": 4, "names": 150, "serial": 0, "chain": 150,
    }  # fmt: skip
    assert sample.labels["subject"].startswith('CN="a\\b"x')
    assert sample.labels["subject"].endswith("x…")
