"""Planned interruptions: who is concerned, who is told, and how messages leave."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, update

from sync_server.assets.network_store import save_network
from sync_server.customers.customer_store import erase_customer
from sync_server.db.asset_tables import COMMUNITY, METER
from sync_server.messages.message_store import (
    keep_consent,
    queue_message,
    states_of,
    waiting_messages,
)
from sync_server.messages.messenger_io import FileMessenger, MessengerError
from sync_server.messages.send_run_io import send_once
from sync_server.messages.templates import RULES, MessageState, Template, message_text, wait_after
from sync_server.outages.concerned import closed_sections, hanging_there
from sync_server.outages.interruption import Interruption, NewInterruption, OutageEvent, OutageState
from sync_server.outages.interruption_store import (
    add_community,
    move_interruption,
    newest_interruptions,
    places_of,
    plan,
    valves_of,
)
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.service_desk.desk_town import PHONE, DeskTown, found_desk_town
from wire_contracts.errors import ContractError
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.network import NetworkPart, NetworkPoint, Pipe, PipeLevel, Plane, PointKind
from wire_contracts.quantities import Medium

GAS = Medium.GAS


def pipe(pipe_id: str, from_x: float, to_x: float, *valves: str, y_m: float = 0.0) -> Pipe:
    return Pipe(
        pipe_id=pipe_id,
        medium=GAS,
        level=PipeLevel.LOW,
        line_m=((from_x, y_m), (to_x, y_m)),
        closed_by=valves,
    )


WEST, MIDDLE, EAST = (
    pipe("west", 0, 100, "v-1"),
    pipe("middle", 100, 200, "v-1", "v-2"),
    pipe("east", 200, 300, "v-2"),
)
PIPES = (WEST, MIDDLE, EAST)


def test_a_section_is_lost_when_each_of_its_valves_is_closed() -> None:
    one = closed_sections(PIPES, GAS, frozenset({"v-1"}))
    both = closed_sections(PIPES, GAS, frozenset({"v-1", "v-2"}))
    other = closed_sections(PIPES, Medium.WATER, frozenset({"v-1"}))

    assert (one.lost, one.doubtful) == (frozenset({"west"}), frozenset({"middle"}))
    assert (both.lost, both.doubtful) == (frozenset({"west", "middle", "east"}), frozenset())
    assert (other.lost, other.doubtful) == (frozenset(), frozenset())


@given(st.sets(st.sampled_from(["v-1", "v-2", "v-3"])), st.sampled_from(["v-1", "v-2"]))
def test_another_closed_valve_never_gives_a_section_back(valves: set[str], more: str) -> None:
    before = closed_sections(PIPES, GAS, frozenset(valves))
    after = closed_sections(PIPES, GAS, frozenset(valves) | {more})

    assert before.lost <= after.lost
    assert not after.lost & after.doubtful


def test_a_home_hangs_on_the_nearest_section_within_reach() -> None:
    spots = {"near": (50.0, 20.0), "next": (190.0, 5.0), "far": (50.0, 400.0), "at": (0.0, 0.0)}

    assert hanging_there(PIPES, GAS, frozenset({"west"}), spots) == {"near", "at"}
    assert hanging_there(PIPES, GAS, frozenset(), spots) == frozenset()


def lay_network(connection: Connection) -> None:
    points = tuple(
        NetworkPoint(
            point_id=name,
            kind=PointKind.VALVE,
            medium=GAS,
            level=PipeLevel.LOW,
            x_m=x_m,
            y_m=0.0,
            name=f"valve {name}",
        )
        for name, x_m in (("v-1", 100.0), ("v-2", 200.0))
    )
    plane = Plane(latitude_deg=36.65, longitude_deg=117.12)
    part = NetworkPart(area_id="north", plane=plane, pipes=PIPES, points=points)
    save_network(connection, part, NOON)
    connection.execute(update(METER).where(METER.c.meter_id == "M-2").values(x_m=50.0, y_m=10.0))
    connection.execute(update(COMMUNITY).values(x_m=150.0, y_m=10.0))


def planned(
    connection: Connection, town: DeskTown, hours: float = 72, **more: bool
) -> Interruption:
    from_utc = NOON + timedelta(hours=hours)
    new = NewInterruption(
        medium=GAS,
        reason="new valve",
        valves=("v-1",),
        from_utc=from_utc,
        to_utc=from_utc + timedelta(hours=6),
        is_urgent=more.get("is_urgent", False),
    )
    return plan(connection, new, town.office(town.dispatcher))


def test_the_network_says_who_is_concerned_and_announcing_tells_each_once(engine: Engine) -> None:
    with engine.begin() as connection:
        town = found_desk_town(connection)
        lay_network(connection)
        names = [each.name for each in valves_of(connection, GAS)]
        found = planned(connection, town)
        places = places_of(connection, found.interruption_id)
        office = town.office(town.dispatcher)
        told = move_interruption(connection, found.interruption_id, OutageEvent.ANNOUNCE, office)
        subject = str(found.interruption_id)
        waiting = waiting_messages(connection, "Beicheng", NOON)
        states = states_of(connection, Template.INTERRUPTION, subject)
        with pytest.raises(RefusedTransition, match="possible now: begin, cancel"):
            move_interruption(connection, found.interruption_id, OutageEvent.ANNOUNCE, office)
        cancelled = move_interruption(connection, found.interruption_id, OutageEvent.CANCEL, office)
        again = states_of(connection, Template.INTERRUPTION_CANCELLED, subject)

    assert names == ["valve v-1", "valve v-2"]
    assert [(each.community_id, each.lost, each.doubtful) for each in places] == [("c-north", 1, 3)]
    assert (told.state, cancelled.state) == (OutageState.ANNOUNCED, OutageState.CANCELLED)
    assert states == again == {MessageState.WAITING: 2}
    assert {each.number for each in waiting} == {PHONE, "+86 138 0101 7745"}
    assert waiting[0].text == (
        "【Beicheng】2026-11-05 12:00 至 11-05 18:00 计划停气，原因：new valve。请关好阀门和龙头。"
    )


def test_customers_hear_of_it_two_days_before_or_it_is_urgent(sqlite_engine: Engine) -> None:
    """Clock CL17."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        lay_network(connection)
        office = town.office(town.dispatcher)
        soon = planned(connection, town, hours=47)
        with pytest.raises(ContractError, match="is less than 48 h ahead"):
            move_interruption(connection, soon.interruption_id, OutageEvent.ANNOUNCE, office)
        urgent = planned(connection, town, hours=1, is_urgent=True)
        told = move_interruption(connection, urgent.interruption_id, OutageEvent.ANNOUNCE, office)
        for event in (OutageEvent.BEGIN, OutageEvent.END):
            told = move_interruption(connection, urgent.interruption_id, event, office)
        never = move_interruption(connection, soon.interruption_id, OutageEvent.CANCEL, office)
        unsaid = states_of(connection, Template.INTERRUPTION_CANCELLED, str(soon.interruption_id))
        listed = [each.interruption_id for each in newest_interruptions(connection)]

    assert (told.state, never.state, unsaid) == (OutageState.ENDED, OutageState.CANCELLED, {})
    assert listed == [soon.interruption_id, urgent.interruption_id]


