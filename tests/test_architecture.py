"""Who may import what, who reads clocks, and how long things are: checked over the syntax trees."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# What the core may use beside itself: arithmetic, text and calendars.
PURE = {
    "bisect", "collections", "copy", "dataclasses", "dateutil", "datetime", "enum", "fractions", "functools",
    "hashlib", "heapq", "itertools", "math", "operator", "re", "types", "typing", "zoneinfo",
}  # fmt: skip
# Each by whom alone: files or directories.
DRIVERS = {
    "apprise": {"monitor/alerting/courier.py"},
    "apscheduler": {"monitor/scheduler.py"},
    "holidays": {"monitor/incidents/days.py"},
    "prometheus_client": {"monitor/metrics/process.py"},
    "sqlite3": {"monitor/ledger"},
    "yaml": {"monitor/settings/nodes.py"},
}
TRANSLATORS = {
    "monitor/posture.py",
    "monitor/attempt.py",
    "monitor/runner.py",
    "monitor/blame.py",
    "monitor/loans.py",  # a gate within a probe
    "monitor/withheld.py",  # a probe less its log-in
    "monitor/canaries.py",  # it connects as they do
    "monitor/scheduler.py",
    "monitor/assembly.py",
    "monitor/deliveries.py",
    "monitor/settings",
    "monitor/cli",
    "monitor/daemon.py",
    "monitor/metrics",  # of what a result is made
    "monitor/hints.py",
    "monitor/ladder.py",
    "monitor/probing.py",
    "monitor/probeanswer.py",
    "monitor/workers",
    "monitor/report/maker.py",  # a process that runs the same code
}
"""Who in the monitor knows of probes."""
COMPOSERS = {"monitor/daemon.py", "monitor/cli", "monitor/__main__.py"}
"""Who may import the composition root or commands."""
CLOCKS = {
    "time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.perf_counter_ns",
    "time.clock_gettime", "time.clock_gettime_ns", "time.process_time", "time.localtime", "time.gmtime",
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today",
    "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
}  # fmt: skip
LOOP_TIME = re.compile(r"(loop|get_running_loop\(\)|get_event_loop\(\))\.time")
LONGEST_FILE = 300
LONGEST_FUNCTION = 50


@dataclass(frozen=True)
class Source:
    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    def imports(self) -> set[str]:
        """Modules by their full names, also where they are imported late; `from a import b` as `a` and `a.b`."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                module = self._absolute(node)
                found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
        return found

    def packages(self) -> set[str]:
        return {name.split(".")[0] for name in self.imports()}

    def calls(self) -> Iterator[str]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield ast.unparse(node.func)

    def clocks(self) -> set[str]:
        """The clocks that are read, or handed on to be read."""
        written = {ast.unparse(node) for node in ast.walk(self.tree) if isinstance(node, ast.Attribute)}
        return (written | self.imports()) & CLOCKS | {name for name in written if LOOP_TIME.fullmatch(name)}

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node

    def within(self, places: set[str]) -> bool:
        return any(self.path == place or self.path.startswith(f"{place}/") for place in places)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.path.removesuffix(".py").removesuffix("/__init__").split("/")
        base = parts[: len(parts) - node.level + self.path.endswith("/__init__.py")]
        return ".".join([*base, *([node.module] if node.module else [])])


def read(folder: str) -> list[Source]:
    return [
        Source(str(path.relative_to(ROOT)), path.read_text("utf-8")) for path in sorted((ROOT / folder).rglob("*.py"))
    ]


MONITOR, PROBES = read("monitor"), read("probes")
CORE = [source for source in MONITOR if source.within({"monitor/core"})]
EVERYTHING = [*MONITOR, *PROBES]


def test_there_is_something_to_check() -> None:
    assert len(CORE) > 5
    assert len(PROBES) > 5
    assert len(MONITOR) > len(CORE)


def test_probes_know_nothing_of_the_monitor() -> None:
    assert [source.path for source in PROBES if "monitor" in source.packages()] == []


def test_the_core_is_pure() -> None:
    foreign = {source.path: source.packages() - PURE - {"monitor"} for source in CORE}
    assert {path: names for path, names in foreign.items() if names} == {}
    outside = {name for source in CORE for name in source.imports() if re.match(r"monitor\.(?!core\b)", name)}
    assert outside == set()
    impure = {"open", "print", "input", "exec", "eval", "__import__"}
    assert [source.path for source in CORE if impure & set(source.calls())] == []


def test_only_who_translates_and_who_composes_knows_of_probes() -> None:
    assert [s.path for s in MONITOR if "probes" in s.packages() and not s.within(TRANSLATORS)] == []


def test_only_the_composition_root_and_the_commands_compose() -> None:
    composing = {s.path for s in MONITOR for name in s.imports() if re.match(r"monitor\.(daemon|cli)\b", name)}
    assert {s.path for s in MONITOR if s.path in composing and not s.within(COMPOSERS)} == set()


@pytest.mark.parametrize("driver", sorted(DRIVERS))
def test_a_driver_is_imported_in_its_own_place_only(driver: str) -> None:
    importers = [source for source in EVERYTHING if driver in source.packages()]
    assert importers
    assert [source.path for source in importers if not source.within(DRIVERS[driver])] == []


def test_only_one_file_reads_clocks() -> None:
    readers = {source.path for source in EVERYTHING if source.clocks()}
    assert readers == {"monitor/clock.py"}


def test_no_file_is_too_long_to_be_read_at_once() -> None:
    lengths = {source.path: len(source.text.splitlines()) for source in EVERYTHING}
    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_function_is_too_long_to_be_read_at_once() -> None:
    lengths = {
        f"{source.path}: {function.name}": (function.end_lineno or 0) - function.lineno + 1
        for source in EVERYTHING
        for function in source.functions()
    }
    assert {place: length for place, length in lengths.items() if length > LONGEST_FUNCTION} == {}


def test_what_is_forbidden_would_be_found() -> None:
    """The checks themselves, on a file that breaks every rule."""
    text = (
        "import time, sqlite3\nfrom datetime import datetime\nfrom time import monotonic_ns\n"
        "from ..daemon import Daemon\nfrom . import settings\n"
        "def late():\n    from monitor.cli import main\n    return datetime.now()\n"
        "stamp = time.monotonic\nloop.time()\n"
    )
    bad = Source("monitor/core/bad.py", text)
    assert bad.packages() == {"time", "sqlite3", "datetime", "monitor"}
    assert {"monitor.daemon.Daemon", "monitor.core.settings", "monitor.cli.main"} <= bad.imports()
    assert bad.clocks() == {"datetime.now", "time.monotonic", "time.monotonic_ns", "loop.time"}
    package = Source("monitor/core/__init__.py", "from . import book\nfrom ..clock import Clock\n")
    assert package.imports() == {"monitor.core", "monitor.core.book", "monitor.clock", "monitor.clock.Clock"}
