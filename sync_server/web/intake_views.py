"""Decides what the intake page shows and proposes while a call is taken."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sync_server.customers.customer import Household, masked
from sync_server.service_desk.catalogue import (
    COMMITMENTS,
    KINDS_IN_ORDER,
    RULES,
    classes_of,
    commitments_for,
    priority_for,
)
from sync_server.service_desk.clocks import Terms, promised
from sync_server.service_desk.intake_line import IntakeLine
from sync_server.service_desk.likeness import Likeness
from sync_server.service_desk.request import RequestClass, RequestKind, RequestRecord
from sync_server.web.desk_labels import (
    CLOCK_NAMES,
    FLAGS,
    REQUEST_CLASSES,
    REQUEST_KINDS,
)
from sync_server.web.desk_look_store import MeterValue, NearAlert
from sync_server.web.labels import (
    KINDS,
    MEDIA,
    QUANTITIES,
    label,
    unit_of,
)
from sync_server.web.labels import RULES as DETECTORS
from sync_server.web.places import Place, place_for
from sync_server.web.request_views import Names, RequestRow, request_row
from sync_server.web.words import Words, mark, quantity


class Sending(StrEnum):
    """What becomes of the matter when the agent sends it."""

    AUTO = "auto"
    CREW = "crew"
    SLIP = "slip"
    SAME = "same"
    JOIN = "join"
    SOLVED = "solved"
    HOLD = "hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What the agent said by hand, each empty where the line decides.

    Attributes:
        home_for: Place and number that the home was chosen for, None when nobody says.
    """

    request_class: RequestClass | None = None
    priority: int | None = None
    home: str = ""
    home_for: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is known while the line is typed.

    Attributes:
        homes: The homes that the number and the line lead to.
        home_for: The place and the number that lead to these homes.
        home: The one that is meant, None while several fit or none.
        danger: Words of a danger that the class would hide; somebody says first there is none.
        likeness: What the known requests say, None without a class.
        contacts: Earlier requests of this number and home, the newest first.
    """

    line: IntakeLine
    phone: str
    homes: Sequence[Household]
    home_for: str
    home: Household | None
    request_class: RequestClass | None
    danger: str
    priority: int
    likeness: Likeness | None
    alerts: Sequence[NearAlert]
    values: Sequence[MeterValue]
    contacts: Sequence[RequestRow]
    terms: Terms
    now_utc: datetime

    @property
    def unknown_place(self) -> str:
        """Return the named place or meter that the register does not have; empty if it has it."""
        return "" if self.homes else self.line.search or self.line.meter_id

    @property
    def said(self) -> str:
        """Return the caller's words; the place stays in them when it led to no home."""
        line = self.line
        return line.words if self.home is not None and line.search else line.words_with_place


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeChoice:
    """One home that may be meant."""

    premises_id: str
    place: Place
    customer: str
    phone: str
    flags: Sequence[str]
    meters: int
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassChoice:
    """One kind or class to choose."""

    code: str
    words: str
    typed: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockPreview:
    """A clock that will run, with its end."""

    code: str
    name: str
    until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLine:
    """An alert at the place, in one line."""

    href: str
    title: str
    meter_id: str
    medium: str
    medium_message: str
    priority: int
    is_here: bool
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterLine:
    """A meter of the home, in one line."""

    meter_id: str
    medium: str
    medium_message: str
    name: str
    value: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendButton:
    """One way to send it; the first is what Enter does."""

    sending: str
    words: str
    key: str
    style: str
    icon: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeView:
    """Everything below the line."""

    parts: Sequence[tuple[str, str]]
    homes: Sequence[HomeChoice]
    home: HomeChoice | None
    is_home_open: bool
    home_for: str
    unknown_place: str
    kinds: Sequence[ClassChoice]
    classes: Sequence[ClassChoice]
    request_class: str
    is_safety: bool
    danger: str
    priority: int
    priority_why: str
    guidance: str
    commitments: Sequence[tuple[str, str]]
    clocks: Sequence[ClockPreview]
    alerts: Sequence[AlertLine]
    meters: Sequence[MeterLine]
    same: RequestRow | None
    repeat: RequestRow | None
    flood: Sequence[RequestRow]
    is_flood: bool
    contacts: Sequence[RequestRow]
    sending: str
    sending_words: str
    buttons: Sequence[SendButton]
    needs_answer: bool


