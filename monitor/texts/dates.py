"""Days, months and times of day as officials write them: in Thai with the Buddhist era, which is 543 years ahead.

The Thai calendar's year has begun on 1 January since BE 2484 (AD 1941), so that 543 holds for every date of this
program.
"""

from datetime import date, datetime

from monitor.texts import Language

BUDDHIST_ERA = 543
_MONTHS: dict[Language, tuple[str, ...]] = {
    "th": (
        "มกราคม", "กุมภาพันธ์", "มีนาคม", "เมษายน", "พฤษภาคม", "มิถุนายน",
        "กรกฎาคม", "สิงหาคม", "กันยายน", "ตุลาคม", "พฤศจิกายน", "ธันวาคม",
    ),
    "en": (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
}  # fmt: skip
_SHORT: dict[Language, tuple[str, ...]] = {
    "th": (
        "ม.ค.", "ก.พ.", "มี.ค.", "เม.ย.", "พ.ค.", "มิ.ย.", "ก.ค.", "ส.ค.", "ก.ย.", "ต.ค.", "พ.ย.", "ธ.ค.",
    ),
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
}  # fmt: skip


def year(of: date, language: Language) -> str:
    """`2569` in Thai, `2026` in English."""
    return str(of.year + BUDDHIST_ERA if language == "th" else of.year)


def month(of: date, language: Language) -> str:
    """`พฤศจิกายน พ.ศ. 2569`, `November 2026`."""
    era = "พ.ศ. " if language == "th" else ""
    return f"{_MONTHS[language][of.month - 1]} {era}{year(of, language)}"


def short_month(of: date, language: Language) -> str:
    """`พ.ย. 69`, `Nov 2026`: where twelve stand side by side."""
    shown = year(of, language)
    return f"{_SHORT[language][of.month - 1]} {shown[-2:] if language == 'th' else shown}"


def day(of: date, language: Language) -> str:
    """`26 พฤศจิกายน 2569`, `26 November 2026`."""
    return f"{of.day} {_MONTHS[language][of.month - 1]} {year(of, language)}"


def short_day(of: date, language: Language) -> str:
    """`26 พ.ย. 2569`, `26 Nov 2026`."""
    return f"{of.day} {_SHORT[language][of.month - 1]} {year(of, language)}"


def moment(of: datetime, language: Language, *, seconds: bool = False) -> str:
    """`26 พ.ย. 2569 14.30 น.`, `26 Nov 2026 14:30`, in the zone that the instant carries."""
    return f"{short_day(of, language)} {clock(of, language, seconds=seconds)}"


def clock(of: datetime, language: Language, *, seconds: bool = False) -> str:
    """`14.30 น.`, `14:30`; with seconds `14.30.05 น.`, `14:30:05`."""
    dot = "." if language == "th" else ":"
    return of.strftime(dot.join(("%H", "%M", "%S") if seconds else ("%H", "%M"))) + (" น." if language == "th" else "")
