"""docs/METRICS.md from the table of names: `python -m monitor.metrics.reference`."""

from monitor.metrics.histogram import LATENESS_BUCKETS, PHASE_BUCKETS
from monitor.metrics.names import GROUPS, Family

_HEAD = """# Metrics

Generated from the table of names; `python -m monitor.metrics.reference > docs/METRICS.md` writes it anew.

`GET /metrics` answers in Prometheus' text format 0.0.4 or, where the `Accept` header prefers it, in OpenMetrics 1.0,
and compressed where `Accept-Encoding` allows gzip. OpenMetrics adds units, and exemplars to the buckets of
`mailuptime_phase_duration_seconds`: the newest check that fell into the bucket, as `target="service/target"`, and of
a check that failed in an outage of its service the outage's id, as `mailuptime outages` shows it.

Seconds and ratios are the only units; a ratio of 1 is 100 %. `sla_service` and `target` are names from the
configuration, `month` is written as 2026-11, in the SLA's time zone. What is not known is absent, never 0. The figures
of months are those of the last commit; counters other than `mailuptime_state_seconds_total`,
`mailuptime_outages_total` and `mailuptime_blips_total` start again with the daemon.

Beside these, the process is described by prometheus_client's own `process_*` and `python_*` metrics.
"""
_LABEL_VALUES = """
## Values of labels

| label | values |
|---|---|
| `state` of a target or a service | `up`, `suspect`, `down`, `unknown` |
| `state` of `mailuptime_state_seconds_total` | `up`, `down`, `excused`, `unknown` |
| `outcome` | `up`, `down`, `unknown` |
| `cause` | the causes listed in `docs/BLAME.md` |
| `kind` | `counted`, `excused`; their sum is the gross downtime |
| `objective` | `availability`, `downtime` |
| `window` | `5m`, `30m`, `1h`, `2h`, `6h`, `1d`, `3d`, cut at the start of the month |
| `problem` | `expired`, `not_yet_valid`, `name`, `untrusted`, `other` |
| `subject`, `issuer`, `names`, `serial`, `chain` | what the certificate says, at most 150 characters each |
| `version`, `cipher` | as OpenSSL names them |
| `result` | `delivered`, `late`, `lost`, `bounced`, `duplicate` |
| `phase` | a step of the protocol; in the histogram also `total`, the whole check |

## Buckets
"""


def reference() -> str:
    parts = [_HEAD]
    for title, families in GROUPS.items():
        parts.append(f"\n## {title}\n\n| metric | type | labels | meaning | since |\n|---|---|---|---|---|\n")
        parts += [_row(family) for family in families]
    parts.append(_LABEL_VALUES)
    for name, bounds in (("schedule_lateness", LATENESS_BUCKETS), ("phase_duration", PHASE_BUCKETS)):
        listed = ", ".join(f"{bound:g}" for bound in bounds)
        parts.append(f"\n`mailuptime_{name}_seconds`: {listed} seconds.\n")
    return "".join(parts)


def _row(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels)
    return f"| `{family.name}` | {family.kind} | {labels} | {family.help} | {family.since} |\n"


if __name__ == "__main__":
    print(reference(), end="")  # noqa: T201 - its output is the document
