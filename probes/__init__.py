"""What can be probed: the registry from `type` to probe, explicit."""

from collections.abc import Mapping
from types import MappingProxyType

from probes.base import ProbeType
from probes.imap import ImapProbe
from probes.pop3 import Pop3Probe
from probes.roundtrip import RoundtripProbe
from probes.sieve import SieveProbe
from probes.smtp import SmtpProbe, SubmissionProbe
from probes.tcp import TcpProbe
from probes.webmail import WebmailProbe

REGISTRY: Mapping[str, ProbeType] = MappingProxyType(
    {
        probe.protocol: probe
        for probe in (
            SmtpProbe,
            SubmissionProbe,
            ImapProbe,
            Pop3Probe,
            SieveProbe,
            WebmailProbe,
            TcpProbe,
            RoundtripProbe,
        )
    }
)

# What a pulse sees. A failure in any other phase is out of its sight, and so it cannot end one.
PULSE_PHASES = frozenset({"dns", "connect", "tls", "greeting"})

# Phases whose failure, a passed deadline included, is evidence and no failure of the check.
FAREWELL_PHASES = frozenset({"quit", "logout"})
