"""What SPF, DMARC and MTA-STS records say: RFC 7208, 7489 and 8461. Pure text; nothing is looked up."""

import re
from collections.abc import Mapping, Sequence

from probes.posture.facts import Fact, bad, good

MOST_LOOKUPS = 10  # RFC 7208 section 4.6.4
_TERM = re.compile(
    r"""[-+?~]?(?: all
      | (?:include|exists):\S+
      | (?:a|mx)(?::[^\s/]+)?(?:/\d{1,2})?(?://\d{1,3})?
      | ptr(?::\S+)?
      | ip4:[0-9.]+(?:/\d{1,2})?
      | ip6:[0-9a-f:.]+(?:/\d{1,3})? )""",
    re.IGNORECASE | re.VERBOSE,
)
_MODIFIER = re.compile(r"[a-z][a-z0-9_.-]*=\S*", re.IGNORECASE)
_ASKS = re.compile(r"[-+?~]?(?:include|exists|a|mx|ptr)(?:[:/].*)?|redirect=.*", re.IGNORECASE)


def spf(texts: Sequence[str]) -> Fact:
    """Good: one record, well formed, at whose end unknown senders fail. What it includes is not followed."""
    records = [text for text in texts if re.fullmatch(r"v=spf1(?: .*)?", text, re.IGNORECASE)]
    if len(records) != 1:
        return bad("spf", "no SPF record" if not records else f"{len(records)} SPF records, where one is allowed")
    terms = records[0].split()[1:]
    wrong = next((term for term in terms if not _TERM.fullmatch(term) and not _MODIFIER.fullmatch(term)), None)
    if wrong is not None:
        return bad("spf", f"not an SPF term: {wrong}")
    if sum(bool(_ASKS.fullmatch(term)) for term in terms) > MOST_LOOKUPS:
        return bad("spf", f"more than {MOST_LOOKUPS} terms that need a lookup: receivers give up")
    end = next((term.lower() for term in terms if term.lower().lstrip("+-?~") == "all"), None)
    if end in {"-all", "~all"}:
        return good("spf", records[0])
    if end is None:
        redirected = any(term.lower().startswith("redirect=") for term in terms)
        return good("spf", records[0]) if redirected else bad("spf", "the record ends without all or redirect")
    return bad("spf", f"{end} lets everybody send" if end in {"all", "+all"} else f"{end} says nothing about others")


def dmarc(texts: Sequence[str], *, inherited: bool) -> Fact | None:
    """Good: one record with a policy of quarantine or reject; None where there is no record.

    A record of a parent domain (`inherited`) speaks by `sp`, else by `p` (RFC 7489 section 6.3).
    """
    records = [text for text in texts if re.match(r"v\s*=\s*DMARC1\s*(;|$)", text)]
    if not records:
        return None
    if len(records) > 1:
        return bad("dmarc", f"{len(records)} DMARC records, where one is allowed")
    tags = _tags(records[0])
    policy = (inherited and tags.get("sp")) or tags.get("p", "")
    match policy.lower():
        case "quarantine" | "reject":
            return good("dmarc", records[0])
        case "none":
            return bad("dmarc", "the policy is none: forged mail is only reported")
        case _:
            return bad("dmarc", f"no policy of none, quarantine or reject: {records[0]}")


def mta_sts(texts: Sequence[str]) -> Fact:
    """Good: one record with an id (RFC 8461 section 3.1)."""
    records = [text for text in texts if re.match(r"v=STSv1\s*(;|$)", text)]
    if len(records) != 1:
        return bad("mta_sts", "no MTA-STS record" if not records else f"{len(records)} MTA-STS records")
    if not re.fullmatch(r"[A-Za-z0-9]{1,32}", _tags(records[0]).get("id", "")):
        return bad("mta_sts", f"no id: {records[0]}")
    return good("mta_sts", records[0])


def mta_sts_policy(text: str, exchangers: Sequence[str]) -> Fact:
    """Good: a policy that is enforced and names every mail exchanger (RFC 8461 sections 3.2 and 4.1)."""
    lines = [line.partition(":") for line in re.split(r"\r?\n", text) if line.strip()]
    keys = {name.strip(): value.strip() for name, _, value in lines}
    patterns = [value.strip() for name, _, value in lines if name.strip() == "mx"]
    if keys.get("version") != "STSv1":
        return bad("mta_sts", "the policy has no version STSv1")
    if not re.fullmatch(r"[0-9]{1,10}", keys.get("max_age", "")):
        return bad("mta_sts", "the policy has no max_age")
    if keys.get("mode") != "enforce":
        return bad("mta_sts", f"the mode is {keys.get('mode', 'missing')}, not enforce")
    missing = [host for host in exchangers if not any(_matches(pattern, host) for pattern in patterns)]
    if missing:
        return bad("mta_sts", f"the policy does not name {missing[0]}")
    return good("mta_sts", "enforced")


def _matches(pattern: str, host: str) -> bool:
    """A wildcard stands for exactly one label."""
    pattern, host = pattern.lower().rstrip("."), host.lower().rstrip(".")
    return host.partition(".")[2] == pattern[2:] if pattern.startswith("*.") else host == pattern


def _tags(record: str) -> Mapping[str, str]:
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): value.strip() for name, separator, value in pairs if separator}
