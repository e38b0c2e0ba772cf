"""What the review page shows: who waits for whom until when, both values, what may be decided."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sync_server.access.account_store import Person
from sync_server.access.roles import Action, may
from sync_server.sync.ledger_store import FieldConflict, LedgerRecord
from sync_server.sync.merge import Kept
from sync_server.sync.order_copy_store import KeptCopy
from sync_server.sync.review_desk import as_text
from sync_server.sync.review_store import ANSWERED, SERVER, ReviewItem
from sync_server.web.labels import (
    FIELDS,
    MEDIA,
    ORDER_EVENTS_OF_CREWS,
    ORDER_STATES,
    ORDER_TYPES,
    QUANTITIES,
    RESULTS,
    ROLES,
    label,
    unit_of,
)
from sync_server.web.review_words import (
    ADVICE,
    FACT_PARTS,
    KIND_WORDS,
    OWN_WORDS,
    REASONS,
    SELF_CHECKS,
    THINGS,
)
from sync_server.web.site_work_views import fact_words
from sync_server.web.words import Words, age, mark, number, quantity
from sync_server.work_orders.order import OrderRecord
from wire_contracts.fields import JsonValue
from wire_contracts.findings import CAUSE_TEXT, Cause
from wire_contracts.frames import utc_from_ms
from wire_contracts.orders import FIELD_OWNED, order_json
from wire_contracts.review_outcomes import Choice

_LONGEST_CONTENT = 4000
"""Letters of a content that the page shows; the whole of it stays in the database."""

_LONG_FIELDS = frozenset({"diagnosis", "note", "address", "cause"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRow:
    """One item of the list."""

    review_id: str
    title: str
    about: str
    owner: str
    due: str
    is_overdue: bool
    kind: str
    chip_class: str
    icon: str
    is_current: bool
    resolved: str
    order_href: str
    explanation: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Both:
    """Both values of one field, and what stands."""

    code: str
    field: str
    crew: str
    office: str
    now: str
    seen: str
    stands: str
    is_crews: bool  # crews write the field: what stood before may be another tablet's
    is_long: bool
    options: Sequence[tuple[str, str]]
    typed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where an operation came from: who, with which tablet, when."""

    who: str
    tablet: str
    happened: str
    received: str
    is_clock_suspect: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What the crew sent and was not applied as it came; `raw` is it to the letter."""

    title: str
    text: str
    raw: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What people call accounts, crews, tablets and orders."""

    accounts: Mapping[str, str]
    crews: Mapping[str, str]
    tablets: Mapping[str, str]
    orders: Mapping[str, str]
    senders: Mapping[str, str]
    """Operation -> the tablet that sent it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRights:
    """What the reader may do on the page."""

    resolve: bool


def rights_of(person: Person) -> ReviewRights:
    """Return what the person may do on the page."""
    return ReviewRights(resolve=may(person.role, Action.RESOLVE_REVIEW))


def review_row(
    item: ReviewItem, words: Words, now_utc: datetime, names: Names, current: str
) -> ReviewRow:
    """Return the item's row in the reader's words."""
    chip_class, icon, kind = KIND_WORDS[item.kind]
    is_overdue = item.resolved_at_utc is None and item.due_at_utc < now_utc
    late = words.gettext(mark("overdue by {age}")).format(age=age(now_utc - item.due_at_utc))
    due = words.gettext(mark("due {time}")).format(time=words.near_clock(item.due_at_utc, now_utc))
    reason, advice = _why_and_what(item)
    return ReviewRow(
        review_id=item.review_id,
        title=item.text.in_language(words.language),
        about=_about(item, words, names),
        owner=label(words, ROLES, item.owner_role),
        due=late if is_overdue else due,
        is_overdue=is_overdue,
        kind=words.gettext(kind),
        chip_class=chip_class,
        icon=icon,
        is_current=item.review_id == current,
        resolved=_resolved(item, words, now_utc, names),
        order_href=f"/orders/{item.entity_id}" if item.entity_id in names.orders else "",
        explanation=words.gettext(reason) if reason is not None else f"({item.code})",
        advice=words.gettext(advice),
    )


def _why_and_what(item: ReviewItem) -> tuple[str | None, str]:
    code = str(item.code)
    if item.kind in OWN_WORDS and code not in _OF_ITS_OWN:
        return OWN_WORDS[item.kind]
    return REASONS.get(code), ADVICE.get(code, _ADVICE)


_OF_ITS_OWN = frozenset({"pull.reset"})
"""Codes that say more than the kind of the item."""


def _about(item: ReviewItem, words: Words, names: Names) -> str:
    """Return what an item is about: its number or name, else what it is and who sent it."""
    if item.entity == "self_check":
        return label(words, SELF_CHECKS, item.entity_id)
    tables = {"work_order": names.orders, "tablet": names.tablets, "account": names.accounts}
    known = tables.get(item.entity, {}).get(item.entity_id)
    if known is not None:
        return known
    table = THINGS if item.entity in THINGS else FIELDS
    sender = names.tablets.get(names.senders.get(item.op_id or "", ""), "")
    return " · ".join(part for part in (label(words, table, item.entity), sender) if part)


_ADVICE = mark("Ask the crew what it did; enter by hand what is true and missing.")


_CHOICES: Mapping[str, str] = {
    Choice.OFFICE: mark("value that stood before kept"),
    Choice.CREW: mark("crew’s value taken"),
    Choice.OTHER: mark("another value set"),
    Choice.NOTED: mark("dealt with"),
}


def _resolved(item: ReviewItem, words: Words, now_utc: datetime, names: Names) -> str:
    if item.resolved_at_utc is None:
        return ""
    at = words.near_clock(item.resolved_at_utc, now_utc)
    if item.resolved_by == SERVER and item.resolution == ANSWERED:
        return words.gettext(mark("answered at last, {time}")).format(time=at)
    if item.resolved_by == SERVER:
        return words.gettext(mark("linked by itself {time}")).format(time=at)
    who = names.accounts.get(item.resolved_by or "", item.resolved_by or "")
    what = words.gettext(_CHOICES.get(item.choice or "", mark("dealt with")))
    return f"{what} · {who} {at}"


def order_stands(order: OrderRecord, words: Words, names: Names) -> str:
    """Return how an order stands now and who has it."""
    document = order.document
    state = label(words, ORDER_STATES, str(document.state))
    crew = names.crews.get(document.crew_id or "", document.crew_id or "")
    return f"{state} · {crew}" if crew else state


def lost_order_view(copy: KeptCopy, words: Words, names: Names) -> list[Sent]:
    """Return what tablets remember of an order, as a person reads it."""
    raw = json.dumps(copy.body, ensure_ascii=False, indent=1)[:_LONGEST_CONTENT]
    at = words.moment(copy.as_of_utc) if copy.as_of_utc is not None else "—"
    seen = Sent(title=words.gettext(mark("As tablets saw it last")), text=at, raw=raw)
    if copy.document is None:
        return [seen]
    document = copy.document
    state = label(words, ORDER_STATES, str(document.state))
    crew = names.crews.get(document.crew_id or "", document.crew_id or "—")
    title = document.title.in_language(words.language)
    shown = [
        Sent(title=words.gettext(mark("Order")), text=f"{document.number} · {title}"),
        Sent(title=label(words, FIELDS, "address"), text=document.address),
        Sent(title=words.gettext(mark("It stood")), text=f"{state} · {crew}"),
    ]
    values = order_json(document)
    shown += [
        Sent(title=label(words, FIELDS, name), text=shown_value(name, values[name], words, names))
        for name in ("priority", "due_at", "result", "cause", "diagnosis", "note")
        if values[name]
    ]
    return [*shown, seen]


def both_values(conflict: FieldConflict, now: JsonValue, words: Words, names: Names) -> Both:
    """Return both values of a field and the one that stands now."""
    field = conflict.field

    def shown(value: JsonValue) -> str:
        return shown_value(field, value, words, names)

    stands = ""
    if now == conflict.crew:
        stands = Kept.CREW
    elif now == conflict.office:
        stands = Kept.OFFICE
    options: list[tuple[str, str]] = []
    if field == "result":
        options = [(code, label(words, RESULTS, code)) for code in RESULTS]
    elif field == "priority":
        options = [(str(number), str(number)) for number in range(1, 5)]
    elif field == "crew_id":
        options = sorted(names.crews.items(), key=lambda each: each[1])
    elif field == "cause" and all(
        each in (*Cause, "", None) for each in (conflict.crew, conflict.office)
    ):
        options = [(str(each), CAUSE_TEXT[each].in_language(words.language)) for each in Cause]
    return Both(
        code=field,
        field=label(words, FIELDS, field),
        crew=shown(conflict.crew),
        office=shown(conflict.office),
        now=shown(now),
        seen=as_text(now),
        stands=stands,
        is_crews=field in FIELD_OWNED,
        is_long=field in _LONG_FIELDS,
        options=options,
        typed=shown(now) if isinstance(now, str) and field in _LONG_FIELDS else "",
    )


def shown_value(field: str, value: JsonValue, words: Words, names: Names) -> str:
    """Return a field's value the way a person reads it; absent is a dash."""
    if value is None or value == "":
        return "—"
    if field == "result":
        return label(words, RESULTS, str(value))
    if field == "cause" and value in tuple(Cause):
        return CAUSE_TEXT[Cause(str(value))].in_language(words.language)
    if field == "crew_id":
        return names.crews.get(str(value), str(value))
    if field == "due_at" and isinstance(value, int) and not isinstance(value, bool):
        return words.moment(utc_from_ms(value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)


def source_of(record: LedgerRecord, words: Words, now_utc: datetime, names: Names) -> Source:
    """Return who made an operation, with which tablet and when."""
    received = record.received_at_utc
    return Source(
        who=names.accounts.get(record.actor) or label(words, THINGS, "account"),
        tablet=names.tablets.get(record.tablet_id) or label(words, THINGS, "tablet"),
        happened=words.near_clock(record.happened_at_utc, now_utc),
        received="" if received is None else words.near_clock(received, now_utc),
        is_clock_suspect=record.is_clock_suspect,
    )


def sent_view(body: JsonValue, words: Words, names: Names) -> Sent:
    """Return what an operation that was kept wanted, in words."""
    if not isinstance(body, Mapping):
        return Sent(title=words.gettext(mark("Unreadable")), text=str(body)[:_LONGEST_CONTENT])
    kind, field = str(body.get("kind", "")), str(body.get("field", ""))
    if kind == "go":
        step = label(words, ORDER_EVENTS_OF_CREWS, field)
        return Sent(title=words.gettext(mark("Step")), text=step)
    if kind == "set":
        text = shown_value(field, body.get("new"), words, names)
        return Sent(title=label(words, FIELDS, field), text=text)
    content = body.get("payload") if "payload" in body else dict(body)
    return content_view(field or kind, content, words)


def content_view(name: str, content: JsonValue, words: Words) -> Sent:
    """Return a fact's or a draft's content in words, and as it is kept."""
    raw = json.dumps(content, ensure_ascii=False, indent=1)[:_LONGEST_CONTENT]
    said = fact_words(name, content, words)
    if said is not None and said.text:
        return Sent(title=said.title, text=said.text, raw=raw)
    lines = "\n".join(_lines(content, words)) if isinstance(content, Mapping) else ""
    title = label(words, FIELDS, name)
    if not lines:
        return Sent(title=title, text=raw)
    return Sent(title=title, text=lines[:_LONGEST_CONTENT], raw=raw)


_OF_MACHINES = frozenset({"form", "sha256", "blob", "boot_id", "wall_ms", "mono_ms", "offset_ms"})
"""Parts of a content that say nothing to a person; they stand in it as it is kept."""


def _lines(content: Mapping[str, JsonValue], words: Words) -> list[str]:
    """Return the parts of a content that a person reads, one a line."""
    found: list[str] = []
    for key, value in content.items():
        if isinstance(value, Mapping):
            found += _lines(value, words)
        elif key not in _OF_MACHINES and not key.endswith(("_id", "_ms")):
            name = words.gettext(mark("{name}: {value}"))
            found.append(
                name.format(name=_name(key, words), value=_content_value(key, value, words))
            )
    return found


def _name(key: str, words: Words) -> str:
    table = next((each for each in (QUANTITIES, FIELDS) if key in each), FACT_PARTS)
    return label(words, table, key)


def _content_value(key: str, value: JsonValue, words: Words) -> str:
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return words.gettext(mark("yes")) if value else words.gettext(mark("no"))
    if isinstance(value, int) and value > _SURELY_MS:
        return words.moment(utc_from_ms(value))
    if isinstance(value, int | float):
        return quantity(value, unit_of(key)) if unit_of(key) else number(value)
    if isinstance(value, str):
        return label(words, _CHOICES_OF[key], value) if key in _CHOICES_OF else value
    return json.dumps(value, ensure_ascii=False)


_SURELY_MS = 10**12
"""2001 in ms since 1970: no measured value is so large."""

_CHOICES_OF: Mapping[str, Mapping[str, str]] = {
    "result": RESULTS,
    "medium": MEDIA,
    "order_type": ORDER_TYPES,
}
