"""The table of metrics: what was promised to those who write rules and dashboards, and what the documentation says."""

import re
from pathlib import Path

import pytest

from monitor.metrics.names import EVERYTHING, GROUPS, Family
from monitor.metrics.reference import reference

COMMITTED = Path(__file__).parents[2] / "docs" / "METRICS.md"
TARGET, SERVICE, MONTH = "sla_service target protocol", "sla_service", "sla_service month"
# Rules, dashboards and recorded data are written against these: a name or a label here is never changed or dropped.
PROMISED = {
    "probe_success": TARGET,
    "probe_duration_seconds": TARGET,
    "probe_phase_duration_seconds": f"{TARGET} phase",
    "checks_total": f"{TARGET} outcome",
    "check_failures_total": f"{TARGET} cause",
    "target_state": f"{TARGET} state",
    "service_state": "sla_service state",
    "tls_certificate_not_after_timestamp_seconds": "sla_service target",
    "tls_chain_not_after_timestamp_seconds": "sla_service target",
    "tls_certificate_info": "sla_service target subject issuer names serial chain",
    "tls_session_info": "sla_service target version cipher",
    "tls_certificate_expiring": "sla_service target",
    "tls_certificate_problem": "sla_service target problem",
    "probe_expectation_met": "sla_service target",
    "login_backoff_seconds": "sla_service target",
    "state_seconds_total": "sla_service state",
    "settled_timestamp_seconds": SERVICE,
    "availability_ratio": MONTH,
    "availability_lower_ratio": MONTH,
    "availability_upper_ratio": MONTH,
    "availability_to_date_ratio": MONTH,
    "coverage_ratio": MONTH,
    "downtime_seconds": f"{MONTH} kind",
    "downtime_budget_seconds": MONTH,
    "downtime_budget_remaining_seconds": MONTH,
    "objective_met": f"{MONTH} objective",
    "availability_weighted_ratio": MONTH,
    "outage_start_timestamp_seconds": "sla_service target",
    "burn_rate": "sla_service window",
    "budget_exhaustion_seconds": SERVICE,
    "month_current": "month",
    "maintenance_active": SERVICE,
    "maintenance_next_start_timestamp_seconds": SERVICE,
    "maintenance_last_end_timestamp_seconds": SERVICE,
    "roundtrip_total": "sla_service target result",
    "mailbox_quota_used_ratio": "sla_service target",
    "self_test_success": "test",
    "ledger_writable": "",
    "ledger_pending_records": "",
    "clock_steps_total": "",
    "clock_synchronized": "",
    "blips_total": "sla_service target",
    "outages_total": "sla_service target",
    "schedule_lateness_seconds": "",
    "phase_duration_seconds": "protocol phase",
    "event_loop_lag_seconds": "",
    "event_loop_stalled_seconds_total": "",
    "checks_in_progress": "",
    "checks_in_progress_limit": "",
    "checks_waiting": "",
    "last_commit_timestamp_seconds": "",
    "config_last_reload_successful": "",
    "config_last_reload_success_timestamp_seconds": "",
    "build_info": "version",
}


def test_every_promised_metric_is_there_with_its_labels() -> None:
    told = {family.name.removeprefix("mailuptime_"): " ".join(family.labels) for family in EVERYTHING}
    assert {name: told.get(name) for name in PROMISED} == PROMISED


def test_the_committed_page_is_the_generated_one() -> None:
    assert COMMITTED.read_text() == reference(), "run: python -m monitor.metrics.reference > docs/METRICS.md"


def test_the_page_has_a_row_for_every_metric_with_type_labels_and_meaning() -> None:
    rows = re.findall(
        r"^\| `(mailuptime_\w+)` \| (\w+) \| (.*?) \| (.+?) \| (.+?) \|$", COMMITTED.read_text(), re.MULTILINE
    )
    written = {name: (kind, tuple(re.findall(r"`(\w+)`", labels)), text) for name, kind, labels, text, _ in rows}
    assert written == {family.name: (family.kind, family.labels, family.help) for family in EVERYTHING}


@pytest.mark.parametrize("family", EVERYTHING, ids=lambda family: family.name)
def test_a_name_follows_prometheus_conventions(family: Family) -> None:
    assert re.fullmatch(r"mailuptime_[a-z][a-z_]*[a-z]", family.name)
    assert (family.kind == "counter") is family.name.endswith("_total")
    assert not {"service", "instance", "job", "le"} & set(family.labels)  # which are Prometheus' own
    assert family.help.endswith(".")


def test_a_name_stands_in_one_group_only() -> None:
    assert len({family.name for family in EVERYTHING}) == sum(len(group) for group in GROUPS.values())
