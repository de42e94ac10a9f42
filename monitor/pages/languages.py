"""Which language a reader wants, by what his browser says."""

from monitor.texts import LANGUAGES, Language


def negotiated(accept: str, default: Language) -> Language:
    """The best of Accept-Language (RFC 9110, 12.5.4) that there is; of equals the first named, else the default."""
    best, found = 0.0, default
    for item in accept.split(",")[:32]:
        name, _, parameters = item.strip().partition(";")
        quality = _quality(parameters)
        language = name.strip().lower().partition("-")[0]
        known = next((one for one in LANGUAGES if one == language), default if language == "*" else None)
        if known is not None and quality > best:
            best, found = quality, known
    return found


def _quality(parameters: str) -> float:
    key, _, value = parameters.strip().partition("=")
    if key.strip().lower() != "q":
        return 1.0
    try:
        return min(1.0, max(0.0, float(value)))
    except ValueError:
        return 0.0
