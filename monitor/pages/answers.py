"""A body that many ask for: made once, with its tag and its compressed form, and not sent to who has it."""

import gzip
from functools import cached_property
from hashlib import sha256

from aiohttp import web

FRESH = "no-cache"
"""Kept, and asked for again each time: an unchanged page costs no body."""
WORTH = 500
"""Bytes from which compression is worth it."""
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""On every answer: no script runs, nothing is loaded from elsewhere, nobody frames the page."""


class Answer:
    """A body and its type; immutable, so that any number of requests share it."""

    def __init__(self, body: bytes, content_type: str, status: int = 200) -> None:
        self.body = body
        self.content_type = content_type
        self.status = status

    @cached_property
    def tag(self) -> str:
        return sha256(self.body).hexdigest()[:24]

    @cached_property
    def compressed(self) -> bytes | None:
        """None where it is not worth it."""
        if len(self.body) < WORTH:
            return None
        made = gzip.compress(self.body, 6, mtime=0)
        return made if len(made) < len(self.body) else None

    @property
    def size(self) -> int:
        """Bytes that it holds."""
        return len(self.body) + len(self.compressed or b"")

    def prepared(self) -> "Answer":
        """The same with all that is made of it made: call it where time may pass."""
        _ = self.tag, self.compressed
        return self


def respond(request: web.Request, answer: Answer, cache: str, vary: str = "") -> web.Response:
    """The body, compressed for who takes that; 304 and no body for who has it."""
    packed = answer.compressed if "gzip" in request.headers.get("Accept-Encoding", "").lower() else None
    tag = answer.tag if packed is None else f"{answer.tag}-gzip"
    headers = {
        "ETag": f'"{tag}"',
        "Cache-Control": cache,
        "Vary": ", ".join(filter(None, ("Accept-Encoding", vary))),
    }
    if answer.status == 200 and _has(request, answer.tag):
        return web.Response(status=304, headers=headers)
    if packed is not None:
        headers["Content-Encoding"] = "gzip"
    headers["Content-Type"] = answer.content_type
    return web.Response(status=answer.status, body=answer.body if packed is None else packed, headers=headers)


def _has(request: web.Request, tag: str) -> bool:
    """If-None-Match compares weakly: whether who asks has it, compressed or not."""
    given = request.if_none_match or ()
    return any(one.value in {tag, f"{tag}-gzip", "*"} for one in given)
