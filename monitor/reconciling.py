"""What the configuration's windows and exclusions mean beside what is recorded: the facts that are missing (R15)."""

from collections.abc import Sequence
from typing import Any

from monitor.core.declarations import Act, Declarations, exclusion_body, window_body
from monitor.core.instants import Instant
from monitor.core.maintenance import Exclusion, Window
from monitor.ledger import Fact

FILE = "file"
Declared = tuple[str, dict[str, Any]]


def reconciled(
    declarations: Declarations, windows: Sequence[Window], exclusions: Sequence[Exclusion], now: Instant
) -> list[Fact]:
    """New declarations are declared now at the earliest, those gone are cancelled now, an edited one is both.

    One that a command cancelled while it stands in the file stays cancelled; an approval added to the file is one.
    """
    wanted = [("window", window_body(one, FILE)) for one in windows]
    wanted += [("exclusion", exclusion_body(one, FILE)) for one in exclusions]
    known = [(("window", window_body(one, FILE)), act) for one, act in declarations.windows if _filed(act)]
    known += [(("exclusion", exclusion_body(one, FILE)), act) for one, act in declarations.exclusions if _filed(act)]
    contents = [_content(*one) for one in wanted]
    before = {str(_content(*one)): (one, act) for one, act in known}
    facts = [_ended(now, *one) for one, act in known if not act.cancelled and _content(*one) not in contents]
    for kind, body in wanted:
        recorded = before.get(str(_content(kind, body)))
        if recorded is None:
            facts.append(Fact(now, kind, body))
        elif body["approved_by"] and not recorded[0][1]["approved_by"] and not recorded[1].cancelled:
            facts.append(Fact(now, "approval", {"id": body["id"], "by": body["approved_by"], "proof": None}))
    return facts


def _filed(act: Act) -> bool:
    """Whether it came from the file and the file did not end it."""
    return act.source == FILE and act.ended_by != FILE


def _content(kind: str, body: dict[str, Any]) -> Declared:
    """What a declaration is; when it was declared and who approved it come later."""
    return kind, {key: value for key, value in body.items() if key not in {"declared", "approved_by"}}


def _ended(now: Instant, kind: str, body: dict[str, Any]) -> Fact:
    ended: dict[str, Any] = {"id": body["id"], "by": FILE, "source": FILE, "proof": None}
    if kind == "window":
        return Fact(now, "window_amended", {**ended, "end": None})
    return Fact(now, "exclusion_withdrawn", ended)