def test_a_plan_needs_a_reason_times_and_somebody_who_may(sqlite_engine: Engine) -> None:
    later = NOON + timedelta(hours=3)
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        office = town.office(town.dispatcher)
        for reason, from_utc, to_utc, refusal in (
            (" ", NOON, later, "customers read it"),
            ("works", later, NOON, "is not behind its beginning"),
            ("works", NOON - timedelta(hours=3), NOON, "is over"),
        ):
            new = NewInterruption(
                medium=GAS, reason=reason, valves=(), from_utc=from_utc, to_utc=to_utc
            )
            with pytest.raises(ContractError, match=refusal):
                plan(connection, new, office)
        fine = NewInterruption(medium=GAS, reason="w", valves=(), from_utc=NOON, to_utc=later)
        with pytest.raises(ContractError, match="may not plan_interruption"):
            plan(connection, fine, town.office())
        bare = plan(connection, fine, office)
        added = add_community(connection, bare.interruption_id, "c-north", office)
        twice = add_community(connection, bare.interruption_id, "c-north", office)
        places = places_of(connection, bare.interruption_id)

    assert (added, twice) == (4, 0)
    assert [(each.lost, each.by_hand) for each in places] == [(0, 4)]


def test_messages_leave_once_through_the_port_and_failures_are_tried_again(
    sqlite_engine: Engine, clock: HandClock, tmp_path: Path
) -> None:
    blocked, open_path = tmp_path / "no" / "file", tmp_path / "out.jsonl"
    (tmp_path / "no").write_text("a file where a folder should be")
    with sqlite_engine.begin() as connection:
        found_desk_town(connection)
        details = {"number": "R-1"}
        keep_consent(connection, "c-1", "liu", NOON, is_allowed=True)
        first = queue_message(connection, Template.REPLY, "r-1", "c-1", details, NOON)
        twice = queue_message(connection, Template.REPLY, "r-1", "c-1", details, NOON)
        unasked = queue_message(connection, Template.REPLY, "r-1", "c-2", details, NOON)
        nobody = queue_message(connection, Template.INTERRUPTION, "1", "c-9", {}, NOON)
    failed = send_once(sqlite_engine, clock, FileMessenger(blocked), "Site")
    too_early = send_once(sqlite_engine, clock, FileMessenger(open_path), "Site")
    clock.advance(minutes=2)
    sent = send_once(sqlite_engine, clock, FileMessenger(open_path), "Site")
    again = send_once(sqlite_engine, clock, FileMessenger(open_path), "Site")
    lines = [json.loads(each) for each in open_path.read_text(encoding="utf-8").splitlines()]

    assert (first, twice, unasked, nobody) == (
        MessageState.WAITING,
        MessageState.WAITING,
        MessageState.NO_CONSENT,
        MessageState.NO_NUMBER,
    )
    assert (failed, too_early, sent, again) == (0, 0, 1, 0)
    assert [(each["to"], each["text"]) for each in lines] == [
        (PHONE, "【Site】您的请求 R-1 已有答复，如有疑问请致电服务热线。")
    ]


