"""Decides how schemathesis asks: by a seed, with everything that it can check, and names that there are."""

import subprocess
import sys
from pathlib import Path

from tests.lab.daemon import Daemon

CONFIGURATION = '[parameters]\n"path.name" = "mail"\n'
PHASES = "examples,coverage,fuzzing"
OF_CONTENT = "positive_data_acceptance,negative_data_rejection,ignored_auth"
"""What cannot be checked of who may write: a ticket that there is not is refused, whatever the schema allows."""


def asked(
    daemon: Daemon, place: Path, *, examples: int, seed: int, user: tuple[str, str] | None = None, patience: float = 110
) -> subprocess.CompletedProcess[str]:
    """Ended with 0 where every answer was as the API's own description has it; `user` may write, nobody else."""
    configuration = place / "schemathesis.toml"
    configuration.write_text(CONFIGURATION, encoding="utf-8")
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(configuration), "run"),
        *(f"{daemon.url}/api/v1/openapi.json", "--phases", PHASES, "--checks", "all", "--workers", "1"),
        *("--seed", str(seed), "--max-examples", str(examples)),
    ]
    if user is not None:
        command += ["--auth", ":".join(user), "--exclude-checks", OF_CONTENT]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=patience, cwd=place)
