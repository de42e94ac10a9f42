"""A refused token of a round trip's reader is shown once: what is refused again and again locks an account."""

import re
import time
from dataclasses import replace

import pytest

from probes.base import Steps
from probes.errors import Cause, ProbeFailureError
from probes.imap import ImapProbe
from probes.roundtrip import RoundtripOptions, RoundtripProbe
from tests.lab import Lab
from tests.probes.conftest import Secret
from tests.probes.test_real_servers import reach
from tests.probes.trips import Trip


async def test_a_refused_token_of_the_reader_is_tried_once(lab: Lab) -> None:
    login = {"username": lab.probe.username, "password": Secret("no-token-0451"), "mechanism": "xoauth2"}
    reader = ImapProbe(ImapProbe.Options.model_validate({**reach(lab, "imap", "implicit"), "login": login}))
    route = replace(Trip(lab)._route(None), reader=reader)
    options = RoundtripOptions.model_validate({"submit": "submission", "fetch": "imap"})
    steps = Steps(time.monotonic, transcript=True)
    with pytest.raises(ProbeFailureError) as caught:
        await RoundtripProbe(options, route).check(steps)
    assert caught.value.cause is Cause.CREDENTIAL
    attempts = [line for line in steps.evidence.transcript if re.match(r"C: \S+ AUTHENTICATE XOAUTH2", line)]
    assert len(attempts) == 1
    assert steps.failed == "fetch"
