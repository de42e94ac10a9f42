"""Proves round trips against real Postfix and Dovecot."""

import pytest

from tests.lab import Lab
from tests.probes.trips import Trip, messages


@pytest.mark.parametrize("fetch", ["imap", "pop3"])
async def test_a_message_that_arrives_is_found_and_deleted(fetch: str, lab: Lab) -> None:
    trip = Trip(lab, fetch)
    seen = await trip.check()
    assert seen.failure is None
    assert seen.phases == ["submit", "queue", "fetch"]
    assert seen.warnings == []
    assert trip.counts == {"delivered": 1}
    assert messages(lab) == []
