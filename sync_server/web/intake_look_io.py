"""Looks up everything that the intake page shows about a caller's line."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from sync_server.customers.address_words import search_text
from sync_server.customers.customer import Flag, Household, digits_of
from sync_server.customers.customer_store import (
    find_by_meter,
    find_by_phone,
    find_by_words,
    get_household,
)
from sync_server.service_desk.catalogue import RULES, priority_for
from sync_server.service_desk.danger_words import danger_to_ask
from sync_server.service_desk.door_words import is_at_door
from sync_server.service_desk.intake_line import IntakeLine, parse_line
from sync_server.service_desk.likeness import Intake, Likeness, LikenessTerms, likeness
from sync_server.service_desk.request import RequestClass
from sync_server.service_desk.request_finds_store import known_near, of_phone
from sync_server.service_desk.request_store import Office, load_terms
from sync_server.web.desk_look_store import alerts_near, newest_values
from sync_server.web.intake_views import Chosen, Look, choose_home
from sync_server.web.request_views import Names, RequestRow, request_row
from sync_server.web.words import Words
from sync_server.work_orders.policy_store import policies_at
from wire_contracts.errors import ContractError

_CONTACTS = 6
_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What the page's fields hold."""

    line: str
    phone: str
    chosen: Chosen


def look_up(
    connection: Connection, typed: Typed, office: Office, words: Words, names: Names
) -> Look:
    """Return what is known; every lookup has its limit, so that it answers while one types."""
    line, homes = _line_and_homes(connection, typed)
    by_phone = find_by_phone(connection, typed.phone)
    wanted = _wanted(typed, line)
    if not line.search and not line.meter_id:
        homes = _with_wanted(connection, list(by_phone), wanted)
    home = choose_home(homes, by_phone, wanted)
    request_class = typed.chosen.request_class or line.request_class
    like = _likeness(connection, request_class, home, office)
    flags: frozenset[Flag] = home.customer.flags if home and home.customer else frozenset()
    is_repeat = like is not None and like.repeat_of is not None
    proposed = (
        4 if request_class is None else priority_for(request_class, flags, is_repeat=is_repeat)
    )
    meters = home.premises.meter_ids if home else ()
    return Look(
        line=line,
        phone=typed.phone,
        homes=homes,
        home_for=home_key(line, typed.phone),
        home=home,
        request_class=request_class,
        danger=danger_to_ask(typed.line, request_class),
        priority=min(proposed, typed.chosen.priority or proposed),
        likeness=like,
        alerts=alerts_near(connection, meters, home.premises.community_id if home else None),
        values=newest_values(connection, meters),
        contacts=_contacts(connection, typed.phone, home, office, words, names),
        terms=load_terms(connection, office),
        now_utc=office.now_utc,
    )


def _line_and_homes(connection: Connection, typed: Typed) -> tuple[IntakeLine, list[Household]]:
    """Return the line, read with the first door that the register has, and the homes it leads to.

    A place that leads to no home leads to none: never to the caller's own.
    """
    line = parse_line(typed.line)
    for door in line.doors:
        read = parse_line(typed.line, door)
        found = _at_place(connection, read)
        if found:
            return read, found
    if line.search:
        return line, [] if line.door else list(find_by_words(connection, line.search))
    of_meter = find_by_meter(connection, line.meter_id.upper()) if line.meter_id else None
    return line, [of_meter] if of_meter else []


def _at_place(connection: Connection, line: IntakeLine) -> list[Household]:
    """Return the homes whose door has these numbers whole, at its beginning where there are any."""
    found = find_by_words(connection, line.search, line.door)
    return list(found) or [
        each
        for each in find_by_words(connection, line.search)
        if is_at_door(search_text(each.premises.address), line.door)
    ]


def home_key(line: IntakeLine, phone: str) -> str:
    """Return what a home is chosen for by hand; for another place or caller it is chosen anew."""
    return "|".join((line.search, line.meter_id, digits_of(phone)))


def _wanted(typed: Typed, line: IntakeLine) -> str:
    chosen_for = typed.chosen.home_for
    is_meant = chosen_for is None or chosen_for == home_key(line, typed.phone)
    return typed.chosen.home if is_meant else ""


def _with_wanted(connection: Connection, found: list[Household], wanted: str) -> list[Household]:
    """Return the caller's homes, and the one that was asked for by its id."""
    if not wanted or any(each.premises.premises_id == wanted for each in found):
        return found
    try:
        return [get_household(connection, wanted), *found]
    except ContractError:
        return found


def load_likeness_terms(connection: Connection, office: Office) -> LikenessTerms:
    """Return the policies that say what is the same matter."""
    held = policies_at(connection, "desk.", office.now_utc)
    return LikenessTerms(
        repeat=timedelta(days=held.get("desk.repeat.days", 30)),
        flood=timedelta(minutes=held.get("desk.flood.minutes", 60)),
        flood_count=round(held.get("desk.flood.count", 3)),
    )


def _likeness(
    connection: Connection,
    request_class: RequestClass | None,
    home: Household | None,
    office: Office,
) -> Likeness | None:
    if request_class is None or home is None:
        return None
    terms = load_likeness_terms(connection, office)
    premises = home.premises
    here = known_near(connection, premises.premises_id, None, office.now_utc - _YEAR)
    near = known_near(connection, None, premises.community_id, office.now_utc - terms.flood)
    known = list({each.request_id: each for each in (*here, *near)}.values())
    intake = Intake(
        request_class=request_class,
        safety_class=RULES[request_class].safety_class,
        premises_id=premises.premises_id,
        community_id=premises.community_id,
        at_utc=office.now_utc,
    )
    return likeness(known, intake, terms)


def _contacts(  # noqa: PLR0913, PLR0917  # whose, and in whose words
    connection: Connection,
    phone: str,
    home: Household | None,
    office: Office,
    words: Words,
    names: Names,
) -> list[RequestRow]:
    since_utc = office.now_utc - _YEAR
    here = known_near(connection, home.premises.premises_id, None, since_utc) if home else ()
    found = {each.request_id: each for each in (*of_phone(connection, phone), *here)}
    newest = sorted(found.values(), key=lambda each: each.request_id, reverse=True)
    return [request_row(each, words, office.now_utc, names) for each in newest[:_CONTACTS]]
