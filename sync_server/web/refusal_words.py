"""How refusals read in the reader's language: a table of their parts, matched against the text.

A refusal is raised in English where a rule is decided, `place: field: problem; remedy`, and read by
people on a page, by programs and in logs. On a page its parts are looked up here; a part that the
table lacks stays as it was raised. A test holds what the office raises against the table.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Final

from sync_server.web.desk_labels import (
    COMPLAINT_STATES,
    OPINION_STATES,
    REQUEST_CLASSES,
    REQUEST_EVENTS,
    REQUEST_KINDS,
    REQUEST_STATES,
    VISIT_EVENTS,
    VISIT_STATES,
)
from sync_server.web.labels import CONDITIONS, MEDIA, ORDER_STATES, ROLES, VISIBILITIES
from sync_server.web.office_labels import CHANGE_KINDS, CHANGE_STATES, OUTAGE_STATES, SKILLS
from sync_server.web.refusal_names import ACTIONS, ALERT_STEPS, FIELDS, NOUNS
from sync_server.web.words import Words, mark

PARTS: Final[Sequence[str]] = (
    mark("ask the office for a new code and enter it within 10 minutes"),
    mark("cannot be checked, too many log-ins at once"),
    mark("check both; an administrator can set a new password"),
    mark("expired at {time}"),
    mark("log-in name and password do not fit"),
    mark("send the code and the tablet's name only"),
    mark("start the server again and use the link that it prints"),
    mark("type the code of your app at /login/code"),
    mark("was revoked at {time}"),
    mark("{command} lists them"),
    mark("is no XLSX file"),
    mark("save it as Excel workbook (.xlsx)"),
    mark("open and save it again as Excel workbook (.xlsx)"),
    mark("correct it"),
    mark("write a day such as 2026-12-01"),
    mark("write it like the example"),
    mark("{a} is not written as it is wanted"),
    mark("write {n} or less"),
    mark("{a} is more than {n}"),
    mark("write {n} or more"),
    mark("{a} is less than {n}"),
    mark("choose one from the list"),
    mark("{a} is none of the choices"),
    mark("write digits, with a point before the decimals"),
    mark("{a} is no number"),
    mark("write digits only"),
    mark("{a} is no whole number"),
    mark("write more"),
    mark("is shorter than {n} letters"),
    mark("shorten it"),
    mark("is longer than {n} letters"),
    mark("a letter was left; wait for a call"),
    mark("a stand-in is registered beforehand"),
    mark("accept it first"),
    mark("acknowledge it; it is never taken out"),
    mark("add a crew on the page Accounts, or note a skill on the page Staff"),
    mark("add the community first"),
    mark("appeal against it"),
    mark("approve or refuse it"),
    mark("approve or waive it"),
    mark("are more than {n}"),
    mark("ask for them, or refuse with a way out"),
    mark("ask for {a} to {b}"),
    mark("ask in the next one"),
    mark("ask one of: {names}"),
    mark("ask one of: {names}; they note it on this page"),
    mark("ask whether what was promised was kept"),
    mark("bank it"),
    mark("begin another one"),
    mark("begin later, or plan it as urgent with its reason"),
    mark("bring customers with their numbers in first"),
    mark("bring the customer in first"),
    mark("came after the verdict ({at})"),
    mark("cancel it first"),
    mark("cannot be used"),
    mark("cannot be read: {why}"),
    mark("cannot become {state}"),
    mark("cannot {event} {noun} that is {state}"),
    mark("choose 1, 2 or 3"),
    mark("choose a crew first"),
    mark("choose a day to come"),
    mark("choose a home or write where it is; a crew must find it"),
    mark("choose another code"),
    mark("choose another log-in name"),
    mark("choose another moment"),
    mark("choose another name"),
    mark("choose another person"),
    mark("choose another place"),
    mark("choose one of the list"),
    mark("choose one with the arrow keys, or type building, unit and door"),
    mark("choose what it came from"),
    mark("choose which of the nine it was"),
    mark("choose {a} to {b} characters"),
    mark("close a day when it is over"),
    mark("comes more than {n} days after the verdict"),
    mark("correct one of the two"),
    mark("correct the name"),
    mark("count again"),
    mark("create the crew first"),
    mark("did the work or wrote the reply"),
    mark("took the call of a danger"),
    mark("let another safety officer or the director decide"),
    mark("does not exist"),
    mark("does not fit"),
    mark("end it first"),
    mark("end the access first"),
    mark("enter a log-in name"),
    mark("fill it in"),
    mark("fill it in, or leave customer_id empty"),
    mark("finish or cancel the work order first"),
    mark("follow it up in {n} weeks before it is given up"),
    mark("for {event} is missing"),
    mark("gave the verdict"),
    mark("give 1 to {n}"),
    mark("give 1 to {n} characters"),
    mark("give a number from 0 to {n}"),
    mark("give cubic metres such as 12.5"),
    mark("give the other meter its own number"),
    mark("give the route to that crew"),
    mark("give whole seconds above 0"),
    mark("give yuan such as 36.50"),
    mark("give yuan with at most two decimals"),
    mark("handled the matter"),
    mark("has a document type in {name}"),
    mark("has a part in another encoding: {name}"),
    mark("has a version already"),
    mark("has ended"),
    mark("has failed too often"),
    mark("has more than {n} bytes"),
    mark("has more than {n} rows"),
    mark("has no heading row"),
    mark("has no home"),
    mark("has {n} characters"),
    mark("holds {n} parts"),
    mark("import the meters first"),
    mark("is agreed already"),
    mark("is another crew's"),
    mark("is before its date"),
    mark("is closed"),
    mark("is closed already"),
    mark("is empty"),
    mark("is empty, the cash differs by {n} yuan"),
    mark("is far larger when unpacked"),
    mark("is in the past"),
    mark("is less than nothing"),
    mark("is less than {n} h ahead"),
    mark("is locked by a password"),
    mark("is missing"),
    mark("is missing for work that the customer pays"),
    mark("is neither CSV nor XLSX"),
    mark("is neither UTF-8 nor GB 18030"),
    mark("is not an accepted opening of an account"),
    mark("is not behind its beginning"),
    mark("is not kept here"),
    mark("is not known"),
    mark("is not known here"),
    mark("is not known yet"),
    mark("is not on the route"),
    mark("is not said"),
    mark("is on the route already"),
    mark("is oneself"),
    mark("is over"),
    mark("is over, or of other people"),
    mark("is safety class A"),
    mark("is still to come"),
    mark("is what it has"),
    mark("is who offers it"),
    mark("is {state}"),
    mark("is {state} already"),
    mark("is {a}, not {b}"),
    mark("is {a}, not missed"),
    mark("it allows no appeal"),
    mark("it stands"),
    mark("lack: {names}"),
    mark("leave one of them out"),
    mark("let somebody else call the customer back"),
    mark("let somebody else decide the appeal"),
    mark("let somebody else decide: four eyes"),
    mark("let somebody else judge it"),
    mark("let somebody else look at it"),
    mark("let the next shift take it"),
    mark("line {n}: {why}"),
    mark("look at the file again"),
    mark("look at the list of forms"),
    mark("look at the number again"),
    mark("name a list of the sheet choices"),
    mark("name another person"),
    mark("name each part of a van once"),
    mark("no application"),
    mark("nobody holds {skill}, or it has ended"),
    mark("of {number} is {state}"),
    mark("offer the first that is free"),
    mark("only complaints are judged"),
    mark("open /balances and choose one"),
    mark("open and save it again as .xlsx"),
    mark("open one of: {names}"),
    mark("open the order anew"),
    mark("open the page again"),
    mark("past decisions keep their rule"),
    mark("plan a second route"),
    mark("plan what is to come"),
    mark("possible now: {names}"),
    mark("proposed it"),
    mark("quality reads a written reply first"),
    mark("reload the list and choose again"),
    mark("reload the page"),
    mark("save it anew"),
    mark("save it anew with a spreadsheet program"),
    mark("save it anew without pictures"),
    mark("save it as CSV UTF-8 or as XLSX"),
    mark("save it as CSV anew"),
    mark("save it as one of the two"),
    mark("save it without one"),
    mark("say what it costs and note the customer's consent"),
    mark("say whether the customer is satisfied"),
    mark("say why"),
    mark("send a crew to it by itself"),
    mark("send a crew: no telephone call ends a danger"),
    mark("send it alone"),
    mark("send it as a slip"),
    mark("send one of: {names}"),
    mark("set one up at /me/second-factor"),
    mark("split it"),
    mark("still has access"),
    mark("take a new one"),
    mark("take it off one of them"),
    mark("take some off"),
    mark("take some off the list"),
    mark("take the next one"),
    mark("take unused sheets out of it"),
    mark("tell somebody above before it ends"),
    mark("tell the customer that an adult must be at home"),
    mark("tell the customer the result first"),
    mark("the columns are {names}"),
    mark("the four steps are contract, invoice, volume, card"),
    mark("the question waits for {role}"),
    mark("there is no crew that is fit for it"),
    mark("try again in a few seconds"),
    mark("type its code, or choose it in the list"),
    mark("type the number of the meter that this device is"),
    mark("type the six digits that the app shows now"),
    mark("use assign with the other crew"),
    mark("use at most {n} characters"),
    mark("use one of {names}"),
    mark("use the pages of this server"),
    mark("wait {n} minutes and try again"),
    mark("was carried out already"),
    mark("was given already"),
    mark("was handed over already"),
    mark("was in vain {n} times"),
    mark("was made already"),
    mark("was not approved"),
    mark("was not shown yet"),
    mark("was not told"),
    mark("was taken already"),
    mark("was written already"),
    mark("were in {n} weeks"),
    mark("would be one more than {n}"),
    mark("write a day 2026-11-02, a week 2026-W45, a month 2026-11 or a year 2026"),
    mark("write a day such as 2026-11-02"),
    mark("write a day such as 2027-05-31"),
    mark("write a month such as 2026-10"),
    mark("write a month such as 2026-11"),
    mark("write community and building"),
    mark("write how it recovered and what was learnt"),
    mark("write how it was put right"),
    mark("write it in digits, such as 86.5"),
    mark("write it like 2026-11-22 16:00"),
    mark("write it like 2026-12-01 08:00"),
    mark("write it without names of customers"),
    mark("write the figure of {kind}"),
    mark("write the names of the columns into row 1"),
    mark("write the number of the bank's slip"),
    mark("write the number of the document"),
    mark("write true or false"),
    mark("write what became of it"),
    mark("write what happened"),
    mark("write what happens, and where"),
    mark("write what has to be decided"),
    mark("write what is asked"),
    mark("write what is done about it"),
    mark("write what is done, customers read it"),
    mark("write what is not in order"),
    mark("write what is put right"),
    mark("write what is wrong"),
    mark("write what is wrong with the verdict"),
    mark("write what proves it and how it was verified"),
    mark("write what the caller wants"),
    mark("write what the customer can do instead"),
    mark("write what the file is for"),
    mark("write what the person can do better"),
    mark("write what was decided"),
    mark("write what was done, or why it cannot be done"),
    mark("write what was found or done"),
    mark("write what was found out"),
    mark("write what was found, or why not"),
    mark("write when the caller said it, such as 2026-11-02T08:15"),
    mark("write where the stand-in is reached"),
    mark("write who measured what, and where it is kept"),
    mark("write who should answer for it, and why"),
    mark("write who was told"),
    mark("write whose matter it is"),
    mark("write why"),
    mark("write why it is refused"),
    mark("write why the verdict stands or changes"),
    mark("write why you hear it"),
    mark("write yuan such as 1250.50"),
    mark("write {what}"),
    mark("{book} is no ledger"),
    mark("{n} homes fit"),
    mark("{a} is already taken"),
    mark("{a} is another meter"),
    mark("{a} is banked already"),
    mark("{a} is closed already"),
    mark("{a} is empty or taken"),
    mark("{a} is full"),
    mark("{a} is in row {n} too"),
    mark("{a} is missing"),
    mark("{a} is no date"),
    mark("{a} is no day"),
    mark("{a} is no figure"),
    mark("{a} is no month that has begun"),
    mark("{a} is no period"),
    mark("{a} is no policy"),
    mark("{a} is no time"),
    mark("{a} is no window"),
    mark("{a} is no zone"),
    mark("{a} is not a step of a request"),
    mark("{a} is not known"),
    mark("{a} is nothing that a crew drives out for"),
    mark("{a} is on another route of {b}"),
    mark("{a} is over"),
    mark("{a} is taken"),
    mark("{a} is the team {b}"),
    mark("{a} is to come"),
    mark("{a} is {state}"),
    mark("{a} may not {b}"),
    mark("{a} was checked already"),
    mark("{a} works here no longer"),
    mark("{value} cannot be used"),
    mark("{a} is {b}, not {c}"),
    mark("{slot} of {day} is full or over"),
    mark("may be told by {danger}"),
    mark("ask the caller: choose the class of the danger, or say that there is none"),
)
"""Problems and remedies; a name in braces stands for a value."""

_CODES: Final[Mapping[str, str]] = {
    **ALERT_STEPS,
    **CONDITIONS,
    **VISIBILITIES,
    **OUTAGE_STATES,
    **CHANGE_STATES,
    **CHANGE_KINDS,
    **OPINION_STATES,
    **VISIT_EVENTS,
    **VISIT_STATES,
    **COMPLAINT_STATES,
    **ORDER_STATES,
    **REQUEST_EVENTS,
    **REQUEST_KINDS,
    **REQUEST_CLASSES,
    **REQUEST_STATES,
    **SKILLS,
    **ROLES,
    **MEDIA,
    **NOUNS,
    **ACTIONS,
}
_HOLE: Final = re.compile(r"\{(\w+)\}")
_PLACES: Final = (
    re.compile(r"([^:'\"]+(?: '[^'\n]*'| \"[^\"\n]*\")?): ([^:'\"]+): "),
    re.compile(r"([^:'\"]+): "),
)
"""A place, whose name may be in quotes, and a field; a field alone."""


def refusal_text(text: str, words: Words) -> str:
    """Return a refusal as the reader says it; English stays as it was raised."""
    if words.language == "en" or not text:
        return text
    return "\n".join(_line(each, words) for each in text.splitlines())


def is_known(part: str) -> bool:
    """Return whether the table holds a problem or a remedy."""
    return _matched(part) is not None


def _line(text: str, words: Words) -> str:
    """Return one refusal; its place is left out, for the page shows it."""
    for head, remedy in _splits(text):
        for where, problem in _placed(head):
            if _matched(problem) and (not remedy or _matched(remedy)):
                said = _said(problem, words)
                said = f"{_field(where, words)}：{said}" if where else said
                return f"{said}；{_said(remedy, words)}" if remedy else said
    return text


def _splits(text: str) -> Iterator[tuple[str, str]]:
    """Yield every way to cut a remedy off, then the whole without one."""
    for found in re.finditer("; ", text):
        yield text[: found.start()], text[found.end() :]
    yield text, ""


def _placed(head: str) -> Iterator[tuple[Sequence[str], str]]:
    """Yield place and field before a problem, the field alone, nothing; a value is in quotes."""
    for pattern in _PLACES:
        found = pattern.match(head)
        if found is not None:
            yield found.groups(), head[found.end() :]
    yield (), head


def _field(where: Sequence[str], words: Words) -> str:
    """Return the field as the reader calls it; without a place it is a column of a file."""
    known = FIELDS.get(where[-1]) if len(where) > 1 else None
    return where[-1] if known is None else words.gettext(known)


def _said(part: str, words: Words) -> str:
    found = _matched(part)
    if found is None:
        return part
    message, values = found
    return words.gettext(message).format(
        **{name: _value(text, words) for name, text in values.items()}
    )


def _value(text: str, words: Words) -> str:
    bare = text.strip("'\"")
    if ", " in bare:
        return "、".join(_value(each, words) for each in bare.split(", "))
    known = _CODES.get(bare)
    return text if known is None else words.gettext(known)


def _matched(part: str) -> tuple[str, Mapping[str, str]] | None:
    for message, pattern in _patterns():
        found = pattern.fullmatch(part)
        if found is not None:
            return message, found.groupdict()
    return None


@cache
def _patterns() -> Sequence[tuple[str, "re.Pattern[str]"]]:
    """Return each message with its pattern: the most letters of its own first."""
    rows = sorted(PARTS, key=lambda each: len(_HOLE.sub("", each)), reverse=True)
    return [(each, re.compile("".join(_pieces(each)), re.DOTALL)) for each in rows]


def _pieces(message: str) -> Iterator[str]:
    texts = _HOLE.split(message)
    yield from chain.from_iterable(
        (re.escape(piece) if place % 2 == 0 else f"(?P<{piece}>.+?)",)
        for place, piece in enumerate(texts)
    )
