"""A fleet in the figures: by accounts beside the plain ones, and more of it than the agreement was made for."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.replay.commands import Done, run

AGENCIES = "agency,accounts\none,1000\ntwo,3000\n"


def replayed(directory: Path, *arguments: str, basis: str = "{}", agencies: str = AGENCIES) -> Done:
    """`one` was down from 10:00 to 11:00, and the server of both was not."""
    (directory / "agencies.csv").write_text(agencies)
    (directory / "mailuptime.yaml").write_text(f"""
sla: {{basis: {basis}}}
services:
  - {{name: cluster, targets: [{{name: smtp, type: smtp, host: mx.example.go.th}}]}}
  - {{name: ministry, members: [agencies, one]}}
fleets:
  - from: agencies.csv
    template:
      name: "{{agency}}"
      accounts: "{{accounts}}"
      targets: [{{use: cluster/smtp}}, {{name: imap, type: imap, host: imap.example.go.th}}]
    rollups: [{{name: agencies}}]
""")
    with (directory / "checks.jsonl").open("w") as file:
        for target in ("cluster/smtp", "one/imap", "two/imap"):
            for minute in range(8 * 60, 13 * 60):
                outcome = "down" if target == "one/imap" and minute // 60 == 10 else "up"
                at = f"2026-11-10T{minute // 60:02}:{minute % 60:02}:00+07:00"
                file.write(json.dumps({"at": at, "target": target, "outcome": outcome}) + "\n")
    configuration, checks = directory / "mailuptime.yaml", directory / "checks.jsonl"
    return run("replay", "-c", configuration, checks, "--month", "2026-11", *arguments)


def test_a_roll_up_has_the_availability_by_accounts_beside_the_plain_one(tmp_path: Path) -> None:
    services = {one["service"]: one for one in replayed(tmp_path).document["services"]}

    hour = 100 * 3600 / (30 * 86_400)
    for name in ("agencies", "ministry"):
        assert services[name]["availability_percent"] == pytest.approx(100 - hour)
    assert services["agencies"]["availability_weighted_percent"] == pytest.approx(100 - hour / 4)
    # Without accounts of its own `agencies` weighs what its members serve together, 4000; `one` weighs 1000.
    assert services["ministry"]["availability_weighted_percent"] == pytest.approx(100 - hour)
    assert "availability_weighted_percent" not in services["one"]


def test_the_table_shows_it_where_there_is_one(tmp_path: Path) -> None:
    lines = replayed(tmp_path, "--format", "table").out.splitlines()

    assert lines[1].split()[:4] == ["service", "availability", "by", "accounts"]
    assert next(line for line in lines if line.startswith("agencies")).split()[3:5] == ["99.965", "%"]
    assert next(line for line in lines if line.startswith("one")).split()[3] == "–"


def test_rows_of_csv_have_it_where_there_is_one(tmp_path: Path) -> None:
    rows = {row["service"]: row for row in csv.DictReader(io.StringIO(replayed(tmp_path, "--format", "csv").out))}

    assert rows["one"]["availability_weighted_percent"] == ""
    assert rows["agencies"]["availability_weighted_percent"].startswith("99.96")


def test_a_workload_within_the_basis_is_told_beside_the_figures(tmp_path: Path) -> None:
    assert replayed(tmp_path).document["workload"] == {
        "accounts": 4000,  # each agency once, whatever is made of it
        "services": 2,
        "basis": {"accounts": 250_000, "services": 320},
        "exceeded": [],
    }
    text = replayed(tmp_path, "--format", "table").out
    assert text.endswith(
        "\nWorkload: 4,000 accounts in 2 services, within the agreement's basis of 250,000 accounts in 320 services\n"
    )


@pytest.mark.parametrize(
    ("basis", "exceeded", "said"),
    [
        ("{accounts: 3999, services: 2}", ["accounts"], "more accounts than"),
        ("{accounts: 4000, services: 1}", ["services"], "more services than"),
        ("{accounts: 10, services: 1}", ["accounts", "services"], "more accounts and services than"),
    ],
)
def test_more_than_the_basis_is_named_and_changes_no_figure(
    tmp_path: Path, basis: str, exceeded: list[str], said: str
) -> None:
    found = replayed(tmp_path, basis=basis).document

    assert found["workload"]["exceeded"] == exceeded
    assert found["services"] == replayed(tmp_path).document["services"]
    assert f"in 2 services, {said} the agreement's basis of" in replayed(tmp_path, "--format", "table", basis=basis).out


def test_where_nobody_says_how_many_accounts_it_serves_there_is_neither(tmp_path: Path) -> None:
    done = replayed(tmp_path, "--format", "table", agencies="agency,accounts\none,\ntwo,\n")

    assert "accounts" not in done.out
