"""Which dashboards there are."""

import json

from grafana.generate import availability, fleet, monitor, service
from grafana.generate.model import Dashboard

DASHBOARDS: tuple[Dashboard, ...] = (
    availability.DASHBOARD,
    service.DASHBOARD,
    fleet.DASHBOARD,
    monitor.DASHBOARD,
)


def written() -> dict[str, str]:
    """The text of each file, by name; the same at every run."""
    return {
        f"{one.name}.json": json.dumps(one.document(DASHBOARDS), indent=2, ensure_ascii=False) + "\n"
        for one in DASHBOARDS
    }
