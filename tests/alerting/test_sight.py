"""An outage that was told of is one until its service is seen up again."""

from dataclasses import replace

import pytest

from monitor.alerting.sight import Sight
from tests.alerting.night import Night


@pytest.fixture(scope="module")
def down() -> Sight:
    return next(sight for _, sight in Night().sights() if "mail" in sight.past.outages)


def then(before: Sight, state: str) -> Sight:
    """What is seen next, with `mail` in that state and nothing else changed."""
    seen = before.snapshot
    services = tuple(replace(one, state=state) if one.name == "mail" else one for one in seen.services)
    return Sight.of(replace(seen, services=services), before.health, before.lateness, before.past)


@pytest.mark.parametrize("state", ["down", "suspect", "unknown"])
def test_what_is_not_seen_up_goes_on_from_its_start(down: Sight, state: str) -> None:
    assert then(down, state).past.outages == down.past.outages


def test_what_is_seen_up_is_over_and_what_is_merely_suspect_afterwards_is_none(down: Sight) -> None:
    over = then(down, "up")
    assert "mail" not in over.past.outages
    assert "mail" not in then(over, "suspect").past.outages
