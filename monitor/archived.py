"""Whether packs, and the evidence kept beside them, are what was packed; and what was pruned of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from monitor import packing
from monitor.core.instants import Instant
from monitor.ledger import Link, Reader
from monitor.ledger.packs import Pack


@dataclass(frozen=True, slots=True)
class Gone:
    """How many checks were pruned, and the newest instant of theirs."""

    checks: int
    until: Instant


def pruned(reader: Reader) -> Gone | None:
    """What was pruned; None where nothing was."""
    bodies = [link.fact.body for link in reader.facts((packing.PRUNED,))]
    return Gone(sum(body["count"] for body in bodies), max(body["end"] for body in bodies)) if bodies else None


def evidence_until(reader: Reader) -> Instant | None:
    """The newest instant of packed checks whose evidence was pruned; None where none was."""
    dropped = {link.fact.body["first"] for link in reader.facts((packing.DROPPED,))}
    return max((pack.end for pack in reader.packs() if pack.first in dropped), default=None) if dropped else None


def gone(links: Sequence[Link]) -> list[tuple[int, int]]:
    """The numbers of checks of which something was pruned: the first and last of each stretch, in order."""
    kinds = (packing.PRUNED, packing.DROPPED)
    return sorted({(one.fact.body["first"], one.fact.body["last"]) for one in links if one.fact.kind in kinds})


def differences(reader: Reader, links: Sequence[Link]) -> Iterator[str]:
    """What differs from the facts, first things first."""
    packed = {one.fact.body["first"]: one for one in links if one.fact.kind == packing.PACKED}
    without = {
        kind: {one.fact.body["first"] for one in links if one.fact.kind == kind}
        for kind in (packing.PRUNED, packing.DROPPED)
    }
    for pack in reader.packs():
        fact = packed.pop(pack.first, None)
        if fact is None:
            yield f"no fact packed checks {pack.first} to {pack.last}"
            continue
        what = f"checks {pack.first} to {pack.last}"
        if pack.first not in without[packing.PRUNED]:
            yield from _of_blob(pack, fact.fact.body, f"{what} were changed since fact {fact.seq} packed them")
        if pack.first not in without[packing.DROPPED]:
            found = packing.digest_of(reader.evidence(pack.first, pack.last))
            if found != fact.fact.body["evidence"]:
                yield f"the evidence of {what} was changed since fact {fact.seq} packed them"
    for first, fact in packed.items():
        yield f"checks {first} to {fact.fact.body['last']}, which fact {fact.seq} packed, are missing"
    yield from _of_states(reader, links)


def _of_blob(pack: Pack, body: dict[str, Any], text: str) -> Iterator[str]:
    values = (pack.last, pack.count, pack.digest)
    if values != (body["last"], body["count"], body["digest"]):
        yield text


def _of_states(reader: Reader, links: Sequence[Link]) -> Iterator[str]:
    last = next((one for one in reversed(links) if one.fact.kind == packing.PRUNED), None)
    if last is not None and packing.states_digest(reader.baselines()) != last.fact.body["states"]:
        yield f"what timelines go on from behind pruned checks was changed since fact {last.seq} recorded it"
