"""What Prometheus is told: every metric's name (`names`), and one scrape's text from an immutable snapshot."""

from monitor.metrics.exposition import Answer, Exposition, Scrape
from monitor.metrics.health import Health, Room, SecurityFact, WorkerHealth
from monitor.metrics.histogram import Histogram, Lateness, PhaseDurations, Seen, fitting

__all__ = [
    "Answer",
    "Exposition",
    "Health",
    "Histogram",
    "Lateness",
    "PhaseDurations",
    "Room",
    "Scrape",
    "SecurityFact",
    "Seen",
    "WorkerHealth",
    "fitting",
]
