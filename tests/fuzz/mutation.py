"""Decides what the inputs look like: polite answers, spoilt with the grammar in mind and without."""

from collections.abc import Callable, Sequence
from random import Random

TOKENS = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b"*", b"+ ", b"+OK ", b"-ERR ", b"OK ", b"NO ", b"BYE ", b"BAD ",
    b"%T ", b"{0}\r\n", b"{1}\r\n", b"{7}\r\nabc", b"{99999999999}\r\n", b"{-1}\r\n", b"{4294967296}\r\n",
    b"{1+}\r\n", b"{", b"}", b"(", b")", b"[", b"]", b"<", b">", b"\\", b'\\"', b".", b"..", b".\r\n",
    b"\xff\xfe", b"\xe0\xb8", b"\x1b[31m", "กล่องขาเข้า".encode(), "\u202e\u2028".encode(), b"&AGE-", b"&",
    b"=?utf-8?b?//8=?=", b"000 ", b"999 ", b"250-", b"250 ", b"220 ", b"334 ", b"421 ", b"535 5.7.8 ",
    b"5.999.9999 ", b"[AUTHENTICATIONFAILED] ", b"[SYS/TEMP] ", b"(TRYLATER) ", b"* 1 EXISTS\r\n", b"* BYE\r\n",
    b"* CAPABILITY ", b"* QUOTA a (STORAGE 1 0)\r\n", b"* STATUS a (MESSAGES -1)\r\n", b"9" * 40, b"-1", b"1e9",
    b"AUTH=", b"AUTH=PLAIN", b"SASL-IR", b"LOGINDISABLED", b"eyJzdGF0dXMiOiI0MDAifQ==", b"====",
]  # fmt: skip

Spoil = Callable[[Random, bytearray, Sequence[bytes]], None]


def _flip(random: Random, text: bytearray, _: Sequence[bytes]) -> None:
    if text:
        text[random.randrange(len(text))] = random.randrange(256)


def _insert(random: Random, text: bytearray, _: Sequence[bytes]) -> None:
    at = random.randint(0, len(text))
    text[at:at] = random.choice(TOKENS)


def _replace(random: Random, text: bytearray, _: Sequence[bytes]) -> None:
    start = random.randint(0, len(text))
    text[start : start + random.randint(0, 12)] = random.choice(TOKENS)


def _cut(random: Random, text: bytearray, _: Sequence[bytes]) -> None:
    start = random.randint(0, len(text))
    del text[start : start + random.randint(1, 30)]


def _truncate(random: Random, text: bytearray, _: Sequence[bytes]) -> None:
    del text[random.randint(0, len(text)) :]


def _repeat(random: Random, text: bytearray, _: Sequence[bytes]) -> None:
    start = random.randint(0, len(text))
    piece = bytes(text[start : start + random.randint(1, 20)])
    text[start:start] = piece * random.choice((1, 2, 3, 50))


def _swap(random: Random, text: bytearray, pool: Sequence[bytes]) -> None:
    text[:] = random.choice(pool)


def _join(random: Random, text: bytearray, pool: Sequence[bytes]) -> None:
    text += random.choice(pool)


def _noise(random: Random, text: bytearray, _: Sequence[bytes]) -> None:
    text[:] = random.randbytes(random.choice((1, 4, 40, 400)))


def _swell(random: Random, text: bytearray, _: Sequence[bytes]) -> None:
    at = random.randint(0, len(text))
    piece = random.choice((b"A", b"(", b"<", b"0", b"\r\n", b"* ", b'\\"', b"a="))
    text[at:at] = piece * random.choice((100, 5_000, 25_000))


SPOILS: tuple[Spoil, ...] = (
    _flip,
    _insert,
    _insert,
    _replace,
    _replace,
    _cut,
    _truncate,
    _repeat,
    _swap,
    _join,
    _noise,
)
RARE: Spoil = _swell


def spoilt(random: Random, text: bytes, pool: Sequence[bytes]) -> bytes:
    """One text with some changes; sometimes none."""
    made = bytearray(text)
    for _ in range(random.choice((0, 1, 1, 1, 2, 3, 6))):
        random.choice(SPOILS)(random, made, pool)
    if random.random() < 0.01:
        RARE(random, made, pool)
    return bytes(made)
