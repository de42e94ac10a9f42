"""Every change with who and when, newest first, as the ledger's chain has them: nothing is ever taken off this list."""

from typing import Any

from monitor.console.backend import Backend
from monitor.console.visit import Outcome, Shown, Visit
from monitor.core.declarations import KINDS
from monitor.figures import Document
from monitor.ledger import Link

MOST = 50
SHOWN = (*KINDS, "closing", "rules", "reloaded", "restored", "checks_pruned", "evidence_pruned")


async def changes(backend: Backend, visit: Visit) -> Outcome:
    before = visit.query.get("before", "")
    number = int(before) if before.isascii() and before.isdigit() and len(before) < 18 else 2**62
    found = await backend.facts(SHOWN, number, MOST + 1)
    shown = found[:MOST]
    return Shown(
        "changes.html",
        {
            "changes": [_entry(visit, link) for link in shown],
            "older": shown[-1].seq if len(found) > MOST else None,
            "filtered": bool(before),
        },
    )


def _entry(visit: Visit, link: Link) -> Document:
    fact, body = link.fact, link.fact.body
    return {
        "number": link.seq,
        "at": fact.at,
        "what": visit.text(f"changes.{_kind(fact.kind, body)}"),
        "id": body.get("id"),
        "where": _where(fact.kind),
        "said": _said(visit, fact.kind, body),
        "by": body.get("by"),
        "proof": body.get("proof"),
        "digest": link.digest[:12],
    }


def _kind(kind: str, body: dict[str, Any]) -> str:
    return "window_cancelled" if kind == "window_amended" and body["end"] is None else kind


def _where(kind: str) -> str | None:
    """The list in which the thing of the entry's id has its page; an approval may be of either."""
    return {"window": "maintenance", "window_amended": "maintenance", "exclusion": "exclusions",
            "exclusion_withdrawn": "exclusions"}.get(kind)  # fmt: skip


def _said(visit: Visit, kind: str, body: dict[str, Any]) -> str:
    w = visit.wording
    if kind == "window":
        return f"{body['reason']} ({w.moment(body['start'])} – {w.moment(body['end'])})"
    if kind == "window_amended":
        return "" if body["end"] is None else visit.text("changes.until", end=w.moment(body["end"]))
    if kind == "exclusion":
        category = w.t(f"report.exclusion.{body['category']}")
        return f"{category}: {body['evidence']} ({w.moment(body['start'])} – {w.moment(body['end'])})"
    if kind == "closing":
        return visit.text("changes.of_month", month=w.month(body["month"]), revision=body["revision"])
    if kind == "reloaded":
        return visit.text("changes.targets", added=len(body["added"]), removed=len(body["removed"]))
    return ""
