"""What a recorded check is as a line of JSON: `export checks` writes it, `replay` reads it, and nothing is lost.

A line is an object of `at` (RFC 3339), `target` (`service/target`) and `outcome`; `duration_seconds`,
`voice_seconds`, `speaks`, `cause` and `recovered` may be left out; the last says that the check waited for a ledger
that could not be written, and decides nothing. Numbers are exact decimals of at most six places, never
floating point; what a line does not say plainly is refused, never guessed.
"""

import json
from collections.abc import Callable, Collection
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from monitor.core.check import Outcome
from monitor.core.instants import DAY, SECOND, Duration, Instant, format_instant, parse_instant
from monitor.ledger import CheckRow
from monitor.settings.problems import suggest

LONGEST_LINE = 65_536  # bytes
LONGEST_SPAN: Duration = 36_525 * DAY
LONGEST_CAUSE = 200
KEYS = ("at", "target", "outcome", "duration_seconds", "voice_seconds", "speaks", "cause", "recovered")
REQUIRED = KEYS[:3]
NUMBER = "write seconds as a JSON number, as in 12.5"
_LAST: Instant = parse_instant("9998-12-31T00:00:00Z", ZoneInfo("UTC"))
_OUTCOMES = {outcome.value: outcome for outcome in Outcome}
_SHAPES = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}


class CheckLine(NamedTuple):
    """A check as it was recorded; `voice` is None where the line leaves it to the configuration."""

    at: Instant
    target: str
    outcome: Outcome
    duration: Duration
    voice: Duration | None
    speaks: bool
    cause: str | None


class LineError(ValueError):
    """A line that cannot be used: what is wrong, and what to do. `hint` may be costly and is made when it is shown."""

    def __init__(self, what: str, hint: str | Callable[[], str]) -> None:
        super().__init__(what)
        self.what = what
        self._hint = hint

    def __str__(self) -> str:
        return printable(f"{self.what}; {self._hint if isinstance(self._hint, str) else self._hint()}")


