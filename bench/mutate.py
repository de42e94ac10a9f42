"""Mutation testing of the accounting: what survives a changed operator, no test would notice.

Each mutant is one change to one module of `monitor/core`. It is compiled in memory, in a process of its own, and the
quick part of `tests/core` is run until the first failure. The files themselves are not touched.
"""

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import multiprocessing
import os
import platform
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.machinery import ModuleSpec
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
CORE = ROOT / "monitor" / "core"
TESTS = [
    *(f"tests/core/test_{name}.py" for name in ("intervals", "calendar", "recurrence", "budget", "maintenance")),
    *(f"tests/core/test_{name}.py" for name in ("declarations", "timeline", "rules", "kept", "outages", "laws")),
]
EXAMPLES = 25  # of each law; the full suite tries four times as many
MEMORY = 2 << 30

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "bisect_left": "bisect_right"}
NAMES |= {new: old for old, new in NAMES.items()}


@dataclass(frozen=True)
class Mutant:
    path: Path
    line: int
    change: str
    tree: ast.Module

    @property
    def module(self) -> str:
        return ".".join(self.path.relative_to(ROOT).with_suffix("").parts)


def changed(node: ast.AST) -> Iterator[ast.AST]:
    """Every way to change one node; what stands inside it is changed on its own."""
    new = copy.deepcopy(node)
    match new:
        case ast.Compare(ops=ops):
            for position, op in enumerate(ops):
                ops[position] = COMPARISONS[type(op)]()
                yield copy.deepcopy(new)
                ops[position] = op
        case ast.BoolOp(op=op):
            new.op = ast.Or() if isinstance(op, ast.And) else ast.And()
            yield new
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield new.operand
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield from (ast.Constant(value + 1), ast.Constant(value - 1))
        case ast.IfExp(body=body, orelse=orelse):
            yield from (body, orelse)
        case _:
            yield from _otherwise_called(new)


def _otherwise_called(new: ast.AST) -> Iterator[ast.AST]:
    match new:
        case ast.BinOp(op=op) | ast.AugAssign(op=op) if type(op) in OPERATORS:
            new.op = OPERATORS[type(op)]()
            yield new
        case ast.Call(func=ast.Name(id=name)) if name in NAMES:
            new.func = ast.Name(NAMES[name], ast.Load())
            yield new
        case ast.Return(value=value) if value is not None and not _is_none(value):
            yield ast.Return(ast.Constant(None))


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _skipped(tree: ast.Module) -> set[ast.AST]:
    """Annotations, imports and what is said in words decide nothing."""
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        for field in ("annotation", "returns", "decorator_list"):
            part = getattr(node, field, None)
            for one in part if isinstance(part, list) else [part] if part else []:
                found.update(ast.walk(one))
        if isinstance(node, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom):
            found.update(ast.walk(node))
    return found


def mutants(path: Path) -> Iterator[Mutant]:
    tree = ast.parse(path.read_text("utf-8"))
    skipped = _skipped(tree)
    for parent in ast.walk(tree):
        if parent in skipped:
            continue
        for field, value in ast.iter_fields(parent):
            for position, node in enumerate(value if isinstance(value, list) else [value]):
                if not isinstance(node, ast.AST) or node in skipped:
                    continue
                for new in changed(node):
                    _put(parent, field, position, new)
                    ast.copy_location(new, node)
                    whole = ast.fix_missing_locations(copy.deepcopy(tree))
                    line = getattr(node, "lineno", 0)
                    yield Mutant(path, line, f"{ast.unparse(node)} → {ast.unparse(new)}", whole)
                    _put(parent, field, position, node)


