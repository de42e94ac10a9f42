"""`make api`: schemathesis asks the API thousands of times, and a dated result under docs/results."""

import argparse
import platform
import re
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.web.api.asking import PHASES, asked
from tests.web.api.past import past_of

RESULTS = Path(__file__).parents[3] / "docs" / "results"
PATIENCE_S = 1800.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.web.api", description=__doc__)
    parser.add_argument("--examples", type=int, default=2000, help="of each operation at most; default %(default)s")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="into docs/results")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mailuptime-api-") as place, past_of(Path(place)) as past:
        done = asked(past.daemon, Path(place), examples=given.examples, seed=given.seed, patience=PATIENCE_S)
        well = past.daemon.get("/-/healthy")[0] == 200
    print(done.stdout)
    if given.write:
        now = datetime.now(UTC)
        (RESULTS / f"api-{now:%Y-%m-%d}.md").write_text(_report(done.stdout, given.seed, well, now), encoding="utf-8")
    return done.returncode or int(not well)


def _report(said: str, seed: int, well: bool, now: datetime) -> str:
    counted = re.search(r"^Test cases:\n +(.+)$", said, re.MULTILINE)
    tools = f"schemathesis {version('schemathesis')}, Python {platform.python_version()}"
    alive = "answers as before" if well else "DOES NOT ANSWER"
    return (
        f"# The API against its own description, {now:%Y-%m-%d}\n\n"
        f"`make api`: phases {PHASES}, every check, seed {seed}; {tools}, {platform.machine()}.\n\n"
        f"Requests: {counted[1] if counted else 'none'}. Afterwards the daemon {alive}.\n"
    )


if __name__ == "__main__":
    sys.exit(main())
