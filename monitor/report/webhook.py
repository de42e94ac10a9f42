"""Tells a webhook of a report: one POST of JSON, answered with a status of success or tried again later."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp

TIMEOUT = 20.0
"""Seconds for one try."""

Tell = Callable[[str, Mapping[str, Any]], Awaitable[str | None]]
"""POSTs a document to a URL; None where it was taken, else in one line without the URL why not."""


async def tell(url: str, document: Mapping[str, Any]) -> str | None:
    """As `Tell`."""
    try:
        if urlsplit(url).scheme not in {"http", "https"}:
            return "what stands there is no URL with http or https"
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT)) as session,
            session.post(url, json=document, allow_redirects=False) as response,
        ):
            return None if 200 <= response.status < 300 else f"answered {response.status}"
    except TimeoutError:
        return f"no answer in {TIMEOUT:.0f} s"
    except ValueError:  # of a URL as a whole, of a host's name that cannot be one only when it is looked up
        return "what stands there is no URL"
    except (aiohttp.ClientError, OSError):
        return "no connection"
