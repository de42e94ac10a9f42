"""Built-in notifications: evaluates the rules every few seconds, keeps what is to be said, and has it said.

What is to be said is committed before it is sent, and struck out once a receiver has taken it: a restart forgets
nothing, and repeats at most what was under way in the instant of a crash. Each receiver has a queue of its own, so
that one that hangs holds up no other; everything else goes on meanwhile.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

import structlog

from monitor.alerting.conditions import conditions
from monitor.alerting.memory import Letter, Memory, messages
from monitor.alerting.sender import Send
from monitor.alerting.sight import Sight
from monitor.clock import Clock
from monitor.ledger import Batch, LedgerUnavailableError
from monitor.ledger.reader import Reader
from monitor.metrics import Health
from monitor.metrics.histogram import Reading
from monitor.settings import Settings
from monitor.settings.secrets import SecretError
from monitor.snapshot import Snapshot

log = structlog.get_logger("notifications")

INTERVAL = 5.0
"""Seconds between evaluations."""
BACKOFF = (5.0, 30.0, 120.0)
"""Seconds before each further try."""
MOST_LETTERS = 50
"""That wait for one receiver; beyond it the oldest is dropped."""
RESULTS = ("sent", "failed", "dropped")
_COMMIT = 5.0
"""Seconds that a commit is waited for: a disk that hangs keeps no page back."""

View = Callable[[], tuple[Snapshot, Health, Reading]]


class Notifications:
    """Without receivers nothing is evaluated. `ledger` is read once; `commit` raises LedgerUnavailableError."""

    def __init__(
        self, clock: Clock, settings: Settings, ledger: Reader, commit: Callable[[Batch], Awaitable[None]], send: Send
    ) -> None:
        self._clock = clock
        self._zone, self._settings = settings.zone, settings.notify
        self._commit = commit
        self._send = send
        state = ledger.alerting()
        self._memory = Memory() if state is None else Memory.of(state)
        self._kept = self._memory.lasting()
        self._results: Counter[str] = Counter()
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._saving: set[asyncio.Future[None]] = set()
        self.change(settings)

    def change(self, settings: Settings) -> None:
        """Receivers that are no longer named get nothing any more."""
        self._zone, self._settings = settings.zone, settings.notify
        self._memory.letters = [one for one in self._memory.letters if one.to in self._receivers]

    @property
    def results(self) -> Mapping[str, int]:
        """What became of messages, since the process began; nothing where there is no receiver."""
        return {result: self._results[result] for result in RESULTS} if self._settings.urls else {}

    @property
    def _receivers(self) -> list[str]:
        return [str(url) for url in self._settings.urls]

    async def run(self, view: View) -> None:
        """Evaluate for ever; what is being sent at the end is killed, and said after the next start."""
        try:
            while True:
                await self._clock.sleep(INTERVAL)
                if self._settings.urls:
                    await self._evaluate(*view())
        finally:
            for worker in self._workers.values():
                worker.cancel()
            await asyncio.gather(*self._workers.values(), return_exceptions=True)

    async def _evaluate(self, snapshot: Snapshot, health: Health, lateness: Reading) -> None:
        memory, settings = self._memory, self._settings
        sight = Sight.of(snapshot, health, lateness, memory.past)
        memory.look(sight, list(conditions(sight)))
        for message in messages(memory, sight, self._zone, settings.title, settings.severity):
            log.info("notification.due", title=message.title, receivers=len(settings.urls))
            memory.letters += [Letter(receiver, message) for receiver in self._receivers]
        self._drop()
        await self._keep()
        for receiver in {one.to for one in memory.letters}:
            worker = self._workers.get(receiver)
            if worker is None or worker.done():
                self._workers[receiver] = asyncio.create_task(self._deliver(receiver), name="notify")

    def _drop(self) -> None:
        for receiver in self._receivers:
            mine = [one for one in self._memory.letters if one.to == receiver]
            for letter in mine[: max(0, len(mine) - MOST_LETTERS)]:
                self._settle(letter, "dropped", f"more than {MOST_LETTERS} wait")

    async def _deliver(self, receiver: str) -> None:
        """Everything that waits for one receiver, in its order."""
        while (letter := self._next(receiver)) is not None:
            url = next((one for one in self._settings.urls if str(one) == receiver), None)
            if url is None:
                return
            try:
                answer = await self._send({"url": url.reveal(), **letter.message.document()})
            except SecretError as error:
                answer = str(error)
            if answer == "sent":
                self._settle(letter, "sent")
                await self._keep()
                self._results["sent"] += 1
                continue
            letter.tries += 1
            if letter.tries > len(BACKOFF):
                self._settle(letter, "failed", answer)
                await self._keep()
                continue
            log.warning("notification.delayed", receiver=receiver, reason=answer, tries=letter.tries)
            await self._keep()
            await self._clock.sleep(BACKOFF[letter.tries - 1])

    def _next(self, receiver: str) -> Letter | None:
        return next((one for one in self._memory.letters if one.to == receiver), None)

    def _settle(self, letter: Letter, result: str, reason: str = "") -> None:
        """Strike it out. One that was sent is counted by the caller, once that is durable."""
        self._memory.letters = [one for one in self._memory.letters if one is not letter]
        if result == "sent":
            log.info("notification.sent", receiver=letter.to, title=letter.message.title)
            return
        self._results[result] += 1
        log.error("notification.given_up", result=result, receiver=letter.to, title=letter.message.title, reason=reason)

    async def _keep(self) -> None:
        """Commit what is new; where the ledger cannot be written, with the next evaluation."""
        lasting = self._memory.lasting()
        if lasting == self._kept:
            return
        saving = asyncio.ensure_future(self._commit(Batch(alerting=self._memory.dump())))
        self._saving.add(saving)
        saving.add_done_callback(self._saving.discard)
        done, _ = await asyncio.wait({saving}, timeout=_COMMIT)
        if done and not isinstance(saving.exception(), LedgerUnavailableError):
            saving.result()
            self._kept = lasting
