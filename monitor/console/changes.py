"""Every change with who and when, newest first, as the ledger's chain has them: nothing is ever taken off this list."""

from collections.abc import Callable
from typing import Any

from monitor.console.backend import Backend
from monitor.console.visit import Outcome, Shown, Visit
from monitor.core import tickets
from monitor.core.declarations import KINDS
from monitor.figures import Document
from monitor.ledger import Link

MOST = 50
SHOWN = (*KINDS, *tickets.KINDS, "closing", "rules", "reloaded", "restored", "checks_pruned", "evidence_pruned")


async def changes(backend: Backend, visit: Visit) -> Outcome:
    before = visit.query.get("before", "")
    number = int(before) if before.isascii() and before.isdigit() and len(before) < 18 else 2**62
    found = await backend.facts(SHOWN, number, MOST + 1)
    windows = {str(one["id"]) for one in backend.source.declarations()["maintenance"]}
    shown = found[:MOST]
    return Shown(
        "changes.html",
        {
            "changes": [_entry(visit, link, windows) for link in shown],
            "older": shown[-1].seq if len(found) > MOST else None,
            "filtered": bool(before),
        },
    )


def _entry(visit: Visit, link: Link, windows: set[str]) -> Document:
    fact, body = link.fact, link.fact.body
    return {
        "number": link.seq,
        "at": fact.at,
        "what": visit.text(f"changes.{_kind(fact.kind, body)}"),
        "id": body.get("id"),
        "where": _where(fact.kind, body, windows),
        "said": _said(visit, fact.kind, body),
        "by": body.get("by"),
        "proof": body.get("proof"),
        "digest": link.digest.hex()[:12],
    }


def _kind(kind: str, body: dict[str, Any]) -> str:
    if kind == tickets.STEP:
        return f"ticket_{body['step']}" if body["time"] is not None else "ticket_reopened"
    return "window_cancelled" if kind == "window_amended" and body["end"] is None else kind


def _where(kind: str, body: dict[str, Any], windows: set[str]) -> str | None:
    """The list in which the thing of the entry's id has its page."""
    if kind == "approval":
        return "maintenance" if body["id"] in windows else "exclusions"
    return {"window": "maintenance", "window_amended": "maintenance", "exclusion": "exclusions",
            "exclusion_withdrawn": "exclusions", **dict.fromkeys(tickets.KINDS, "tickets")}.get(kind)  # fmt: skip


def _said(visit: Visit, kind: str, body: dict[str, Any]) -> str:
    say = _SAID.get(kind)
    return "" if say is None else say(visit, body)


def _span(visit: Visit, body: dict[str, Any]) -> str:
    return f"{visit.wording.moment(body['start'])} – {visit.wording.moment(body['end'])}"


def _window(visit: Visit, body: dict[str, Any]) -> str:
    return f"{body['reason']} ({_span(visit, body)})"


def _amended(visit: Visit, body: dict[str, Any]) -> str:
    return "" if body["end"] is None else visit.text("changes.until", end=visit.wording.moment(body["end"]))


def _exclusion(visit: Visit, body: dict[str, Any]) -> str:
    category = visit.wording.t(f"report.exclusion.{body['category']}")
    return f"{category}: {body['evidence']} ({_span(visit, body)})"


def _closing(visit: Visit, body: dict[str, Any]) -> str:
    return visit.text("changes.of_month", month=visit.wording.month(body["month"]), revision=body["revision"])


def _reloaded(visit: Visit, body: dict[str, Any]) -> str:
    return visit.text("changes.targets", added=len(body["added"]), removed=len(body["removed"]))


def _ticket(visit: Visit, body: dict[str, Any]) -> str:
    at = body.get("time")
    said = ("" if at is None else visit.wording.moment(at), body.get("priority"), body.get("reason"))
    return ", ".join(filter(None, said))


_SAID: dict[str, Callable[[Visit, dict[str, Any]], str]] = {
    "window": _window, "window_amended": _amended, "exclusion": _exclusion, "closing": _closing,
    "reloaded": _reloaded, **dict.fromkeys(tickets.KINDS, _ticket),
}  # fmt: skip
