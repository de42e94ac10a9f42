"""What Prometheus is told: every metric's name (`names`), and one scrape's text from an immutable snapshot."""

from monitor.metrics.exposition import Answer, Exposition, Scrape
from monitor.metrics.health import Health, Room, SecurityFact, WorkerHealth
from monitor.metrics.histogram import Exemplar, Histogram, Lateness, PhaseDurations, fitting

__all__ = [
    "Answer",
    "Exemplar",
    "Exposition",
    "Health",
    "Histogram",
    "Lateness",
    "PhaseDurations",
    "Room",
    "Scrape",
    "SecurityFact",
    "WorkerHealth",
    "fitting",
]