def _put(parent: ast.AST, field: str, position: int, node: ast.AST) -> None:
    value = getattr(parent, field)
    if isinstance(value, list):
        value[position] = node
    else:
        setattr(parent, field, node)


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the mutant in place of its module."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None) -> ModuleSpec | None:
        if name != self._mutant.module:
            return None
        return importlib.util.spec_from_file_location(name, self._mutant.path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        code = compile(self._mutant.tree, str(self._mutant.path), "exec")
        exec(code, module.__dict__)


class Examples:
    """Tells Hypothesis to try few examples, and always the same."""

    def pytest_configure(self) -> None:
        import hypothesis  # noqa: PLC0415 - once pytest has prepared it

        hypothesis.settings.register_profile(
            "mutate", max_examples=EXAMPLES, derandomize=True, database=None, deadline=None,
            phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        )  # fmt: skip
        hypothesis.settings.load_profile("mutate")


def run_tests(mutant: Mutant | None) -> None:
    """In a process of its own: it ends with 0 where every test passed, which no mutant should."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.path.insert(0, str(ROOT))
    tests = TESTS
    if mutant is not None:
        sys.meta_path.insert(0, Finder(mutant))
        own = f"test_{mutant.path.stem}.py"
        tests = sorted(TESTS, key=lambda test: not test.endswith(own))  # those that know it best come first
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    os._exit(int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests], plugins=[Examples()])))


def fate(mutant: Mutant | None, limit: float) -> str:
    process = multiprocessing.get_context("fork").Process(target=run_tests, args=(mutant,))
    process.start()
    process.join(limit)
    if process.is_alive():
        process.kill()
        process.join()
        return "timeout"
    return "survived" if process.exitcode == 0 else "killed"


def report(found: list[tuple[Mutant, str]], whole: int, arguments: argparse.Namespace) -> str:
    counts = Counter(one for _, one in found)
    score = (counts["killed"] + counts["timeout"]) / max(len(found), 1)
    modules = sorted({mutant.path for mutant, _ in found})
    versions = ", ".join(f"{name} {version(name)}" for name in ("pytest", "hypothesis"))
    drawn = f", a sample (seed {arguments.seed})" if len(found) < whole else ""
    lines = [
        f"# Mutation testing of `monitor/core`, {datetime.now(UTC):%Y-%m-%d}",
        "",
        f"Python {platform.python_version()}, {versions}. {len(found)} of {whole} mutants{drawn}.",
        f"{counts['killed']} killed, {counts['timeout']} stopped at the time limit, {counts['survived']} survived.",
        f"Score {score:.1%}.",
        f"Each law had {EXAMPLES} examples; a full run of the tests tries 100 or more.",
        "",
        "| module | mutants | survived |",
        "|---|---|---|",
    ]
    for path in modules:
        own = [one for mutant, one in found if mutant.path == path]
        lines.append(f"| `{path.relative_to(ROOT)}` | {len(own)} | {own.count('survived')} |")
    lines += ["", "## Survivors", ""]
    lines += [f"- `{m.path.name}:{m.line}`: `{m.change}`" for m, one in found if one == "survived"] or ["None."]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Mutation testing of monitor/core.")
    parser.add_argument("modules", nargs="*", help="names as in timeline; all by default")
    parser.add_argument("--sample", type=int, help="so many mutants, drawn by --seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--limit", type=float, default=90, help="seconds for each")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no mutant after so many")
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    os.chdir(ROOT)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.dont_write_bytecode = True
    paths = [path for path in sorted(CORE.glob("*.py")) if not arguments.modules or path.stem in arguments.modules]
    every = [mutant for path in paths for mutant in mutants(path)]
    wanted = len(every) if arguments.sample is None else min(arguments.sample, len(every))
    chosen = random.Random(arguments.seed).sample(every, wanted)
    if fate(None, 10 * arguments.limit) != "survived":
        sys.exit("the tests fail without any mutant")
    began = time.monotonic()

    def tried(mutant: Mutant) -> tuple[Mutant, str]:
        if time.monotonic() - began > 60 * arguments.minutes:
            return mutant, "not tried"
        end = fate(mutant, arguments.limit)
        if end == "survived":
            print(f"{mutant.path.name}:{mutant.line}: {mutant.change}", flush=True)
        return mutant, end

    with ThreadPoolExecutor(arguments.workers) as pool:
        ended = [one for one in pool.map(tried, chosen) if one[1] != "not tried"]
    found = sorted(ended, key=lambda one: (one[0].path, one[0].line))
    print(f"{len(found)} mutants in {time.monotonic() - began:.0f} s")
    output = arguments.output or ROOT / "docs" / "results" / f"mutation-{datetime.now(UTC):%Y-%m-%d}.md"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(report(found, len(every), arguments), "utf-8")


if __name__ == "__main__":
    main()
