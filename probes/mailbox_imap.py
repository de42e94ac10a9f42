"""A round trip's mailbox over IMAP: RFC 3501, Junk by SPECIAL-USE (6154) or by name, UIDPLUS (4315)."""

import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet

from aioimaplib.aioimaplib import AUTH, SELECTED, Response, quoted

from probes.errors import Cause, ProbeFailureError
from probes.imap import ImapSession
from probes.imap_replies import mailbox_name, refused
from probes.mailbox import MAX_REPORTS, ends
from probes.message import FIELDS, HEADER, MAX_FIELDS, MAX_REPORT, returned, sighting
from probes.tokens import Sighting

UIDPLUS = "UIDPLUS"
JUNK_NAMES = {"junk", "spam", "junk e-mail", "junk email", "bulk mail"}
_HEADERS = f"(UID BODY.PEEK[HEADER.FIELDS ({' '.join(FIELDS)})]<0.{MAX_FIELDS}>)"
_REPORTS = f"(UID BODY.PEEK[]<0.{MAX_REPORT}>)"
_LISTED = re.compile(rb'\(([^()]{0,500})\) (?:"((?:[^"\\]|\\.){1,2})"|NIL) (.{1,500})', re.DOTALL)
_FETCHED = re.compile(rb"[0-9]{1,10} FETCH ", re.IGNORECASE)
_UNTAGGED = {"STORE": "FETCH"}  # the replies to a command that are not called like it
_UID = re.compile(rb"\bUID ([0-9]{1,10})", re.IGNORECASE)


class ImapMailbox:
    """The inbox and, where there is one, Junk."""

    def __init__(self, session: ImapSession, inbox: str, token: str, known: AbstractSet[str], prefix: str = "") -> None:
        self._session = session
        self._prefix = prefix
        self._inbox = quoted(mailbox_name(inbox))
        self._token = token
        self._known = known
        self.examined: set[str] = set()
        self._where: dict[str, tuple[str, str]] = {}  # mailbox and UID by place

    async def look(self) -> list[Sighting]:
        found = await self._within(self._inbox, junk=False)
        junk = await self._junk()
        found += await self._within(junk, junk=True) if junk else []
        self.examined = set(self._where)
        return found

    async def read(self, place: str) -> None:
        mailbox, uid = self._where[place]
        await self._select(mailbox)
        response = await self._run("FETCH", uid, f"(BODY.PEEK[]<0.{MAX_REPORT}>)")
        if not any(data for _, data in _fetched(response)):
            raise ProbeFailureError(Cause.CONTENT, "the message was found, and could not be read")

    async def delete(self, places: Sequence[str]) -> None:
        for mailbox in sorted({self._where[place][0] for place in places}):
            uids = {uid for place in places for box, uid in [self._where[place]] if box == mailbox}
            await self._select(mailbox)
            await self._run("STORE", ",".join(sorted(uids)), "+FLAGS.SILENT", r"(\Deleted)")
            if UIDPLUS in self._session.capabilities:
                await self._run("EXPUNGE", ",".join(sorted(uids)))
            elif set(await self._search("DELETED")) <= uids:  # a plain EXPUNGE takes what others have marked as well
                _accepted(await self._session.run("EXPUNGE"))

    async def _within(self, mailbox: str, *, junk: bool) -> list[Sighting]:
        validity = await self._select(mailbox, optional=junk)
        if validity is None:
            return []
        # Either key alone would do; some servers find nothing by an empty text
        ours = await self._search("UNDELETED", "OR", "HEADER", HEADER, self._token, "HEADER", HEADER, '""')
        found: list[Sighting | None] = []
        async for place, data in self._examine(mailbox, validity, ends(ours), _HEADERS):
            found.append(sighting(data, place, junk=junk))
        system = await self._search(
            "UNDELETED", "OR", "FROM", '"MAILER-DAEMON"', "HEADER", "Content-Type", '"multipart/report"'
        )
        async for place, data in self._examine(mailbox, validity, system[-MAX_REPORTS:], _REPORTS):
            found.append(returned(data, place, junk=junk))
        return [one for one in found if one]

    async def _examine(
        self, mailbox: str, validity: str, uids: Iterable[str], what: str
    ) -> AsyncIterator[tuple[str, bytes]]:
        places = {uid: f"{self._prefix}{mailbox[:100]} {validity} {uid}" for uid in uids}
        fresh = [uid for uid, place in places.items() if place not in self._known]
        if not fresh:
            return
        for words, data in _fetched(await self._run("FETCH", ",".join(fresh), what)):
            uid = _UID.search(words)
            place = places.get(uid[1].decode()) if uid else None
            if uid and place:
                self._where[place] = mailbox, uid[1].decode()
                yield place, data

    async def _junk(self) -> str | None:
        """The mailbox for unwanted mail, quoted as the server names it; never the inbox itself."""
        extended = {"LIST-EXTENDED", "SPECIAL-USE"} <= self._session.capabilities
        response = _accepted(
            await self._session.run("LIST", '""', '"*"', *(["RETURN (SPECIAL-USE)"] if extended else []))
        )
        named = None
        for attributes, name, last in _listed(response):
            if rb"\noselect" in attributes or rb"\nonexistent" in attributes or name == self._inbox:
                continue
            if rb"\junk" in attributes:
                return name
            if last.lower() in JUNK_NAMES:
                named = named or name
        return named

    async def _select(self, mailbox: str, *, optional: bool = False) -> str | None:
        """The mailbox's UIDVALIDITY; None where it cannot be opened and need not be there."""
        response = await self._session.run("SELECT", mailbox)
        if response.result != "OK":
            self._session.state = AUTH  # RFC 3501 section 6.3.1: nothing is selected then
            if optional:
                return None
            _accepted(response)
        self._session.state = SELECTED
        found = re.search(rb"\[UIDVALIDITY ([0-9]{1,10})\]", b"\n".join(map(bytes, response.lines)), re.IGNORECASE)
        return found[1].decode() if found else "0"

    async def _search(self, *keys: str) -> list[str]:
        response = await self._run("SEARCH", *keys)
        numbers = re.findall(rb"\b[0-9]{1,10}\b", b" ".join(map(bytes, response.lines[:-1])))
        return [str(number) for number in sorted(set(map(int, numbers)))]

    async def _run(self, name: str, *arguments: str) -> Response:
        return _accepted(await self._session.run("UID", name, *arguments, untagged=_UNTAGGED.get(name, name)))


def _accepted(response: Response) -> Response:
    if response.result != "OK":
        raise refused(response)
    return response


def _fetched(response: Response) -> Iterator[tuple[bytes, bytes]]:
    """Of each message what stands outside its literals, and the literals."""
    words, data = b"", b""
    for line in response.lines[:-1]:
        if isinstance(line, bytearray):  # the library's mark of a literal
            data += line
            continue
        if _FETCHED.match(line) and words:
            yield words, data
            words, data = b"", b""
        words += line + b" "
    if words:
        yield words, data


def _listed(response: Response) -> Iterator[tuple[bytes, str, str]]:
    """Attributes in lower case, the name as it is to be sent, and its last part."""
    for line in response.lines[:-1]:
        found = _LISTED.fullmatch(bytes(line).removeprefix(b"LIST "))
        if found is None or b"{" in found[3]:  # a name that came as a literal: nobody calls Junk so
            continue
        text = found[3].decode("ascii", "replace")
        plain = re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text
        delimiter = (found[2] or b"/").decode("ascii", "replace")[-1]
        yield found[1].lower(), quoted(plain), plain.rpartition(delimiter)[2]
