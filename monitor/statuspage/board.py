"""What the page's process knows: the newest of everything that the daemon said, and how long ago it last spoke."""

from monitor.clock import Clock
from monitor.core.instants import MINUTE
from monitor.statuspage.view import Beat, Message, Present, View

SILENCE = 15.0
"""Seconds without a word of the daemon after which nothing is known of the present any more."""
ORDER = ("down", "maintenance", "suspect", "unknown", "up")
"""States as they are listed: what somebody looks for stands first."""


class Board:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changes = 0
        self._heard = clock.monotonic()
        self.view = View()

    def take(self, message: Message) -> None:
        self._heard = self._clock.monotonic()
        if not isinstance(message, Beat) or message.head != self.view.head:
            self._changes += 1
        self.view = self.view.plus(message)

    @property
    def silent(self) -> bool:
        """Whether the daemon has said nothing for too long."""
        return self._clock.monotonic() - self._heard > SILENCE

    @property
    def version(self) -> tuple[object, ...]:
        """What pages are made from; while it is the same, so are they. Time shows in them by the minute."""
        return self._changes, self.view.at // MINUTE, self.silent

    @property
    def services(self) -> list[Present]:
        """Every service that is shown and was seen, in the order of the configuration."""
        present, site = self.view.present, self.view.site
        return [present[name] for name in site.services if name in present] if site is not None else []

    def state(self, service: Present) -> str:
        """Of a service now; nothing is known while the daemon is silent."""
        return "unknown" if self.silent else service.state

    @property
    def overall(self) -> str:
        """The worst state of all services."""
        states = {self.state(service) for service in self.services}
        return next((state for state in ORDER if state in states), "unknown")