def choose_home(
    homes: Sequence[Household], by_phone: Sequence[Household], wanted: str
) -> Household | None:
    """Return the home that is meant: the chosen one, the only one, or the caller's own."""
    found = next((each for each in homes if each.premises.premises_id == wanted), None)
    if found is not None:
        return found
    if len(homes) == 1:
        return homes[0]
    own = {each.premises.premises_id for each in by_phone}
    both = [each for each in homes if each.premises.premises_id in own]
    return both[0] if len(both) == 1 else None


def proposed(look: Look) -> Sending:
    """Return what Enter does: the same matter, one of a flood, a crew at once, a slip, an answer.

    A danger always goes out by itself unless this very home's leak is known and open.
    """
    if look.request_class is None:
        return Sending.AUTO
    rule = RULES[look.request_class]
    if look.likeness is not None and look.likeness.same is not None:
        return Sending.SAME
    if rule.priority == 1:
        return Sending.CREW
    if look.likeness is not None and look.likeness.is_flood:
        return Sending.JOIN
    return Sending.SOLVED if rule.kind is RequestKind.CONSULTATION else Sending.SLIP


_WORDS: Mapping[Sending, tuple[str, str]] = {
    Sending.CREW: (mark("Send a crew now"), "truck"),
    Sending.SLIP: (mark("Record and send"), "right"),
    Sending.SAME: (mark("Same matter: add the call"), "merge"),
    Sending.JOIN: (mark("Join the group"), "merge"),
    Sending.SOLVED: (mark("Solved now"), "check"),
    Sending.HOLD: (mark("Hold, answer later"), "pause"),
}


def intake_view(look: Look, words: Words, names: Names) -> IntakeView:
    """Return what the page shows for one reader."""
    sending = proposed(look)
    homes = [_home(each, look, words) for each in look.homes]
    chosen = look.request_class
    rule = RULES[chosen] if chosen is not None else None
    like = look.likeness

    return IntakeView(
        parts=_parts(look, words),
        homes=homes,
        home=next((each for each in homes if each.is_chosen), None),
        is_home_open=bool(homes) and look.home is None,
        home_for=look.home_for,
        unknown_place=look.unknown_place,
        kinds=[
            ClassChoice(
                code=str(kind),
                words=label(words, REQUEST_KINDS, kind),
                typed="",
                is_chosen=rule is not None and rule.kind is kind,
            )
            for kind in KINDS_IN_ORDER
        ],
        classes=_classes(look, words),
        request_class="" if chosen is None else str(chosen),
        is_safety=rule is not None and rule.priority == 1,
        danger=look.danger,
        priority=look.priority,
        priority_why=_priority_why(look, words),
        guidance=rule.guidance.in_language(words.language) if rule and rule.guidance else "",
        commitments=_commitments(look, words),
        clocks=_clocks(look, words),
        alerts=[_alert(each, words, look.now_utc) for each in look.alerts],
        meters=[_meter(each, words, look.now_utc) for each in look.values],
        same=_row(like.same if like else None, look, words, names),
        repeat=_row(like.repeat_of if like else None, look, words, names),
        flood=[request_row(each, words, look.now_utc, names) for each in like.flood]
        if like
        else (),
        is_flood=like is not None and like.is_flood,
        contacts=look.contacts,
        sending=str(sending),
        sending_words=words.gettext(_WORDS[sending][0]) if sending in _WORDS else "",
        buttons=_buttons(sending, look, words),
        needs_answer=sending is Sending.SOLVED,
    )


def _row(record: RequestRecord | None, look: Look, words: Words, names: Names) -> RequestRow | None:
    return None if record is None else request_row(record, words, look.now_utc, names)


def _parts(look: Look, words: Words) -> list[tuple[str, str]]:
    """Return icon and words of what the line was understood to say."""
    line = look.line
    found = []
    if look.request_class is not None:
        found.append(("check", label(words, REQUEST_CLASSES, look.request_class)))
    if line.search:
        found.append(("pin", line.search))
    if line.meter_id:
        found.append(("gauge", line.meter_id))
    if line.room_degc is not None:
        found.append(("heat", f"{line.room_degc:g} °C"))
    return found


def _home(home: Household, look: Look, words: Words) -> HomeChoice:
    premises, customer = home.premises, home.customer
    is_chosen = look.home is not None and (look.home.premises.premises_id == premises.premises_id)
    return HomeChoice(
        premises_id=premises.premises_id,
        place=place_for(words, home.place_en, home.place_zh, premises.address),
        customer=customer.name if customer else "",
        phone=masked(customer.phone) if customer else "",
        flags=[label(words, FLAGS, each) for each in sorted(customer.flags)] if customer else (),
        meters=len(premises.meter_ids),
        is_chosen=is_chosen,
    )


