"""Compares the dashboards with the types that Grafana publishes, by the TypeScript compiler: `make grafana-schema`.

It needs npm and its registry, so it is no part of `make test`; what it found is written down with its date. Each
dashboard is held to `Dashboard`, each panel's options and each field's look to the types of that panel, of the newest
version and two majors back. Faults that are planted on purpose must be found, or the comparison says nothing.

Options that a dashboard leaves out get Grafana's defaults, so none is required. What the Prometheus data source adds to
annotations and variables is not in the published types, and is held to `tests/deploy/classic.py` alone.
"""

import argparse
import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from grafana.generate.dashboards import written

VERSIONS = ("11.6.16", "12.4.11", "13.2.3")
COMPILER = "5.9.2"
RESULTS = Path(__file__).parents[2] / "docs" / "results"
# Enumerations are texts in JSON.
HEAD = """\
import type { Dashboard } from '@grafana/schema';
type Plain<T> = T extends string ? `${T}` : T extends (infer U)[] ? Plain<U>[]
  : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
type Given<T> = T extends string ? `${T}` : T extends (infer U)[] ? Given<U>[]
  : T extends object ? { [K in keyof T]?: Given<T[K]> } : T;
"""
_OF_PROMETHEUS = ("titleFormat", "textFormat", "tagKeys", "useValueForTime")
_STRICT = ("--noEmit", "--strict", "--skipLibCheck", "--module", "esnext", "--moduleResolution", "bundler")
_ERROR = re.compile(r"^check\.ts\((\d+),\d+\): error (TS\d+: .*)$", re.MULTILINE)

Document = dict[str, Any]
Dashboards = dict[str, Document]


class SchemaError(Exception):
    """npm or the compiler did not do what was asked; the text is theirs."""


@dataclass(frozen=True)
class Fault:
    """Something wrong that is put into the dashboards, to see that it is found."""

    name: str
    plant: Callable[[Dashboards], None]


def _panel(dashboards: Dashboards, kind: str) -> Document:
    panels = (panel for document in dashboards.values() for panel in document["panels"])
    return next(panel for panel in panels if panel["type"] == kind)


FAULTS = (
    Fault("a refresh that is a number", lambda all_: all_["fleet"].update(refresh=30)),
    Fault("a place that is a text", lambda all_: _panel(all_, "stat")["gridPos"].update(w="4")),
    Fault("an unknown threshold mode", lambda all_: _thresholds(all_).update(mode="absolut")),
    Fault("an unknown colour mode of a stat", lambda all_: _panel(all_, "stat")["options"].update(colorMode="solid")),
    Fault("an option that a time series does not have", lambda all_: _panel(all_, "timeseries")["options"].update(x=1)),
    Fault("a line width that is a text", lambda all_: _look(all_, "timeseries").update(lineWidth="2")),
    Fault("an unknown alignment of a table", lambda all_: _look(all_, "table").update(align="middle")),
    Fault("an unknown mode of bars", lambda all_: _panel(all_, "bargauge")["options"].update(displayMode="plain")),
    Fault("an unknown hide of a variable", lambda all_: all_["fleet"]["templating"]["list"][0].update(hide="no")),
)  # fmt: skip


def _look(dashboards: Dashboards, kind: str) -> Document:
    look: Document = _panel(dashboards, kind)["fieldConfig"]["defaults"]["custom"]
    return look


def _thresholds(dashboards: Dashboards) -> Document:
    found: Document = _panel(dashboards, "stat")["fieldConfig"]["defaults"]["thresholds"]
    return found


def program(dashboards: Dashboards, root: Path) -> list[str]:
    """TypeScript, a statement a line: each says that a part of a dashboard is of its published type."""
    lines = HEAD.splitlines()
    kinds = sorted({panel["type"] for one in dashboards.values() for panel in one["panels"]} - {"row"})
    for kind in kinds:
        lines.append(f"import type * as {_name(kind)} from './{_types(kind, root).relative_to(root).as_posix()}';")
    for document in dashboards.values():
        lines.append(_statement("Plain<Dashboard>", _without_source(document)))
        for panel in document["panels"]:
            lines += _of_panel(panel) if panel["type"] != "row" else []
    return lines


def _of_panel(panel: Document) -> Iterator[str]:
    yield _statement(f"Given<{_name(panel['type'])}.Options>", panel["options"])
    custom = panel["fieldConfig"]["defaults"].get("custom")
    if custom:
        yield _statement(f"Given<{_name(panel['type'])}.FieldConfig>", custom)


