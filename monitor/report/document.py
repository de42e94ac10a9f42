"""A report as JSON values: the figures in the one shape of `sla`, `replay` and the API, and what stands beside them.

Seconds are exact with up to six decimals, times carry the zone's offset, and nothing is worded but the readings.
"""

from zoneinfo import ZoneInfo

from monitor import texts
from monitor.core.clocks import WHICH
from monitor.core.compliance import Compliance, Tally
from monitor.core.instants import Instant, format_instant, seconds
from monitor.core.month import Figures
from monitor.core.outages import ServiceOutage
from monitor.core.rules import TargetRule
from monitor.core.service import Service
from monitor.figures import (
    Document,
    bounds_document,
    exclusion_document,
    outage_document,
    service_document,
    workload_document,
)
from monitor.report.model import Chapter, Excluded, Maintained, Names, Report, Revision, Row
from monitor.texts import Language


def document_of(report: Report, language: Language) -> Document:
    zone = report.zone
    start, end = report.span
    revision = report.revision
    return {
        "month": str(report.month),
        "timezone": zone.key,
        "language": language,
        "start": format_instant(start, zone),
        "end": format_instant(end, zone),
        "status": report.status,
        "provisional": report.provisional,
        "seen_until": format_instant(report.seen, zone),
        "closes": format_instant(report.closes, zone),
        "revision": None if revision is None else revision.number,
        "digest": None if revision is None else revision.digest,
        "head": report.head,
        "agrees_with_ledger": report.agrees,
        "services": [_chapter(chapter, report) for chapter in report.chapters],
        "tickets": _tickets(report.tickets),
        "workload": workload_document(report.workload),
        "rules": {
            "accounting": report.accounting,
            "tzdata": report.tzdata,
            "digest": report.rules_digest,
            "holidays": list(report.holidays),
            "changed": [format_instant(at, zone) for at in report.rules_changed],
            "maintenance_policy": {
                "notice_seconds": seconds(report.policy.notice),
                "late": "excuse" if report.policy.late_excuses else "refuse",
            },
        },
        "revisions": [_revision(one, zone) for one in report.revisions],
        "readings": readings_of(report, language),
    }


def readings_of(report: Report, language: Language) -> dict[str, str]:
    """Where the agreement is open, and what was chosen."""
    t = texts.of(language)
    keys = ("month", "both", "maintenance", "clocks" if report.critical_always else "clocks_business", "compliance")
    return {key.partition("_")[0]: t(f"report.reading.{key}", zone=report.zone.key) for key in keys}


def _tickets(found: Compliance) -> Document:
    """As `sla` has them, without the clocks that run now."""
    return {
        "promised_percent": float(found.promised),
        "recorded": dict(found.recorded),
        "excused": found.excused,
        "withdrawn": found.withdrawn,
        **{f"{which}s": {**_tally(found.total(which)), "verdict": found.verdict(which)} for which in WHICH},
        "rows": [
            {"kind": kind, "priority": priority, "clock": which, **_tally(tally)}
            for (kind, priority, which), tally in found.rows.items()
        ],
    }


def _tally(tally: Tally) -> Document:
    share = tally.share
    return {
        "within": tally.within,
        "missed": tally.missed,
        "undetermined": tally.undetermined,
        "share_percent": None if share is None else float(share),
    }


def _chapter(chapter: Chapter, report: Report) -> Document:
    zone, figures = report.zone, chapter.figures
    return {
        **service_document(figures, zone),
        "title": title_of(chapter.names),
        "accounts": chapter.rule.accounts,
        "binding": chapter.binding,
        "verdicts": {"availability": figures.availability_verdict, "downtime": figures.downtime_verdict},
        "outages": [_outage(outage, zone) for outage in figures.outages],
        "remaining": [[format_instant(at, zone), seconds(left)] for at, left in chapter.remaining],
        "unknown": [[format_instant(began, zone), format_instant(ended, zone)] for began, ended in chapter.unseen],
        "maintenance": [maintained_document(one, zone) for one in chapter.maintenance],
        "exclusions": [excluded_document(one, zone) for one in chapter.exclusions],
        "history": [_month(one) for one in chapter.history],
        "members": [row_document(row, zone) for row in chapter.members],
        "beneath": [row_document(row, zone) for row in chapter.beneath],
        "rule": _rule(chapter.rule),
        "targets": {name: _target(rule) for name, rule in chapter.targets},
    }


def title_of(names: Names) -> Document:
    return {"th": names.th, "en": names.en}


def _outage(outage: ServiceOutage, zone: ZoneInfo) -> Document:
    bounds = [bounds_document(target, part, zone) for target, part in outage.parts]
    return {**outage_document(outage, zone), "bounds": bounds}


def maintained_document(one: Maintained, zone: ZoneInfo) -> Document:
    window, judgement = one.window, one.judgement
    return {
        "id": window.id,
        "scope": list(window.scope),
        "start": format_instant(judgement.planned[0], zone),
        "end": format_instant(one.end, zone),
        "planned_end": format_instant(judgement.planned[1], zone),
        "reason": window.reason,
        "by": window.by,
        "declared": _moment(window.declared, zone),
        "late": judgement.late,
        "retroactive_seconds": seconds(one.retroactive),
        "approved_by": window.approved_by,
        "attested_by_one": one.act.attested_by_one(window.approved_by),
        "cancelled": one.act.cancelled,
        "excuses": None if judgement.excused is None else [format_instant(at, zone) for at in judgement.excused],
        "downtime_seconds": seconds(one.downtime),
    }


def excluded_document(one: Excluded, zone: ZoneInfo) -> Document:
    return {
        **exclusion_document(one.exclusion, one.act, zone),
        "withdrawn": one.act.cancelled,
        "excuses": one.excuses,
        "downtime_seconds": seconds(one.downtime),
    }


def _month(figures: Figures) -> Document:
    return {
        "month": str(figures.month),
        "watched": figures.since is not None,
        "provisional": figures.provisional,
        "availability_percent": float(figures.availability),
        "downtime_seconds": seconds(figures.sums.downtime),
        "excused_seconds": seconds(figures.sums.excused),
        "budget_seconds": seconds(figures.budget),
        "coverage": None if figures.coverage is None else float(figures.coverage),
        "verdict": figures.verdict,
    }


def row_document(row: Row, zone: ZoneInfo) -> Document:
    document = service_document(row.figures, zone)
    return {**document, "title": title_of(row.names), "accounts": row.accounts, "outages": len(row.figures.outages)}


def _rule(service: Service) -> Document:
    parts = len(service.targets) + len(service.members)
    return {"down_when_at_least": service.at_least, "of": parts, "members": [one.name for one in service.members]}


def _target(rule: TargetRule) -> Document:
    return {
        "confirm_failures": rule.confirm,
        "recover_successes": rule.recover,
        "stale_after_seconds": seconds(rule.stale_after),
    }


def _revision(one: Revision, zone: ZoneInfo) -> Document:
    return {
        "revision": one.number,
        "at": format_instant(one.at, zone),
        "reason": one.reason,
        "digest": one.digest,
        "head": one.link,
        "changes": [
            {
                "service": change.service,
                "downtime_seconds_before": seconds(change.before),
                "downtime_seconds": seconds(change.after),
                "verdict_before": change.verdict_before,
                "verdict": change.verdict_after,
            }
            for change in one.changes
        ],
    }


def _moment(instant: Instant | None, zone: ZoneInfo) -> str | None:
    return None if instant is None else format_instant(instant, zone)