def _classes(look: Look, words: Words) -> list[ClassChoice]:
    chosen = look.request_class
    kind = RULES[chosen].kind if chosen is not None else RequestKind.REPAIR
    place = 1 if words.language == "zh" else 0
    found = []
    for each in classes_of(kind):
        ascii_codes = [code for code in RULES[each].codes if code.isascii()]
        han_codes = [code for code in RULES[each].codes if not code.isascii()]
        typed = (han_codes or ascii_codes)[0] if place else ascii_codes[0]
        found.append(
            ClassChoice(
                code=str(each),
                words=label(words, REQUEST_CLASSES, each),
                typed=typed,
                is_chosen=each is chosen,
            )
        )
    return found


def _priority_why(look: Look, words: Words) -> str:
    if look.request_class is None:
        return ""
    customer = look.home.customer if look.home is not None else None
    flags = customer.flags if customer is not None else frozenset()
    is_repeat = look.likeness is not None and look.likeness.repeat_of is not None
    plain = RULES[look.request_class].priority
    if plain == 1:
        return words.gettext(mark("danger"))
    if priority_for(look.request_class, flags, is_repeat=is_repeat) == plain:
        return ""
    if flags:
        return ", ".join(label(words, FLAGS, each) for each in sorted(flags))
    return words.gettext(mark("repeated"))


def _commitments(look: Look, words: Words) -> list[tuple[str, str]]:
    if look.request_class is None:
        return []
    return [
        (code, COMMITMENTS[code][1].in_language(words.language))
        for code in commitments_for(look.request_class)
    ]


def _clocks(look: Look, words: Words) -> list[ClockPreview]:
    if look.request_class is None:
        return []
    rule = RULES[look.request_class]
    found = []
    for code, limit in promised(look.request_class, rule.safety_class, look.terms).items():
        if code == "CL7":
            until = words.gettext(mark("{n} min after the work")).format(n=f"{limit:g}")
        elif code == "CL18":
            until = words.gettext(mark("{n} working days, not you")).format(n=f"{limit:g}")
        else:
            until = words.clock(look.now_utc + timedelta(minutes=limit))
        found.append(ClockPreview(code=code, name=label(words, CLOCK_NAMES, code), until=until))
    return found


def _alert(alert: NearAlert, words: Words, now_utc: datetime) -> AlertLine:
    known = DETECTORS if alert.rule in DETECTORS else KINDS
    return AlertLine(
        href=f"/alerts?tab=all&alert={alert.alert_id}",
        title=label(words, known, alert.rule if known is DETECTORS else alert.kind),
        meter_id=alert.meter_id,
        medium=alert.medium,
        medium_message=MEDIA.get(alert.medium, alert.medium),
        priority=alert.priority,
        is_here=alert.is_here,
        since=words.near_clock(alert.raised_at_utc, now_utc),
    )


def _meter(meter: MeterValue, words: Words, now_utc: datetime) -> MeterLine:
    has_value = meter.value is not None and meter.at_utc is not None
    return MeterLine(
        meter_id=meter.meter_id,
        medium=meter.medium,
        medium_message=MEDIA.get(meter.medium, meter.medium),
        name=label(words, QUANTITIES, meter.quantity) if meter.quantity else "",
        value=quantity(meter.value, unit_of(meter.quantity)) if meter.value is not None else "—",
        at=words.near_clock(meter.at_utc, now_utc) if has_value and meter.at_utc else "",
    )


def _buttons(sending: Sending, look: Look, words: Words) -> list[SendButton]:
    """Return the ways to send it: what Enter does first, then alone, solved and hold.

    A danger is neither solved nor held by telephone.
    """
    order = [sending] if sending in _WORDS else []
    if look.request_class is not None:
        alone = Sending.CREW if RULES[look.request_class].priority == 1 else Sending.SLIP
        order += [alone] if alone is Sending.CREW else [alone, Sending.SOLVED, Sending.HOLD]
    keys = {Sending.SOLVED: "F9", Sending.HOLD: "F10"}
    found: list[SendButton] = []
    for each in dict.fromkeys(order):
        is_first = not found
        message, icon = _WORDS[each]
        text = words.gettext(message)
        found.append(
            SendButton(
                sending=str(each),
                words=text,
                key="⏎" if is_first else keys.get(each, "Ctrl ⏎"),
                style=("d" if each is Sending.CREW else "p") if is_first else "",
                icon=icon,
            )
        )
    return found
