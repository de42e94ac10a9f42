"""The pieces that JSON Schemas are made of."""

from typing import Any

Schema = dict[str, Any]


def one(kind: str, about: str, **more: Any) -> Schema:
    return {"type": kind, "description": about, **more}


def or_null(schema: Schema) -> Schema:
    return {**schema, "type": [schema["type"], "null"]}


def listed(of: Schema, about: str) -> Schema:
    return one("array", about, items=of)


def record(about: str, optional: tuple[str, ...] = (), /, **properties: Schema) -> Schema:
    required = [name for name in properties if name not in optional]
    return one("object", about, properties=properties, required=required)


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def text(about: str, **more: Any) -> Schema:
    return one("string", about, **more)


def time(about: str) -> Schema:
    return text(about, format="date-time")


def seconds(about: str) -> Schema:
    return one("number", f"{about}, in seconds.")


def percent(about: str) -> Schema:
    return one("number", f"{about}, in percent.")


def flag(about: str) -> Schema:
    return one("boolean", about)


def count(about: str) -> Schema:
    return one("integer", about, minimum=0)
