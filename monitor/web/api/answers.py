"""Documents as answers: encoded in a thread, with a strong ETag, and 304 for who has the same already."""

import asyncio
import hashlib
import json

from aiohttp import ETag, web

from monitor.figures import Document

CACHING = "no-cache"  # kept by whoever likes, and asked about each time


async def answer(request: web.Request, document: Document) -> web.Response:
    body, digest = await asyncio.to_thread(_encoded, document)
    if _has(request, digest):
        response = web.Response(status=304)
    else:
        response = web.Response(body=body, content_type="application/json", charset="utf-8")
    response.etag = ETag(digest)
    response.headers["Cache-Control"] = CACHING
    return response


def _encoded(document: Document) -> tuple[bytes, str]:
    body = json.dumps(document).encode()
    return body, hashlib.sha256(body).hexdigest()[:32]


def _has(request: web.Request, digest: str) -> bool:
    """If-None-Match compares weakly (RFC 9110, 13.1.2)."""
    return any(one.value in {digest, "*"} for one in request.if_none_match or ())
