"""The dashboard that explains a service: which target, which phase, what cause."""

from grafana.generate.looks import BUDGET_USED, DOWN, MINUTES, STATES, SUSPECT, UP, coloured, mapped, steps
from grafana.generate.model import Dashboard, Json, Line, Panel, Query, Row
from grafana.generate.panels import bar_gauge, cells, lines, once, stat, table, timeline, tinted
from grafana.generate.shared import (
    DATA_SOURCE,
    MAINTENANCE,
    OUTAGES,
    SERVICE_VARIABLE,
    TARGET_VARIABLE,
    TARGETS,
    outage_began,
    state_number,
)

OUTCOMES = {"up": UP, "down": DOWN, "unknown": "text"}
RESULTS = {"delivered": UP, "late": SUSPECT, "lost": DOWN, "bounced": "dark-red", "duplicate": "blue"}
STAGES = 'phase=~"submit|queue|fetch"'
NOT_STAGES = 'phase!~"submit|queue|fetch"'
FAILURES = f"mailuptime_check_failures_total{{{TARGETS}}}"
PROTOCOLS = f"group by (protocol) (mailuptime_target_state{{{TARGETS}}})"


def _states() -> Line:
    return Line(
        7,
        (
            timeline(
                "States",
                "Each target's state over time; suspect means that a failure waits to be confirmed.",
                18,
                Query(state_number("mailuptime_target_state", TARGETS, "target"), "{{target}}"),
                STATES,
                noValue="nothing was recorded",
            ),
            stat(
                "Down for",
                "How long each target that is down has been so, in minutes.",
                6,
                once(
                    f"(time() - {outage_began(TARGETS, 'target')}) / 60",
                    "{{target}}",
                ),
                name=True,
                unit=MINUTES,
                decimals=1,
                noValue="nothing is down",
                look=coloured(steps("green", (0, "red"))),
            ),
        ),
    )


def _latency() -> Line:
    def quantile(share: float) -> Query:
        rate = 'sum by (le, protocol) (rate(mailuptime_phase_duration_seconds_bucket{phase="total"}[$__rate_interval]))'
        return Query(
            f"histogram_quantile({share}, {rate}) and on (protocol) {PROTOCOLS}", f"{{{{protocol}}}} {share * 100:g} %"
        )

    return Line(
        9,
        (
            lines(
                "Latency by phase",
                "How long each phase of the last checks took, stacked; of several targets, the mean.",
                12,
                Query(
                    f"avg by (phase) (mailuptime_probe_phase_duration_seconds{{{TARGETS}, {NOT_STAGES}}})", "{{phase}}"
                ),
                unit="s",
                stacked=True,
                noValue="nothing was checked",
            ),
            lines(
                "Quantiles of latency",
                "Half, 95 % and 99 % of all checks of these protocols, of every service, took no longer than this.",
                12,
                (quantile(0.5), quantile(0.95), quantile(0.99)),
                unit="s",
                noValue="nothing was checked",
            ),
        ),
    )


def _failures() -> Line:
    return Line(
        9,
        (
            lines(
                "Checks by outcome",
                "Checks in a minute: up, down by the service's fault, unknown by the monitor's own.",
                8,
                Query(
                    f"sum by (outcome) (rate(mailuptime_checks_total{{{TARGETS}}}[$__rate_interval])) * 60",
                    "{{outcome}}",
                ),
                unit="none",
                stacked=True,
                overrides=tinted(OUTCOMES),
                noValue="nothing was checked",
            ),
            lines(
                "Failures by cause",
                "Failed checks in a minute, by what made them fail.",
                8,
                Query(
                    f"sum by (cause) (rate({FAILURES}[$__rate_interval])) * 60 > 0",
                    "{{cause}}",
                ),
                unit="none",
                bars=True,
                stacked=True,
                noValue="no failures",
            ),
            table(
                "Causes in the time range",
                "How many checks failed in the time range, by target and cause.",
                8,
                cells(f"round(sum by (target, cause) (increase({FAILURES}[$__range]))) > 0"),
                {"target": ("Target", {}), "cause": ("Cause", {}), "Value": ("Checks", {"decimals": 0})},
                sort=("Checks", True),
                noValue="no failures",
            ),
        ),
    )


