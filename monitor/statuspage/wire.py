"""How messages cross from the daemon to the page's process: pickled, one way, over a socket that only these two have.

The daemon reads nothing but bare signs of life from there, whatever becomes of a process that strangers talk to.
"""

import pickle
from asyncio import StreamReader
from typing import Any

from monitor.statuspage.view import Message

_LENGTH_BYTES = 4
ALIVE = b"."


def packed(message: Message) -> bytes:
    """A message as it crosses, its length before it."""
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return len(body).to_bytes(_LENGTH_BYTES) + body


async def heard(stream: StreamReader) -> Any:
    """The next message. Raises IncompleteReadError or ConnectionError where the daemon is gone."""
    length = int.from_bytes(await stream.readexactly(_LENGTH_BYTES))
    return pickle.loads(await stream.readexactly(length))  # noqa: S301 - from the daemon