def _statement(kind: str, value: Document) -> str:
    return f"(({json.dumps(value)}) satisfies {kind});"


def _name(kind: str) -> str:
    return kind.replace("-", "")


def _types(kind: str, root: Path) -> Path:
    """The declarations of a panel, which have moved between versions."""
    pattern = f"node_modules/@grafana/schema/dist/*/raw/composable/{_name(kind)}/panelcfg/x/*types.gen.d.ts"
    found = sorted(root.glob(pattern))
    if not found:
        raise SchemaError(f"Grafana publishes no types of the panel {kind}")
    return found[0].with_suffix("").with_suffix("")


def _without_source(document: Document) -> Document:
    """Without what only the Prometheus data source knows."""
    made = deepcopy(document)
    for variable in made["templating"]["list"]:
        variable.pop("definition", None)
    for annotation in made["annotations"]["list"]:
        annotation["target"] = {"refId": annotation["target"]["refId"]}
        for key in _OF_PROMETHEUS:
            annotation.pop(key, None)
    return made


def errors(dashboards: Dashboards, root: Path) -> list[str]:
    """What the compiler finds wrong, each beside the statement that it is about."""
    lines = program(dashboards, root)
    (root / "check.ts").write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = _run([str(root / "node_modules/.bin/tsc"), *_STRICT, "check.ts"], root, may_fail=True)
    found = [f"{lines[int(line) - 1][-80:]} {text[:300]}" for line, text in _ERROR.findall(done.stdout)]
    if done.returncode and not found:
        raise SchemaError(done.stdout + done.stderr)
    return found


def installed(version: str, directory: Path) -> Path:
    """A directory with the types of a version, and the compiler."""
    root = directory / version
    root.mkdir()
    (root / "package.json").write_text('{"private": true}', encoding="utf-8")
    packages = (f"@grafana/schema@{version}", f"typescript@{COMPILER}")
    _run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent", *packages], root)
    return root


def _run(command: list[str], root: Path, *, may_fail: bool = False) -> "subprocess.CompletedProcess[str]":
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=300)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SchemaError(str(error)) from error
    if done.returncode and not may_fail:
        raise SchemaError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done


@dataclass(frozen=True)
class Verdict:
    """Of one version: what is wrong with the dashboards, and the planted faults that were not found."""

    version: str
    statements: int
    wrong: list[str]
    missed: list[str]


def judged(version: str, dashboards: Dashboards, directory: Path) -> Verdict:
    root = installed(version, directory)
    wrong = errors(dashboards, root)
    missed = []
    for fault in FAULTS:
        planted = deepcopy(dashboards)
        fault.plant(planted)
        if len(errors(planted, root)) <= len(wrong):
            missed.append(fault.name)
    statements = sum(line.startswith("((") for line in program(dashboards, root))
    return Verdict(version, statements, wrong, missed)


def report(verdicts: list[Verdict], date: str) -> str:
    lines = [
        f"# Dashboards and the types that Grafana publishes, {date}",
        "",
        f"`make grafana-schema`: `@grafana/schema` of each version, TypeScript {COMPILER}, `--strict`. A statement is",
        "about a dashboard, the options of a panel, or the look of its fields. It is no drawing: how a real Grafana",
        "shows the dashboards is not verified.",
        "",
        "| version | statements | wrong | planted faults found |",
        "|---|---|---|---|",
    ]
    for one in verdicts:
        found = len(FAULTS) - len(one.missed)
        lines.append(f"| {one.version} | {one.statements} | {len(one.wrong)} | {found} of {len(FAULTS)} |")
    lines += ["", f"Planted: {'; '.join(fault.name for fault in FAULTS)}."]
    for one in verdicts:
        lines += [f"- {one.version}: {text}" for text in one.wrong]
        lines += [f"- {one.version}, not found: {name}" for name in one.missed]
    return "\n".join(lines) + "\n"


def main() -> int:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    dashboards = {Path(name).stem: json.loads(text) for name, text in written().items()}
    date = datetime.now(UTC).date().isoformat()
    try:
        with tempfile.TemporaryDirectory() as directory:
            verdicts = [judged(version, dashboards, Path(directory)) for version in VERSIONS]
    except SchemaError as error:
        print(f"grafana-schema: {error}")
        return 69
    text = report(verdicts, date)
    (RESULTS / f"grafana-schema-{date}.md").write_text(text, encoding="utf-8")
    print(text)
    return int(any(one.wrong or one.missed for one in verdicts))


if __name__ == "__main__":
    raise SystemExit(main())