def _certificates() -> Panel:
    ends = f"min by (target) (mailuptime_tls_certificate_not_after_timestamp_seconds{{{TARGETS}}})"
    days: Json = {
        "decimals": 1,
        "unit": "suffix:d",
        "thresholds": steps("dark-red", (0, "red"), (7, "orange"), (14, "yellow"), (30, "green")),
        "custom.cellOptions": {"type": "color-text"},
    }
    return table(
        "Certificates",
        "When each certificate runs out, whether that is sooner than its target wants, and why it does not verify.",
        12,
        (
            cells(f"({ends} - time()) / 86400"),
            cells(f"max by (target) (mailuptime_tls_certificate_expiring{{{TARGETS}}})"),
            cells(f"max by (target, problem) (mailuptime_tls_certificate_problem{{{TARGETS}}}) == 1"),
        ),
        {
            "target": ("Target", {}),
            "Value #A": ("Left", days),
            "Value #B": ("Too soon", {"mappings": mapped({0: ("no", UP), 1: ("YES", DOWN)}), "noValue": "not told"}),
            "problem": ("Problem", {"noValue": "none"}),
        },
        sort=("Left", False),
        noValue="none seen",
    )


def _mailbox() -> tuple[Panel, ...]:
    return (
        stat(
            "Expectations",
            "Whether the last check saw what the target's `expect` asks for.",
            4,
            once(f"min by (target) (mailuptime_probe_expectation_met{{{TARGETS}}})", "{{target}}"),
            name=True,
            mappings=mapped({1: ("met", UP), 0: ("NOT MET", DOWN)}),
            noValue="none configured",
        ),
        bar_gauge(
            "Mailbox quota used",
            "How full the probe account's mailbox is.",
            4,
            once(f"max by (target) (mailuptime_mailbox_quota_used_ratio{{{TARGETS}}}) * 100", "{{target}}"),
            **coloured(BUDGET_USED, unit="percent", decimals=0, min=0, max=100, noValue="not told"),
        ),
        stat(
            "Logins held back",
            "How long the account is not used, after refused logins, so that it is not locked.",
            4,
            once(f"max by (target) (mailuptime_login_backoff_seconds{{{TARGETS}}})", "{{target}}"),
            name=True,
            unit="s",
            noValue="none",
            look=coloured(steps("green", (0, "orange"))),
        ),
    )


def _round_trips() -> Line:
    return Line(
        8,
        (
            lines(
                "Round trips",
                "Messages in an hour by what became of them.",
                12,
                Query(
                    f"sum by (result) (rate(mailuptime_roundtrip_total{{{TARGETS}}}[$__rate_interval])) * 3600",
                    "{{result}}",
                ),
                unit="none",
                stacked=True,
                bars=True,
                overrides=tinted(RESULTS),
                noValue="no round trips",
            ),
            lines(
                "Stages of a round trip",
                "How long the last message took to be submitted, to be queued and delivered, and to be fetched.",
                12,
                Query(
                    f"max by (phase) (mailuptime_probe_phase_duration_seconds{{{TARGETS}, {STAGES}}})",
                    "{{phase}}",
                ),
                unit="s",
                stacked=True,
                noValue="no round trips",
            ),
        ),
    )


DASHBOARD = Dashboard(
    "service",
    "Service",
    "Why a service is as it is: its targets' states, latency by phase, causes, certificates, round trips.",
    "now-6h",
    (DATA_SOURCE, SERVICE_VARIABLE, TARGET_VARIABLE),
    (OUTAGES, MAINTENANCE),
    (
        Row("Targets of $sla_service", (_states(), _latency(), _failures())),
        Row("Certificates and mailboxes", (Line(8, (_certificates(), *_mailbox())),)),
        Row("Round trips", (_round_trips(),)),
    ),
)
