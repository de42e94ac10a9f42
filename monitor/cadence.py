"""When a target is checked next (R3). Pure: seconds on the monotonic clock go in, seconds come out."""

from dataclasses import dataclass
from math import floor

from monitor.core.timeline import Timeline


@dataclass(slots=True)
class Cadence:
    """Intervals in seconds; `phase` is the target's fixed place in its interval; `pulse` None for no pulses."""

    interval: float
    confirm_interval: float
    recover_interval: float
    pulse: float | None
    phase: float
    downs: int = 0

    def slot_after(self, instant: float) -> float:
        """The target's next regular slot after an instant."""
        slot = self.phase + (floor((instant - self.phase) / self.interval) + 1) * self.interval
        return slot if slot > instant else slot + self.interval  # a quotient may be rounded down to the slot's own

    def missed(self, due: float, now: float) -> list[float]:
        """The regular slots from `due` on that passed whole before `now`."""
        return [due + n * self.interval for n in range(max(0, floor((now - due) / self.interval)))]

    def after(self, present: Timeline, began: float, ended: float) -> float:
        """When the next full check is due after one that began and ended; `present` has its result applied."""
        if not present.down:
            self.downs = 0
            if present.row is None:
                return self.slot_after(ended)
            return max(began + self.confirm_interval, ended)
        if present.row is not None:
            return max(began + self.confirm_interval, ended)
        self.downs += 1
        step = min(self.confirm_interval * 2.0 ** min(self.downs, 30), self.recover_interval)
        return max(began + max(step, self.confirm_interval), ended)

    def pulse_after(self, ended: float) -> float | None:
        return None if self.pulse is None else ended + self.pulse


def phases(names: list[tuple[str, str, float]]) -> dict[str, float]:
    """A fixed place for each target in its interval, from (name, host, interval in seconds).

    The targets of one host are spread evenly by the golden ratio, from a start that the host's name decides; a
    target keeps its place as long as its host's targets stay the same.
    """
    found: dict[str, float] = {}
    placed: dict[str, int] = {}
    for name, host, interval in sorted(names):
        number = placed[host] = placed.get(host, -1) + 1
        found[name] = (_fraction(host) + number * 0.6180339887498949) % 1 * interval
    return found


def _fraction(text: str) -> float:
    """A fixed number in [0, 1) for a text; `hash` would differ from start to start."""
    value = 2166136261
    for byte in text.encode():
        value = (value ^ byte) * 16777619 % 2**32
    return value / 2**32
