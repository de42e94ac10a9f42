"""The dashboard of the monitor itself: may its figures be believed?"""

from grafana.generate.looks import YES, coloured, mapped, steps
from grafana.generate.model import Annotation, Dashboard, Json, Line, Panel, Query, Row
from grafana.generate.panels import heat_map, lines, once, stat, tinted, word
from grafana.generate.shared import DATA_SOURCE

OUTCOMES = {"up": "green", "down": "red", "unknown": "text"}
RELOADED = "mailuptime_config_last_reload_success_timestamp_seconds"
LATENESS = "mailuptime_schedule_lateness_seconds_bucket"


def _yes(title: str, description: str, expr: str, none: str = "NO DATA") -> Panel:
    return word(title, description, 4, once(expr), YES, noValue=none, look=coloured(steps("orange")))


def _age(title: str, description: str, since: str, look: Json) -> Panel:
    return stat(title, description, 4, once(f"time() - {since}"), unit="s", look=look, noValue="never")


def _count(title: str, description: str, expr: str, colour: str, many: int = 1) -> Panel:
    look = coloured(steps("green", (many, colour)))
    return stat(title, description, 4, once(expr), decimals=0, look=look, noValue="NO DATA")


def _well() -> Line:
    return Line(
        4,
        (
            _yes("Scraped", "Whether Prometheus reaches the daemon.", 'min(up{job="mailuptime"})'),
            _yes("Ledger written", "Whether the last commit succeeded.", "min(mailuptime_ledger_writable)"),
            _yes(
                "Configuration read",
                "Whether the last reading of the configuration succeeded; after a failure the old one goes on.",
                "min(mailuptime_config_last_reload_successful)",
            ),
            _yes(
                "Clock synchronized",
                "Whether the kernel says that the wall clock is disciplined.",
                "min(mailuptime_clock_synchronized)",
                "cannot be told",
            ),
            stat(
                "Self-tests",
                "Whether the monitor's own resolver and network work; while they do not, outcomes are unknown.",
                4,
                once("min by (test) (mailuptime_self_test_success)", "{{test}}"),
                name=True,
                mappings=mapped({1: ("well", "green"), 0: ("FAILS", "red")}),
                noValue="none configured",
            ),
            stat(
                "Version",
                "The program that is running.",
                4,
                once("max by (version) (mailuptime_build_info)", "{{version}}"),
                name=True,
                mappings=[{"type": "value", "options": {"1": {"text": " ", "index": 0}}}],
                noValue="NO DATA",
            ),
        ),
    )


def _books() -> Line:
    return Line(
        4,
        (
            _age(
                "Last commit",
                "How long ago something was last made durable.",
                "max(mailuptime_last_commit_timestamp_seconds)",
                coloured(steps("green", (120, "orange"), (600, "red"))),
            ),
            _count(
                "Records waiting",
                "Records that are not durable yet.",
                "sum(mailuptime_ledger_pending_records)",
                "yellow",
                many=100,
            ),
            _count(
                "Checks turned away",
                "Checks in the time range that were not recorded: too many waited for the ledger.",
                "round(sum(increase(mailuptime_checks_turned_away_total[$__range])))",
                "red",
            ),
            _count(
                "Clock steps",
                "How often in the time range the wall clock was set or the machine slept.",
                "round(sum(increase(mailuptime_clock_steps_total[$__range])))",
                "orange",
            ),
            _age(
                "Configuration of",
                "How long ago the configuration in force was read.",
                f"max({RELOADED})",
                coloured(steps("text")),
            ),
            stat(
                "Furthest unsettled",
                "How far back a check to come may still decide what happened.",
                4,
                once("time() - min(mailuptime_settled_timestamp_seconds)"),
                unit="s",
                look=coloured(steps("green", (600, "orange"), (3600, "red"))),
                noValue="nothing is settled",
            ),
        ),
    )


def _schedule() -> Line:
    def quantile(share: float) -> Query:
        rate = f"sum by (le) (rate({LATENESS}[$__rate_interval]))"
        return Query(f"histogram_quantile({share}, {rate})", f"{share * 100:g} %")

    return Line(
        9,
        (
            lines(
                "Lateness of checks",
                "Half, 95 % and 99 % of the checks started no later than this after they were due.",
                8,
                (quantile(0.5), quantile(0.95), quantile(0.99)),
                unit="s",
                noValue="nothing was checked",
            ),
            heat_map(
                "How late how many",
                "How many checks started how late.",
                8,
                Query(f"sum by (le) (increase({LATENESS}[$__rate_interval]))", "{{le}}", format="heatmap"),
                rows="s",
                unit="none",
                noValue="nothing was checked",
            ),
            lines(
                "Lag of the event loop",
                "How late the event loop ran a timer last; beyond a second, latencies are the monitor's own.",
                8,
                (
                    Query("max(mailuptime_event_loop_lag_seconds)", "lag"),
                    Query("max(rate(mailuptime_event_loop_stalled_seconds_total[$__rate_interval]))", "share stalled"),
                ),
                unit="s",
                thresholds=steps("transparent", (0.1, "yellow"), (1, "red")),
                noValue="NO DATA",
            ),
        ),
    )


def _work() -> Line:
    by_own = "self_test|clock|browser|missed|overload|internal|resolver|network|resources|credential"
    failures = f'mailuptime_check_failures_total{{cause=~"{by_own}"}}'
    return Line(
        9,
        (
            lines(
                "Checks under way",
                "Checks and pulses under way, how many may be, and how many are due and wait until they may.",
                6,
                (
                    Query("sum(mailuptime_checks_in_progress)", "under way"),
                    Query("sum(mailuptime_checks_waiting)", "waiting"),
                    Query("sum(mailuptime_checks_in_progress_limit)", "limit"),
                ),
                unit="none",
                noValue="NO DATA",
            ),
            lines(
                "Checks by outcome",
                "Checks in a second, of all services.",
                6,
                Query("sum by (outcome) (rate(mailuptime_checks_total[$__rate_interval]))", "{{outcome}}"),
                unit="cps",
                stacked=True,
                overrides=tinted(OUTCOMES),
                noValue="nothing was checked",
            ),
            lines(
                "Blind by own fault",
                "Checks in a minute that told nothing, by what was wrong with the monitor.",
                6,
                Query(
                    f"sum by (cause) (rate({failures}[$__rate_interval])) * 60 > 0",
                    "{{cause}}",
                ),
                unit="none",
                stacked=True,
                bars=True,
                noValue="none",
            ),
            lines(
                "Commits",
                "How old the last commit was, and how many records waited for the next.",
                6,
                (
                    Query("time() - max(mailuptime_last_commit_timestamp_seconds)", "age of the last"),
                    Query("sum(mailuptime_ledger_pending_records)", "records waiting"),
                ),
                unit="s",
                overrides={"records waiting": {"unit": "none", "custom.axisPlacement": "right"}},
                noValue="NO DATA",
            ),
        ),
    )


CONFIGURED = Annotation("Configuration read", f"changes({RELOADED}[2m]) > 0", "purple", "started or reloaded")

DASHBOARD = Dashboard(
    "monitor",
    "Monitor",
    "The monitor itself: does it check on time, does it commit, can it tell its own faults from the service's.",
    "now-6h",
    (DATA_SOURCE,),
    (CONFIGURED,),
    (
        Row("Health", (_well(), _books())),
        Row("Schedule and ledger", (_schedule(), _work())),
    ),
)