class LineReader:
    """Reads lines of the targets given; times without an offset are local in `zone`."""

    def __init__(self, targets: Collection[str], zone: ZoneInfo) -> None:
        self._targets = {name: name for name in targets}  # each name is kept once, not once a check
        self._zone = zone
        self._decoder = json.JSONDecoder(object_pairs_hook=_object, parse_float=_decimal, parse_constant=_no_constant)

    def read(self, raw: bytes) -> CheckLine:
        """Read one line without its end. Raises LineError."""
        fields = self._fields(raw)
        for key in REQUIRED:
            if key not in fields:
                raise LineError(f"{key} is missing", f"a line needs {', '.join(REQUIRED)}")
        target, outcome = _text(fields, "target"), _text(fields, "outcome")
        known = self._targets.get(target)
        if known is None:
            raise LineError(f"there is no target {_quoted(target)}", lambda: self._similar(target))
        said = _OUTCOMES.get(outcome)
        if said is None:
            raise LineError(f"unknown outcome {_quoted(outcome)}", "write up, down or unknown")
        at, duration, voice = self._at(fields), _seconds(fields, "duration_seconds"), _seconds(fields, "voice_seconds")
        if at + max(duration or 0, voice or 0) > _LAST:
            raise LineError("the check reaches beyond the year 9998", "correct at, or the seconds")
        cause = _cause(fields)
        speaks = _truth(fields, "speaks", otherwise=True)
        _truth(fields, "recovered", otherwise=False)
        return CheckLine(at, known, said, duration or 0, voice, speaks, None if said is Outcome.UP else cause)

    def _fields(self, raw: bytes) -> dict[str, Any]:
        try:
            fields = self._decoder.decode(raw.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise LineError(f"not UTF-8: byte {error.start + 1} of the line", "save the file as UTF-8") from None
        except json.JSONDecodeError as error:
            if raw.startswith(b"\xef\xbb\xbf"):
                raise LineError("begins with a byte order mark", "save the file as UTF-8 without one") from None
            text = f"not JSON: {error.msg} at column {error.colno}"
            raise LineError(text, "write one JSON object a line") from None
        except RecursionError:
            raise LineError("not JSON: nested too deeply", "write one JSON object a line") from None
        except LineError:
            raise
        except ValueError:  # int() refuses thousands of digits
            raise LineError("a number has too many digits", NUMBER) from None
        if not isinstance(fields, dict):
            raise LineError(f"an object is expected, not {_shape(fields)}", 'write it as in {"at": …, "target": …}')
        for key in fields:
            if key not in KEYS:
                raise LineError(f"unknown key {_quoted(key)}", suggest(key, KEYS) or "leave it out")
        return fields

    def _at(self, fields: dict[str, Any]) -> Instant:
        try:
            return parse_instant(_text(fields, "at"), self._zone)
        except LineError:
            raise
        except ValueError as error:
            what, _, hint = str(error).partition("; ")
            raise LineError(f"at: {what}", hint or "write it as in 2026-12-05T01:00:00+07:00") from None

    def _similar(self, target: str) -> str:
        return suggest(target[:LONGEST_CAUSE], self._targets) or "mailuptime check-config shows those configured"


def line_of(row: CheckRow, zone: ZoneInfo) -> str:
    """A recorded check as the line, without its end, that reads as the same check."""
    check = row.check
    parts = [
        f'{{"at": "{format_instant(check.at, zone)}", "target": {json.dumps(row.target)}, "outcome": "{check.outcome}"',
        f'"duration_seconds": {decimal(check.duration)}',
        f'"voice_seconds": {decimal(check.voice)}',
    ]
    if not check.speaks:
        parts.append('"speaks": false')
    if check.cause is not None:
        parts.append(f'"cause": {json.dumps(check.cause, ensure_ascii=False)}')
    if row.recovered:
        parts.append('"recovered": true')
    return ", ".join(parts) + "}"


def decimal(duration: Duration) -> str:
    """Seconds, exact: whole where they are whole, else with as many decimals as it takes."""
    whole, rest = divmod(duration, SECOND)
    return f"{whole}.{rest:06}".rstrip("0") if rest else str(whole)


def printable(text: str) -> str:
    """Nothing that was read may forge a line of its own."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise LineError(f"{_quoted(twice)} stands there twice", "leave one of them out")
    return made


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise LineError("a number is out of all bounds", NUMBER) from None


def _no_constant(name: str) -> None:
    raise LineError(f"{name} is no number", NUMBER)


def _text(fields: dict[str, Any], key: str) -> str:
    value = fields[key]
    if not isinstance(value, str):
        raise LineError(f"{key}: text is expected, not {_shape(value)}", f'write it in quotes, as in "{key}": "…"')
    return value


def _truth(fields: dict[str, Any], key: str, *, otherwise: bool) -> bool:
    value = fields.get(key, otherwise)
    if not isinstance(value, bool):
        hint = f"leave it out for {str(otherwise).lower()}"
        raise LineError(f"{key}: true or false is expected, not {_shape(value)}", hint)
    return value


def _cause(fields: dict[str, Any]) -> str | None:
    if fields.get("cause") is None:
        return None
    cause = _text(fields, "cause")
    if not 0 < len(cause) <= LONGEST_CAUSE or not cause.isprintable():
        raise LineError(f"cause: not 1 to {LONGEST_CAUSE} printable characters", "write one word, as in deadline")
    return cause


def _seconds(fields: dict[str, Any], key: str) -> Duration | None:
    """Microseconds; None where the key is left out, or where a voice is null."""
    value = fields.get(key)
    if value is None and (key not in fields or key == "voice_seconds"):
        return None
    if type(value) is int:
        microseconds = value * SECOND
    elif isinstance(value, Decimal):
        microseconds = _exact(value, key)
    else:
        raise LineError(f"{key}: a number is expected, not {_shape(value)}", NUMBER)
    if microseconds < 0:
        raise LineError(f"{key} is negative", "a clock that was set back is told by speaks, not by a duration")
    if microseconds > LONGEST_SPAN:
        raise LineError(f"{key} is longer than a century", "write seconds")
    return microseconds


def _exact(value: Decimal, key: str) -> Duration:
    """Microseconds of any decimal, without a context that would round and without writing out a huge exponent."""
    sign, digits, exponent = value.as_tuple()
    if not any(digits):
        return 0
    if not isinstance(exponent, int) or value.adjusted() > 12:
        return (LONGEST_SPAN + 1) * (-1 if sign else 1)
    shift = exponent + 6
    if shift < 0 and any(digits[shift:]):
        raise LineError(f"{key} has more than six decimals", "microseconds are the finest")
    kept = int("".join(map(str, digits[:shift] if shift < 0 else digits)))
    scale: int = 10 ** max(shift, 0)
    return -kept * scale if sign else kept * scale


def _shape(value: Any) -> str:
    return _SHAPES.get(type(value), "a number")


def _quoted(text: str) -> str:
    return f'"{text}"' if len(text) <= 60 else f'"{text[:59]}…"'
