"""`/probe` beside Debian's blackbox_exporter: the same scrape job, of which only the address is another."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families as prometheus_text

from monitor.settings.modules import BUILT_IN
from tests.deploy.blackbox import EXECUTABLE, Blackbox, Scene, asked, modules_of, scenes
from tests.deploy.prometheus import Prometheus
from tests.e2e.commands import promtool_check
from tests.lab import Lab
from tests.lab.configuration import configuration, free_port
from tests.lab.daemon import Daemon
from tests.lab.processes import Keeper

PATIENCE_S = 3.0
TIMES = {"probe_duration_seconds", "probe_dns_lookup_time_seconds", "probe_timeout_seconds"}
REGEX = "probe_failed_due_to_regex"
HEARD_OUT = {"no starttls", "another banner"}
"""Where blackbox_exporter waits for a line that never comes, and blames the time; we have seen what was said."""
NEWER = {"serialnumber"}
"""Labels that later versions of blackbox_exporter have and Debian's has not."""


@dataclass(frozen=True)
class Pair:
    """Both exporters, and what both are asked about."""

    ours: str
    theirs: str
    scenes: dict[str, Scene]

    def families(self, address: str, name: str) -> dict[str, tuple[str, str, list[tuple[dict[str, str], float]]]]:
        """What an exporter says of a scene, by metric: help, type and samples."""
        scene = self.scenes[name]
        status, kind, body = asked(address, PATIENCE_S, target=scene.target, module=scene.module)
        assert status == 200, body
        assert kind.startswith("text/plain; version=0.0.4")
        return {
            one.name: (
                one.documentation,
                one.type,
                [({k: v for k, v in sample.labels.items() if k not in NEWER}, sample.value) for sample in one.samples],
            )
            for one in prometheus_text(body)
        }


@pytest.fixture(scope="module")
def pair(shared_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    place = tmp_path_factory.mktemp("probe")
    written = place / "blackbox.yml"
    written.write_text(json.dumps({"modules": modules_of(shared_lab)}))
    port = free_port()
    ours = configuration(shared_lab, place, port, extra=own_modules(shared_lab))
    with scenes(shared_lab) as found, Daemon(ours, port) as daemon, Keeper(["true"]) as keeper:
        blackbox = Blackbox(written, place, keeper)
        try:
            yield Pair(urlsplit(daemon.url).netloc, blackbox.address, found)
        finally:
            blackbox.stop()


def own_modules(lab: Lab) -> str:
    """The modules that come with the program, but for the authority, which is the lab's own."""
    trusted = json.dumps(str(lab.ca_file))
    kinds = {
        "tls_connect": ("tcp", "implicit", "full"),
        "imaps_banner": ("imap", "implicit", "banner"),
        "pop3s_banner": ("pop3", "implicit", "banner"),
        "smtp_starttls": ("smtp", "starttls", "full"),
        "imap_starttls": ("imap", "starttls", "full"),
    }
    lines = [
        f"  {name}: {{type: {kind}, depth: {depth}, tls: {{mode: {mode}, ca_file: {trusted}}}{more(name)}}}"
        for name, (kind, mode, depth) in kinds.items()
    ]
    return "\n".join(["probe: {allow: [127.0.0.0/8]}", "modules:", *lines, ""])


def more(name: str) -> str:
    """What a module that comes with the program demands beside its type."""
    return ", expect: {capabilities: [AUTH]}" if "expect" in BUILT_IN[name] else ""


def job(name: str, address: str, found: dict[str, Scene]) -> list[dict[str, Any]]:
    """The usual scrape job of a blackbox_exporter, one for each module."""
    relabelling = [
        {"source_labels": ["__address__"], "target_label": "__param_target"},
        {"source_labels": ["__param_target"], "target_label": "instance"},
        {"target_label": "__address__", "replacement": address},
    ]
    targets: dict[str, set[str]] = {}
    for scene in found.values():
        targets.setdefault(scene.module, set()).add(scene.target)
    return [
        {
            "job_name": f"{name} {module}",
            "metrics_path": "/probe",
            "params": {"module": [module]},
            "static_configs": [{"targets": sorted(listed), "labels": {"exporter": name, "module": module}}],
            "relabel_configs": relabelling,
        }
        for module, listed in targets.items()
    ]


def test_the_same_scrape_job_finds_the_same_success_whichever_exporter_it_is_pointed_at(
    pair: Pair, tmp_path: Path
) -> None:
    configured = {
        "global": {"scrape_interval": "4s", "scrape_timeout": f"{PATIENCE_S:g}s"},
        "scrape_configs": [*job("ours", pair.ours, pair.scenes), *job("theirs", pair.theirs, pair.scenes)],
    }
    with Keeper(["true"]) as keeper:
        prometheus = Prometheus(configured, tmp_path / "prometheus", keeper)
        try:
            prometheus.wait_for(f"count(probe_success) == {2 * len(pair.scenes)}")
            found = prometheus.query("probe_success")
            up = prometheus.query("min(up)")
        finally:
            prometheus.stop()
    said = {(one["exporter"], one["module"], one["instance"]): value for one, value in found}
    expected = {(one.module, one.target): one.success for one in pair.scenes.values()}
    for exporter in ("theirs", "ours"):
        assert {key: said[exporter, *key] for key in expected} == expected
    assert up == [({}, 1.0)]


@pytest.mark.parametrize("name", [
    "connect", "connect by tls", "smtp", "smtp starttls", "imap", "imap starttls", "imaps", "pop3s", "refused",
    "refused imaps", "hanging", "hanging tls", "expired", "wrong name", "untrusted", "no starttls", "another banner",
    "no tls at all", "hanging up",
])  # fmt: skip
def test_what_blackbox_exporter_says_is_said_by_its_names_types_and_help_and_but_for_times_in_its_values(
    name: str, pair: Pair
) -> None:
    theirs, ours = pair.families(pair.theirs, name), pair.families(pair.ours, name)
    assert theirs.keys() - ours.keys() == set()
    for metric in theirs:
        assert ours[metric][:2] == theirs[metric][:2]
        if metric == REGEX and name in HEARD_OUT:
            assert [value for _, value in ours[metric][2]] == [1]
        elif metric not in TIMES:
            assert ours[metric] == theirs[metric]


@pytest.mark.parametrize("name", ["imaps", "expired", "hanging tls", "refused", "no starttls"])
def test_promtool_minds_nothing_in_the_answer(name: str, pair: Pair) -> None:
    scene = pair.scenes[name]
    _, _, body = asked(pair.ours, PATIENCE_S, target=scene.target, module=scene.module)
    checked = promtool_check(body)
    assert (checked.status, checked.out, checked.err) == (0, "", "")


def test_requests_that_make_no_sense_get_the_status_that_blackbox_exporter_gives_them(pair: Pair) -> None:
    target = pair.scenes["imaps"].target
    requests: list[dict[str, Any]] = [
        {"target": target, "module": "no_such_module"},
        {"target": target},
        {"module": "tcp_connect"},
        {"target": "", "module": "tcp_connect"},
    ]
    for request in requests:
        assert asked(pair.ours, **request)[0] == asked(pair.theirs, **request)[0] == 400
    bad: dict[str, Any] = {"target": target, "module": "tcp_connect", "seconds": "soon"}
    assert asked(pair.ours, **bad)[0] == asked(pair.theirs, **bad)[0] == 500


def test_the_blackbox_exporter_of_the_comparison_is_debians() -> None:
    assert Path(EXECUTABLE).is_file()
