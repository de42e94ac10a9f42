"""`make api`: schemathesis asks the API thousands of times, and a dated result under docs/results."""

import argparse
import platform
import re
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.console.scene import ALICE, scene_of
from tests.web.api.asking import OF_CONTENT, PHASES, asked
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
        read = asked(past.daemon, Path(place), examples=given.examples, seed=given.seed, patience=PATIENCE_S)
        well = past.daemon.get("/-/healthy")[0] == 200
    with tempfile.TemporaryDirectory(prefix="mailuptime-api-") as place, scene_of(Path(place)) as scene:
        fewer = max(given.examples // 10, 5)  # a ticket is written to disk each time
        written = asked(scene.daemon, Path(place), examples=fewer, seed=given.seed, user=ALICE, patience=PATIENCE_S)
        well = well and scene.get("en/").status == 200
    print(read.stdout, written.stdout, sep="\n")
    if given.write:
        now = datetime.now(UTC)
        text = _report(read.stdout, written.stdout, given, well, now)
        (RESULTS / f"api-{now:%Y-%m-%d}.md").write_text(text, encoding="utf-8")
    return read.returncode or written.returncode or int(not well)


def _report(read: str, written: str, given: argparse.Namespace, well: bool, now: datetime) -> str:
    tools = f"schemathesis {version('schemathesis')}, Python {platform.python_version()}"
    alive = "answer as before" if well else "DO NOT ANSWER"
    return (
        f"# The API against its own description, {now:%Y-%m-%d}\n\n"
        f"`make api EXAMPLES={given.examples}`: phases {PHASES}, seed {given.seed}; {tools}, {platform.machine()}.\n\n"
        f"| who asks | checks | requests |\n|---|---|---|\n"
        f"| anybody, who may write nothing | every one | {_counted(read)} |\n"
        f"| a user, who may | all but `{OF_CONTENT}` | {_counted(written)} |\n\n"
        f"Afterwards both daemons {alive}.\n"
    )


def _counted(said: str) -> str:
    found = re.search(r"^Test cases:\n +(.+)$", said, re.MULTILINE)
    return found[1] if found else "none"


if __name__ == "__main__":
    sys.exit(main())
