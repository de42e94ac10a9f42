"""Decides which bearer tokens the lab's servers accept by XOAUTH2: those that it has signed and that have not ended."""

import base64
import hmac
import json
import secrets
import time
from pathlib import Path

# Dovecot judges a token by its signature alone, without asking anybody.
OAUTH2 = """
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={keys}/
username_attribute = sub
"""


class Tokens:
    """Issues the bearer tokens (RFC 7519, HS256) of the lab."""

    def __init__(self, keys: Path) -> None:
        self._key = secrets.token_bytes(32)
        place = keys / "default" / "HS256" / "default"
        place.parent.mkdir(parents=True)
        place.touch(mode=0o600)
        place.write_bytes(base64.b64encode(self._key))

    def issue(self, username: str, seconds: float) -> str:
        """A token for this user that ends so many seconds from now, or ended before."""
        now = time.time()
        claims = {"sub": username, "iat": int(now) - 7200, "exp": int(now + seconds), "scope": "mail"}
        text = ".".join(_part(json.dumps(one).encode()) for one in ({"alg": "HS256", "typ": "JWT"}, claims))
        return f"{text}.{_part(hmac.digest(self._key, text.encode(), 'sha256'))}"


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
