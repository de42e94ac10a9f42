"""The one line that `systemctl status` shows: what is down, what the month comes to, when it was last committed."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from monitor.core.instants import SECOND, Instant, format_instant
from monitor.figures import percent
from monitor.snapshot import Snapshot, TargetPicture

SHOWN = 3
"""Names of targets and services; more are counted."""


def announcement(snapshot: Snapshot, last_commit: Instant | None, zone: ZoneInfo, *, writable: bool) -> str:
    count = len(snapshot.targets)
    parts = [f"{count} target{'' if count == 1 else 's'}"]
    for state in ("down", "suspect", "unknown"):
        parts += _those(state, [target for target in snapshot.targets if target.state == state])
    months = sorted((service.running for service in snapshot.services), key=lambda figures: figures.availability)
    if months:
        figures = ", ".join(f"{one.service} {percent(one.availability)}" for one in months[:SHOWN])
        more = ", the lowest" if len(months) > SHOWN else ""
        parts.append(f"{snapshot.month}{more}: {figures}")
    if not writable:
        parts.append("the ledger cannot be written")
    if last_commit is not None:
        parts.append(f"last commit {format_instant(last_commit // SECOND * SECOND, zone)}")
    return "; ".join(parts)


def _those(state: str, targets: Sequence[TargetPicture]) -> list[str]:
    if not targets:
        return []
    names = ", ".join(target.name for target in targets[:SHOWN])
    more = f" and {len(targets) - SHOWN} more" if len(targets) > SHOWN else ""
    return [f"{state}: {names}{more}"]
