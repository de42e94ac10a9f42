"""The client of a running daemon's control socket, for commands: plain and synchronous."""

import errno
import http.client
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

from monitor.figures import Document

TIMEOUT = 30.0


class NotRunningError(Exception):
    """No daemon answers on the control socket."""


class RefusedError(Exception):
    """The daemon answered that it cannot; the text is its one line, `status` the HTTP status."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def ask(
    path: Path,
    what: str,
    post: Document | None = None,
    query: Mapping[str, str | None] | None = None,
    *,
    timeout: float = TIMEOUT,
) -> Document:
    """GET a document from the daemon, or POST one to it. Raises as `fetch`."""
    document: Document = json.loads(fetch(path, what, post, query, timeout=timeout))
    return document


def fetch(
    path: Path,
    what: str,
    post: Document | None = None,
    query: Mapping[str, str | None] | None = None,
    *,
    timeout: float = TIMEOUT,
) -> bytes:
    """The same, as it comes.

    Raises NotRunningError where none listens, PermissionError where this user may not ask, RefusedError where the
    daemon says no, another OSError where it does not answer.
    """
    connection = _UnixConnection(path, timeout)
    given = urlencode({key: value for key, value in (query or {}).items() if value is not None})
    try:
        body = None if post is None else json.dumps(post)
        headers = {} if post is None else {"Content-Type": "application/json"}
        connection.request("GET" if post is None else "POST", f"/{what}?{given}", body, headers)
        response = connection.getresponse()
        answer = response.read()
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise NotRunningError(str(path)) from error
    except TimeoutError as error:
        raise TimeoutError(errno.ETIMEDOUT, f"the daemon did not answer within {timeout:.0f} s") from error
    except (http.client.HTTPException, ConnectionError) as error:
        raise ConnectionAbortedError(errno.ECONNABORTED, "the daemon ended before it had answered") from error
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise RefusedError(answer.decode(errors="replace").strip(), response.status)
    return answer
