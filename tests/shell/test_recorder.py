"""What becomes of a check: committed, then published, then logged; and kept while the ledger cannot be written."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from monitor import recorder as module
from monitor.application import Application
from monitor.core.check import Check, Outcome
from monitor.core.instants import SECOND
from monitor.ledger import Batch, Fact, Ledger, LedgerUnavailableError
from monitor.ledger.writer import Writer
from monitor.metrics import Health, Lateness
from monitor.recorder import RETRY, Arrival, Recorder
from probes.errors import Cause
from tests.ledger.accounts import RULES, book
from tests.shell import virtual
from tests.shell.fleet import REFUSED, Answer, Fleet, Server, cadence, failing, target, well
from tests.shell.virtual import VirtualClock


@dataclass
class Desk:
    """A recorder whose ledger is a list, which may be out of order."""

    clock: VirtualClock
    batches: list[Batch] = field(default_factory=list)
    broken: bool = False
    story: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.book = book()
        self.fleet = Fleet(self.clock)
        self.recorder = Recorder(self.clock, self.book, self, self.published)

    async def commit(self, batch: Batch) -> None:
        await asyncio.sleep(0)
        if self.broken:
            raise LedgerUnavailableError("disk full")
        self.batches.append(batch)
        self.story.append("committed")

    def published(self) -> None:
        self.story.append("published")
