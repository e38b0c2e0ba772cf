"""Looks up everything that the intake page shows about a caller's line."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from sync_server.customers.customer import Flag, Household
from sync_server.customers.customer_store import (
    find_by_meter,
    find_by_phone,
    find_by_words,
    get_household,
)
from sync_server.service_desk.catalogue import RULES, priority_for
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
    line = parse_line(typed.line)
    by_phone = find_by_phone(connection, typed.phone)
    homes = _homes(connection, line, list(by_phone), typed.chosen.home)
    home = choose_home(homes, by_phone, typed.chosen.home)
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
        home=home,
        request_class=request_class,
        priority=min(proposed, typed.chosen.priority or proposed),
        likeness=like,
        alerts=alerts_near(connection, meters, home.premises.community_id if home else None),
        values=newest_values(connection, meters),
        contacts=_contacts(connection, typed.phone, home, office, words, names),
        terms=load_terms(connection, office),
        now_utc=office.now_utc,
    )


def _homes(
    connection: Connection, line: IntakeLine, by_phone: list[Household], wanted: str
) -> list[Household]:
    found: list[Household] = []
    if line.search:
        found = list(find_by_words(connection, line.search))
    elif line.meter_id:
        of_meter = find_by_meter(connection, line.meter_id.upper())
        found = [of_meter] if of_meter else []
    found = found or by_phone
    is_there = any(each.premises.premises_id == wanted for each in found)
    if wanted and not is_there:
        try:
            found = [get_household(connection, wanted), *found]
        except ContractError:
            return found
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
