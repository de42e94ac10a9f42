"""Passwords that stand elsewhere: a systemd credential, a file, or the environment. They never print."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NoReturn

from probes.base import SecretUnavailableError

Source = Literal["credential", "file", "env"]

ADVICE = "write {credential: NAME}, {file: PATH} or {env: NAME}"
MAX_BYTES = 64 * 1024


class SecretError(SecretUnavailableError):
    """A secret that cannot be read, in one line without its value."""


@dataclass(eq=True, unsafe_hash=True)
class SecretReference:
    """Where a password stands. Two are equal that point to the same place, whatever was read from it."""

    source: Source
    name: str
    _value: str | None = field(default=None, init=False, repr=False, compare=False)

    @classmethod
    def known(cls, source: Source, name: str, value: str) -> "SecretReference":
        """One whose secret has been read already, by the process that this one works for."""
        made = cls(source, name)
        made._value = value
        return made

    def load(self) -> None:
        """Read the secret, once. Raises SecretError."""
        if self._value is None:
            self.renew()

    def renew(self) -> None:
        """Read the secret again, as somebody else may renew it. Raises SecretError; what was read before stays."""
        text = self._from_environment() if self.source == "env" else self._from_file()
        value = text.removesuffix("\n").removesuffix("\r")
        if not value:
            raise SecretError(f"{self} is empty")
        if any(character in value for character in "\0\r\n"):
            raise SecretError(f"{self} has more than one line, or a NUL in it; a password is one line")
        self._value = value

    def reveal(self) -> str:
        """The secret itself, read first where it was not yet. Raises SecretError."""
        self.load()
        return self._value or ""

    def __str__(self) -> str:
        return f"{self.source} {self.name}"

    def __getstate__(self) -> NoReturn:
        raise TypeError("a secret is neither copied nor pickled")

    def _from_environment(self) -> str:
        if self.name not in os.environ:
            raise SecretError(f"{self} is not set")
        return os.environ[self.name]

    def _from_file(self) -> str:
        path = self._path()
        try:
            # A FIFO would block for ever, and so would a device.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor has no path
                self._guard(os.fstat(descriptor))
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise SecretError(f"{self}: {error.strerror or type(error).__name__}") from None
        if len(data) > MAX_BYTES:
            raise SecretError(f"{self} is larger than {MAX_BYTES // 1024} KiB")
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise SecretError(f"{self} is not UTF-8") from None

    def _path(self) -> Path:
        if self.source == "file":
            return Path(self.name)
        directory = os.environ.get("CREDENTIALS_DIRECTORY")
        if not directory:
            raise SecretError(f"{self}: $CREDENTIALS_DIRECTORY is not set; systemd's LoadCredential= sets it")
        return Path(directory) / self.name

    def _guard(self, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise SecretError(f"{self} is not a regular file")
        if self.source == "file" and status.st_mode & stat.S_IROTH:
            raise SecretError(f"{self} can be read by everybody; chmod o-r it")


def reference(value: Any, directory: Path) -> SecretReference | None:
    """Read `{credential: NAME}`, `{file: PATH}` or `{env: NAME}`; None for anything else, which may be a password."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return None
    ((source, name),) = value.items()
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        return None
    if source == "file":
        return SecretReference("file", str(directory / name))
    if source == "credential" and "/" not in name and name not in {".", ".."}:
        return SecretReference("credential", name)
    if source == "env" and "=" not in name:
        return SecretReference("env", name)
    return None
