"""Real Dovecot, Postfix and Roundcube on loopback for tests, the demonstration and benchmarks.

    with Lab(directory) as lab:
        change = lab.stop_dovecot()

Nothing listens beyond loopback, no mail leaves, and nothing survives the process that owns the lab.
"""

from tests.lab.dovecot import Account
from tests.lab.lab import Freezable, Lab
from tests.lab.ports import Ports
from tests.lab.processes import Change, LabError, LabUnavailableError, wait_until

__all__ = ["Account", "Change", "Freezable", "Lab", "LabError", "LabUnavailableError", "Ports", "wait_until"]
