"""What every command shares: exit statuses, the configuration, one line per error, and where answers come from."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import IntEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from monitor.control import TIMEOUT, NotRunningError, RefusedError, fetch
from monitor.figures import Document
from monitor.settings import ConfigurationError, Settings, load

if TYPE_CHECKING:
    from monitor.ledger import Reader
    from monitor.resting import Resting

DEFAULT_CONFIGURATION = "/etc/mailuptime/mailuptime.yaml"


class Exit(IntEnum):
    """Exit statuses; those above 63 are sysexits.h's."""

    OK = 0
    NO = 1
    USAGE = 2
    UNKNOWN = 3
    DATA = 65
    UNAVAILABLE = 69
    CANNOT_CREATE = 73
    NOT_PERMITTED = 77
    CONFIGURATION = 78


class CommandError(Exception):
    """Ends a command with one or more lines on standard error and an exit status."""

    def __init__(self, status: Exit, *lines: str) -> None:
        super().__init__(*lines)
        self.status = status
        self.lines = lines


def add_configuration(parser: argparse.ArgumentParser) -> None:
    default = os.environ.get("MAILUPTIME_CONFIG") or DEFAULT_CONFIGURATION
    parser.add_argument(
        "-c", "--config", metavar="FILE", type=Path, default=Path(default),
        help=f"the configuration (default: $MAILUPTIME_CONFIG, then {DEFAULT_CONFIGURATION})",
    )  # fmt: skip


def add_format(parser: argparse.ArgumentParser, *formats: str) -> None:
    parser.add_argument("--format", choices=formats, default=formats[0], help=f"default: {formats[0]}")


def configuration(path: Path) -> Settings:
    """Read the configuration; every problem is a line, and the status is 78."""
    try:
        return load(path)
    except ConfigurationError as error:
        raise CommandError(Exit.CONFIGURATION, *(str(problem) for problem in error.problems)) from None


def answer(
    settings: Settings,
    what: str,
    offline: Callable[["Resting"], Document],
    *,
    post: Document | None = None,
    **query: str | None,
) -> Document:
    """Ask the running daemon, or `post` to it; where none runs, answer from the ledger under its lock."""
    document = asked(settings, what, post, query)
    return from_ledger(settings, offline) if document is None else document


def asked(
    settings: Settings,
    what: str,
    post: Document | None = None,
    query: Mapping[str, str | None] | None = None,
    *,
    timeout: float = TIMEOUT,
    failed: Exit = Exit.USAGE,
) -> Document | None:
    """What the running daemon answers; None where none runs. `failed` is the status where it tried and could not."""
    found = fetched(settings, what, post, query, timeout=timeout, failed=failed)
    document: Document | None = None if found is None else json.loads(found)
    return document


def fetched(
    settings: Settings,
    what: str,
    post: Document | None = None,
    query: Mapping[str, str | None] | None = None,
    *,
    timeout: float = TIMEOUT,
    failed: Exit = Exit.USAGE,
) -> bytes | None:
    """The same, as it comes."""
    try:
        return fetch(settings.control.socket, what, post, query, timeout=timeout)
    except NotRunningError:
        return None
    except PermissionError:
        text = f"{settings.control.socket}: not permitted; be a member of the group that the socket belongs to"
        raise CommandError(Exit.NOT_PERMITTED, text) from None
    except RefusedError as error:
        raise CommandError(failed if error.status >= 500 else Exit.USAGE, *str(error).splitlines()) from None
    except OSError as error:
        raise CommandError(Exit.UNAVAILABLE, f"{settings.control.socket}: {error.strerror or error}") from None


def from_ledger(settings: Settings, offline: Callable[["Resting"], Document]) -> Document:
    """Answer from the ledger under its lock."""
    from monitor.resting import rest  # noqa: PLC0415 - commands that ask a daemon start without it

    with ledger_errors(settings), rest(settings) as resting:
        return offline(resting)


@contextmanager
def reading(settings: Settings, damaged: Exit = Exit.UNAVAILABLE) -> Iterator["Reader"]:
    """The ledger to read: locked where no daemon runs, looked on where one does."""
    from monitor.ledger import Ledger, LedgerLockedError, Reader  # noqa: PLC0415

    with ledger_errors(settings, damaged):
        try:
            ledger: Reader = Ledger(settings.ledger.path, create=False, to_write=False)
        except LedgerLockedError:
            ledger = Reader.beside(settings.ledger.path)
        with ledger:
            yield ledger


@contextmanager
def ledger_errors(settings: Settings, damaged: Exit = Exit.UNAVAILABLE) -> Iterator[None]:
    """What goes wrong with a ledger, or is asked of it in vain, as a line and a status; `damaged` is of damage."""
    from monitor.acts import RefusedActError  # noqa: PLC0415
    from monitor.ledger import LedgerDamagedError, LedgerError, LedgerLockedError  # noqa: PLC0415

    try:
        yield
    except LedgerLockedError as error:
        text = f"{error}, which does not answer on {settings.control.socket}"
        raise CommandError(Exit.UNAVAILABLE, text) from None
    except LedgerDamagedError as error:
        raise CommandError(damaged, str(error)) from None
    except LedgerError as error:
        raise CommandError(Exit.UNAVAILABLE, str(error)) from None
    except ConfigurationError as error:
        raise CommandError(Exit.USAGE, *(str(problem) for problem in error.problems)) from None
    except (RefusedActError, ValueError) as error:
        raise CommandError(Exit.USAGE, str(error)) from None


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes its name once it is whole; what is there and is none, as /dev/null, is written to as it is."""
    part = None
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as out:
                yield out
            return
        part = path.with_name(f"{path.name}.part")
        with part.open("wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        part.replace(path)
    except OSError as error:
        raise CommandError(Exit.CANNOT_CREATE, f"{path}: {error.strerror or error}") from None
    finally:
        if part is not None:
            with suppress(OSError):  # it has taken its name, or was never there
                part.unlink()


def print_json(document: Any) -> None:
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
