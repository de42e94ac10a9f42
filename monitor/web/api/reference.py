"""docs/API.md from the table of operations: `python -m monitor.web.api.reference`."""

from collections.abc import Iterator
from typing import Any

from monitor.web.api.description import PATH
from monitor.web.api.operations import BASE, OPERATIONS, Operation
from monitor.web.api.parameters import MOST
from monitor.web.api.schemas import SCHEMAS
from monitor.web.api.tickets import WRITES

_HEAD = f"""# The API

Generated from the table of operations; `python -m monitor.web.api.reference > docs/API.md` writes it anew.

`{PATH}` describes it as OpenAPI 3.1, made from the table that answers: what stands here cannot differ from
what is done. All but tickets is read-only. Who may ask is said in [SECURITY.md](SECURITY.md); `web.listen` is where.

    curl -s http://127.0.0.1:9925{BASE}/outages?month=2026-11

* **Figures** are those of [ACCOUNTING.md](ACCOUNTING.md): seconds are exact to six decimals, times carry the offset of
  the SLA's zone, what is not known is null, never 0.
* **Pages.** Without `limit` and `cursor` an answer is whole. With `limit` (1 to {MOST}) it has at most so many entries
  and `next`: the `cursor` of the next page, or null. A cursor is a place in the order, not a number of entries: what
  comes meanwhile shifts nothing, and comes last. Give `month` along with it: the running one changes at midnight.
* **ETags** are strong: of exactly the bytes that are answered. With `If-None-Match` an answer that is the same is 304
  without a body. A finished month stays the same until something is corrected; the running one changes each second.
* **Errors** are problem documents (RFC 9457, `application/problem+json`) everywhere under `/api`: `detail` is one line
  that says what is wrong and what to do, `parameter` which parameter it is about. A parameter that there is not, or
  that is given twice, is refused, never ignored. A method that an address does not have is 405 with `Allow`.
* **New** parameters and keys of answers may come with any version; nothing goes or changes its meaning within `/v1`.

`make test` has schemathesis ask everything that the description allows and much that it does not; `make api` goes on
for longer and writes a result into `docs/results`.
"""


def reference() -> str:
    return "".join([_HEAD, *(part for one in OPERATIONS for part in _section(one)), *_writing()])


def _writing() -> Iterator[str]:
    yield "\n## Writing\n\nBy who is authenticated ([SECURITY.md](SECURITY.md)), who is the author; [INCIDENTS.md]"
    yield "(INCIDENTS.md) says what each act needs. The body is a `TicketAct`, the answer a `Ticket`.\n"
    yield "\n| address | does |\n|---|---|\n"
    for one in WRITES:
        yield f"| `POST {BASE}{one.path}` | {one.about} |\n"
    yield f"\n`TicketAct`: {SCHEMAS['TicketAct']['description']}\n"
    yield from _table("TicketAct")


def _section(operation: Operation) -> Iterator[str]:
    yield f"\n## GET {BASE}{operation.path}\n\n{operation.about}\n"
    if operation.parameters:
        yield "\n| parameter | in | meaning | example |\n|---|---|---|---|\n"
        for one in operation.parameters:
            yield f"| `{one.name}` | {one.place} | {one.about} | `{one.example}` |\n"
    yield f"\nAnswers `{operation.schema}`: {SCHEMAS[operation.schema]['description']}\n"
    yield from _table(operation.schema)


def _table(name: str) -> Iterator[str]:
    yield "\n| key | type | meaning |\n|---|---|---|\n"
    for key, schema in SCHEMAS[name]["properties"].items():
        yield f"| `{key}` | {_kind(schema)} | {_meaning(schema)} |\n"
    for schema in SCHEMAS[name]["properties"].values():
        within = _referred(schema)
        if within is not None:
            yield f"\n`{within}`: {SCHEMAS[within]['description']}\n"
            yield from _table(within)


def _kind(schema: dict[str, Any]) -> str:
    if referred := _referred(schema):
        return f"list of `{referred}`" if schema.get("type") == "array" else f"`{referred}`"
    kinds = schema["type"] if isinstance(schema.get("type"), list) else [schema.get("type", "array or null")]
    return " or ".join(kinds)


def _meaning(schema: dict[str, Any]) -> str:
    known = schema.get("enum") or schema.get("items", {}).get("enum") or ()
    values = f" {', '.join(f'`{one}`' for one in known)}" if known else ""
    inner = schema.get("properties", {})
    keys = f" {', '.join(f'`{key}`' for key in inner)}" if inner else ""
    return f"{schema.get('description', '')}{values}{keys}".strip()


def _referred(schema: dict[str, Any]) -> str | None:
    found = schema.get("$ref") or schema.get("items", {}).get("$ref")
    return None if found is None else str(found).rpartition("/")[2]


if __name__ == "__main__":
    print(reference(), end="")  # noqa: T201 - its output is the document
