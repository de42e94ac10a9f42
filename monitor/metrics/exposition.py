"""One scrape's body, rendered in a thread from what does not change any more.

Checks wait for the interpreter while a thread renders, so what did not change since the last scrape is not made
again: the text of a target, of a service, and of the months that are over is kept for as long as its picture is the
very same.
"""

import gzip
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from monitor.core.month import Figures
from monitor.metrics import names
from monitor.metrics.health import Health, monitor_block
from monitor.metrics.histogram import Reading
from monitor.metrics.names import Family
from monitor.metrics.negotiation import format_for, gzip_for
from monitor.metrics.process import process_text
from monitor.metrics.subjects import months_block, service_block, target_block
from monitor.metrics.text import Block, Format, header
from monitor.metrics.tickets import ticket_block
from monitor.snapshot import Snapshot

LEVEL = 1
"""Of compression: a fifth of the time of the usual level for a few per cent more bytes."""

Subject = TypeVar("Subject")


@dataclass(frozen=True, slots=True)
class Scrape:
    """Everything that is rendered; nothing in it changes any more."""

    snapshot: Snapshot
    health: Health
    histograms: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of an HTTP response and its headers."""

    body: bytes
    headers: dict[str, str]


class _Kept(Generic[Subject]):
    """The text of each subject by its name, made anew where the subject is another; what is gone is forgotten."""

    def __init__(self, render: Callable[[Subject], Block]) -> None:
        self._render = render
        self._blocks: dict[str, tuple[Subject, Block]] = {}

    def of(self, subjects: Iterable[tuple[str, Subject]]) -> list[Block]:
        fresh: dict[str, tuple[Subject, Block]] = {}
        for name, subject in subjects:
            kept = self._blocks.get(name)
            fresh[name] = kept if kept is not None and kept[0] is subject else (subject, self._render(subject))
        self._blocks = fresh
        return [block for _, block in fresh.values()]


class Exposition:
    """Used by one thread at a time, since it keeps text from one scrape to the next."""

    def __init__(self) -> None:
        self._targets = _Kept(target_block)
        self._services = _Kept(service_block)
        self._past = _Kept(months_block)
        self._running: _Kept[Figures] = _Kept(lambda figures: months_block([figures]))

    def answer(self, scrape: Scrape, accept: str, accept_encoding: str) -> Answer:
        """In the format and encoding asked for."""
        form = format_for(accept)
        body = self.body(scrape, form)
        headers = {"Content-Type": form.value, "Vary": "Accept, Accept-Encoding"}
        if gzip_for(accept_encoding):
            body = gzip.compress(body, LEVEL, mtime=0)
            headers["Content-Encoding"] = "gzip"
        return Answer(body, headers)

    def body(self, scrape: Scrape, form: Format) -> bytes:
        services = scrape.snapshot.services
        months = self._running.of((one.name, one.running) for one in services)
        months += self._past.of((one.name, one.past) for one in services)
        parts = [
            *_families(names.OF_TARGETS, self._targets.of((one.name, one) for one in scrape.snapshot.targets), form),
            *_families(names.OF_SERVICES, self._services.of((one.name, one) for one in services), form),
            *_families(names.OF_MONTHS, months, form),
            *_families(names.OF_TICKETS, [ticket_block(scrape.health.tickets)], form),
            *_families(names.OF_THE_MONITOR, [monitor_block(scrape.health, str(scrape.snapshot.month))], form),
        ]
        for reading in scrape.histograms:
            parts += [header(reading.family, form), reading.text(form)]
        end = b"# EOF\n" if form is Format.OPENMETRICS else b""
        return "".join(parts).encode() + process_text(form) + end


def _families(families: Sequence[Family], blocks: Sequence[Block], form: Format) -> list[str]:
    """Each family that has samples: its header, and the samples of every subject."""
    parts = []
    for family, lines in zip(families, zip(*blocks, strict=True), strict=False):
        text = "".join(lines)
        if text:
            parts += [header(family, form), text]
    return parts
