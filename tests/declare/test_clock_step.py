"""A clock that is set back and forth in the middle of an outage: what was recorded still gives the same figures."""

import json
from pathlib import Path

import pytest

from monitor.checklines import line_of
from monitor.core.book import Horizon
from monitor.core.calendar import Month
from monitor.core.instants import HOUR, MINUTE, SECOND, format_instant
from monitor.core.maintenance import Window
from monitor.figures import month_document
from tests.declare.office import Office
from tests.e2e.written import smtp
from tests.ledger.accounts import TARGETS, ZONE
from tests.shell import virtual
from tests.shell.desk import Desk
from tests.shell.fleet import REFUSED, failing
from tests.shell.virtual import WALL, VirtualClock


@pytest.mark.parametrize("step", [-HOUR, -10 * MINUTE, -SECOND, 10 * MINUTE, HOUR])
def test_checks_recorded_across_a_clock_step_are_replayed_to_the_same_figures(
    step: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    span = (WALL + 8 * MINUTE, WALL + 11 * MINUTE)
    window = Window("w", (), *span, "upgrade", "ops")

    async def scenario(clock: VirtualClock) -> tuple[Desk, int]:
        desk = Desk(clock, failing(REFUSED, (300, 1200)))
        desk.book.windows = [window]
        async with virtual.beside(desk.recorder.run()):
            for number in range(60):
                for name in TARGETS:
                    await desk.check(name)
                await clock.sleep(30)
                if number == 20:
                    clock.step(step)
            clock.step(max(-step, 0))
            await clock.sleep(30)
        return desk, clock.now()

    desk, now = virtual.run(scenario)
    present = desk.book.present(now)
    until = present if present == now else present + SECOND
    month = Month.of(until, ZONE)
    expected = month_document(month, ZONE, [desk.book.figures("mail", month, Horizon(until, now=True))])
    assert expected["services"][0]["excused_seconds"] > 0
    assert any(not row.check.speaks for row in desk.writer.rows) == (step <= -MINUTE)

    targets = [{**smtp(port), "name": name.partition("/")[2]} for port, name in enumerate(TARGETS, 25)]
    office = Office(tmp_path, capsys, services=[{"name": "mail", "targets": targets}], defaults=None)
    checks, windows = tmp_path / "checks.jsonl", tmp_path / "windows.json"
    checks.write_text("".join(line_of(row, ZONE) + "\n" for row in desk.writer.rows), encoding="utf-8")
    start, end = (format_instant(at, ZONE) for at in span)
    windows.write_text(json.dumps([{"start": start, "end": end, "reason": "upgrade", "by": "ops"}]), encoding="utf-8")
    arguments = ("--maintenance", str(windows), "--month", str(month), "--until", format_instant(until, ZONE))
    again = office.run("replay", str(checks), *arguments)
    assert (again.err, {key: again.document[key] for key in expected}) == ("", expected)
