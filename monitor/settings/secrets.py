"""Passwords that are kept outside the configuration: referred to when it is read, loaded when they are needed."""

import os
import stat
from pathlib import Path
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

KINDS = ("credential", "file", "env")
LONGEST = 4096


class SecretError(Exception):
    """A secret that cannot be had; the text is one line, without the secret."""


class SecretReference:
    """`{credential: NAME}`, `{file: PATH}` or `{env: NAME}`. Neither its text nor its errors show the value."""

    __slots__ = ("_value", "kind", "name")

    def __init__(self, kind: str, name: str) -> None:
        self.kind = kind
        self.name = name
        self._value: str | None = None

    def __repr__(self) -> str:
        return f"SecretReference({self.kind}: {self.name})"

    def load(self) -> None:
        """Read the secret, without a line end. Raises SecretError."""
        value = _environment(self.name) if self.kind == "env" else _file(self._path())
        if not value:
            raise SecretError(f"{self.kind} {self.name} is empty")
        self._value = value

    def reveal(self) -> str:
        """The secret. Raises SecretError where it was not loaded."""
        if self._value is None:
            raise SecretError(f"{self.kind} {self.name} was not loaded")
        return self._value

    def _path(self) -> Path:
        if self.kind == "file":
            return Path(self.name)
        directory = os.environ.get("CREDENTIALS_DIRECTORY")
        if not directory:
            text = f"credential {self.name}: $CREDENTIALS_DIRECTORY is not set; LoadCredential= in the unit sets it"
            raise SecretError(text)
        return Path(directory) / self.name

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls._validated)

    @classmethod
    def _validated(cls, value: Any) -> "SecretReference":
        """Raises an error that never repeats the value: it may be the password itself."""
        if isinstance(value, cls):
            return value
        if isinstance(value, dict) and len(value) == 1:
            kind, name = next(iter(value.items()))
            if kind in KINDS and isinstance(name, str) and name:
                if kind == "credential" and "/" in name:
                    raise PydanticCustomError("secret", "a credential is a name, without a slash")
                return cls(kind, name)
        raise PydanticCustomError(
            "secret", "a secret never stands in the file; write {{credential: NAME}}, {{file: PATH}} or {{env: NAME}}"
        )


def _environment(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise SecretError(f"env {name} is not set")
    return value


def _file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_IMODE(mode) & 0o007:
                raise SecretError(f"{path} can be read by everybody; chmod o= {path}")
            content = file.read(LONGEST + 1)
    except OSError as error:
        raise SecretError(f"{path}: {error.strerror}") from None
    if len(content) > LONGEST:
        raise SecretError(f"{path} is longer than {LONGEST} bytes")
    try:
        return content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise SecretError(f"{path} is not UTF-8") from None
