"""The past, loaded into an empty Prometheus as docs/HISTORY.md says, answers what the ledger says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.core.instants import SECOND
from tests.deploy.prometheus import Prometheus, Vector
from tests.replay.commands import Desk, run
from tests.replay.test_export import at, downs, record, ups

PAGE = Path(__file__).parents[2] / "docs" / "HISTORY.md"
LARGE = ("--max-block-duration=744h",)
JOINING = ("--label", "job=mailuptime", "--label", "instance=127.0.0.1:9925")


def when(text: str) -> float:
    return at(text) / SECOND


@pytest.fixture
def recorded(tmp_path: Path) -> Desk:
    """An outage over midnight of 2026-11-01, then half an hour of it excused afterwards."""
    desk = Desk(tmp_path)
    desk.configure("t")
    arrivals = [
        *ups("mail/t", "2026-10-31T20:00", "2026-10-31T23:00"),
        *downs("mail/t", "2026-10-31T23:00", "2026-11-01T01:00"),
        *ups("mail/t", "2026-11-01T01:00", "2026-11-01T03:00"),
    ]
    record(desk, arrivals, at("2026-11-01T00:00"))
    return desk


def loaded(desk: Desk, name: str) -> Path:
    """What the page's two commands make: an export, and blocks of it."""
    written, blocks = desk.directory / f"{name}.om", desk.directory / name
    period = ("--from", "2026-10-31T20:00+07:00", "--to", "2026-11-01T03:00+07:00")
    done = run("export", "openmetrics", "-c", desk.configuration, *period, *JOINING, "-o", written)
    assert (done.status, done.err) == (0, "")
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", *LARGE, str(written), str(blocks)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return blocks


def value(answer: Vector) -> float:
    ((_, found),) = answer
    return found


def correct(desk: Desk) -> None:
    """Half an hour of November's downtime is excused, with another person's approval."""
    span = ("--start", "2026-11-01T00:00", "--end", "2026-11-01T00:30", "--scope", "mail", "--id", "EXC-1")
    reason = ("--category", "force_majeure", "--evidence", "flood", "--by", "ops")
    assert run("exclude", "add", "-c", desk.configuration, *span, *reason).status == 0
    assert run("approve", "-c", desk.configuration, "EXC-1", "--by", "manager").status == 0


def test_an_empty_prometheus_knows_the_past_and_a_second_export_its_correction(recorded: Desk, tmp_path: Path) -> None:
    """Downtime of each month, states, burn rates and the outage's start, at their times; then after an exclusion."""
    last = when("2026-11-01T02:30")
    with Prometheus.running({}, tmp_path / "first", loaded(recorded, "blocks")) as prometheus:
        counted = 'mailuptime_downtime_seconds{kind="counted"}'
        assert value(prometheus.query(counted, when("2026-10-31T23:59"))) == pytest.approx(59 * 60, abs=1)
        assert value(prometheus.query(counted, last)) == pytest.approx(3600, abs=1)
        budget = prometheus.query("mailuptime_downtime_budget_remaining_seconds", last)
        labels = {"sla_service": "mail", "month": "2026-11", "job": "mailuptime", "instance": "127.0.0.1:9925"}
        ((found, left),) = budget
        assert found == {"__name__": "mailuptime_downtime_budget_remaining_seconds", **labels}
        assert left == pytest.approx(216 * 60 - 3600, abs=1)
        down = 'mailuptime_service_state{state="down"}'
        states = {time: value(prometheus.query(down, when(f"2026-11-01T{time}"))) for time in ("00:59", "01:01")}
        assert states == {"00:59": 1, "01:01": 0}
        assert value(prometheus.query('mailuptime_burn_rate{window="1h"}', when("2026-11-01T01:00"))) == pytest.approx(
            200, rel=1e-3
        )
        spent = 'increase(mailuptime_state_seconds_total{state="down"}[3h])'
        assert value(prometheus.query(spent, when("2026-11-01T01:30"))) == pytest.approx(7200, rel=0.02)
        began = prometheus.query("mailuptime_outage_start_timestamp_seconds", when("2026-11-01T00:30"))
        assert value(began) == when("2026-10-31T23:00")
    correct(recorded)
    with Prometheus.running({}, tmp_path / "second", loaded(recorded, "corrected")) as prometheus:
        assert value(prometheus.query(counted, last)) == pytest.approx(1800, abs=1)
        assert value(prometheus.query('mailuptime_downtime_seconds{kind="excused"}', last)) == pytest.approx(
            1800, abs=1
        )


def test_the_pages_loop_loads_whole_months(recorded: Desk, tmp_path: Path) -> None:
    """As it stands there, but for the months, the step and the directory."""
    (loop,) = re.findall(r"^```sh\n(for month in .+?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    loop = re.sub(r"for month in [^;]+;", "for month in 2026-10;", loop).replace("--step 1h", "--step 30m")
    blocks = tmp_path / "months"
    loop = loop.replace("/var/lib/prometheus/metrics2", str(blocks))
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-euc", loop], cwd=recorded.directory, env=environment, check=True, capture_output=True)
    with Prometheus.running({}, tmp_path / "server", blocks) as prometheus:
        counted = 'last_over_time(mailuptime_downtime_seconds{kind="counted",month="2026-10"}[1h])'
        assert value(prometheus.query(counted, when("2026-10-31T23:59"))) == pytest.approx(30 * 60, abs=1)


def test_the_page_names_the_commands_that_are_proved_here() -> None:
    """The words of docs/HISTORY.md are those of this test."""
    page = PAGE.read_text(encoding="utf-8")
    assert "promtool tsdb create-blocks-from openmetrics past.om" in page
    assert f"promtool tsdb create-blocks-from openmetrics {' '.join(LARGE)} past.om" in page
    assert re.search(r"mailuptime export openmetrics -c \S+ --from \S+ --to \S+", page)
    assert "--label job=mailuptime --label instance=127.0.0.1:9925" in page