def test_a_message_that_never_leaves_is_given_up_and_an_erased_customer_has_no_number(
    sqlite_engine: Engine, clock: HandClock, tmp_path: Path
) -> None:
    class Broken:
        def send(self, message_id: int, number: str, text: str) -> None:
            raise MessengerError(f"{message_id}: {number}: {text}: gateway is down")

    with sqlite_engine.begin() as connection:
        found_desk_town(connection)
        queue_message(connection, Template.INTERRUPTION, "7", "c-1", {}, NOON)
    for _ in range(5):
        send_once(sqlite_engine, clock, Broken(), "Site")
        clock.advance(hours=7)
    with sqlite_engine.begin() as connection:
        given_up = states_of(connection, Template.INTERRUPTION, "7")
        queue_message(connection, Template.INTERRUPTION, "8", "c-2", {}, NOON)
        erase_customer(connection, "李静", "+86 138 0101 7745", "system", NOON)
    send_once(sqlite_engine, clock, FileMessenger(tmp_path / "out.jsonl"), "Site")
    with sqlite_engine.begin() as connection:
        erased = states_of(connection, Template.INTERRUPTION, "8")

    assert (given_up, erased) == ({MessageState.FAILED: 1}, {MessageState.NO_NUMBER: 1})
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("language", ["zh", "en", "yue"])
@pytest.mark.parametrize("template", list(Template))
def test_every_template_is_whole_in_every_language(template: Template, language: str) -> None:
    text = message_text(template, {"site": "Site"}, language)

    assert "{" not in text
    assert "Site" in text
    assert RULES[template].text.zh != RULES[template].text.en


def test_waits_grow_until_it_is_given_up() -> None:
    waits = [wait_after(each) for each in range(1, 6)]
    known = [each for each in waits if each is not None]

    assert known == sorted(known)
    assert waits[4] is None
