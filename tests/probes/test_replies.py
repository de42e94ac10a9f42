"""Proves that what a server says, whatever it is, is understood or refused, and never a bug of ours."""

import contextlib
import string

from aioimaplib.aioimaplib import Response
from hypothesis import given
from hypothesis import strategies as st

from probes.errors import ProbeFailureError
from probes.imap_replies import figures, offered, quota_used, refused, unauthenticated
from probes.sasl import Exchange, apop

WORDS = st.sampled_from(["STORAGE", "MESSAGES", "UNSEEN", "CAPABILITY", "OK", "(", ")", "[", "]", '"', "{3}", "9" * 30])
LINES = st.lists(
    st.one_of(st.binary(max_size=80), st.lists(WORDS | st.text(max_size=9)).map(lambda some: " ".join(some).encode())),
    min_size=1,
    max_size=6,
)


@given(LINES, st.sampled_from(["OK", "NO", "BAD"]))
def test_any_reply_has_a_meaning_or_is_refused(lines: list[bytes], result: str) -> None:
    response = Response(result, lines)
    share = quota_used(response)
    assert share is None or share >= 0
    assert all(word == word.upper() for word in offered(lines))
    assert refused(response).cause
    assert unauthenticated(response).cause
    with contextlib.suppress(ProbeFailureError):
        assert figures(response)["messages"] >= 0


@given(st.text(max_size=200), st.sampled_from(["plain", "login", "cram-md5", "xoauth2"]))
def test_any_challenge_is_answered_in_base64_or_refused(challenge: str, mechanism: str) -> None:
    client = Exchange(mechanism, "tim", "secret", lambda _: None)
    client.initial(512)
    try:
        answers = [client.answer(challenge) for _ in range(4)]
    except ProbeFailureError:
        return
    assert answers[-1] is None
    assert set("".join(answer or "" for answer in answers)) <= set(string.ascii_letters + string.digits + "+/=")


@given(st.text(max_size=200))
def test_any_greeting_has_a_timestamp_or_none(greeting: str) -> None:
    digest = apop("secret", greeting)
    assert digest is None or len(digest) == 32
