"""Teams, skills with their end, languages, messages to whoever is absent."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine, delete

from sync_server.access.account_store import Crew, create_crew, deactivate_account
from sync_server.access.roles import Role
from sync_server.db.staff_tables import PERSON_SKILL
from sync_server.service_desk.request import RequestClass
from sync_server.service_desk.request_store import record_request, send_crew
from sync_server.staff.notice_store import (
    NewMessage,
    empty_naming,
    empty_old,
    leave_message,
    messages_of,
    read_message,
    unread_count,
)
from sync_server.staff.skill_store import (
    PersonSkill,
    Work,
    end_skill,
    fit_crews,
    list_skills,
    note_skill,
    speakers,
)
from sync_server.staff.skills import Skill, Standing, needed_skill, standing_of
from sync_server.staff.team_store import (
    find_team,
    list_teams,
    name_team,
    put_into_team,
    teams_by_account,
)
from sync_server.work_orders.order_store import assign
from tests.sync_server.people_parts import person
from tests.sync_server.real_parts import NOON
from tests.sync_server.service_desk.desk_town import DeskTown, found_desk_town, wanted
from wire_contracts.errors import ContractError
from wire_contracts.orders import OrderType, SafetyClass
from wire_contracts.quantities import Medium

YEAR = timedelta(days=365)


def certified(
    connection: Connection, town: DeskTown, account_id: str, skill: Skill, ends: timedelta | None
) -> None:
    new = PersonSkill(
        account_id=account_id,
        skill=skill,
        certificate="GB-77",
        ends_at_utc=None if ends is None else NOON + ends,
    )
    note_skill(connection, new, town.leader, NOON)


def two_crews(connection: Connection) -> tuple[str, str]:
    create_crew(connection, Crew(crew_id="crew-2", name="Repair 2", area_ids=("north",)), NOON)
    first = person(connection, "wang", Role.CREW_MEMBER, "crew-1").account_id
    second = person(connection, "li", Role.CREW_MEMBER, "crew-2").account_id
    return first, second


def test_a_crew_is_sent_when_somebody_of_it_holds_the_skill(engine: Engine) -> None:
    """Rule A-06: professional staff is arranged; A-44: a certificate that ended blocks it."""
    with engine.begin() as connection:
        town = found_desk_town(connection)
        first, second = two_crews(connection)
        boss = town.office(town.dispatcher)
        before = fit_crews(
            connection,
            Work(
                order_type=OrderType.NO_SUPPLY,
                medium=Medium.GAS,
                safety_class=SafetyClass.B,
            ),
            NOON,
        )
        certified(connection, town, first, Skill.GAS_WORK, -timedelta(days=1))
        certified(connection, town, second, Skill.GAS_WORK, YEAR)
        no_gas = record_request(connection, wanted(RequestClass.NO_GAS), (), boss)
        with pytest.raises(ContractError, match="send one of: crew-2"):
            send_crew(connection, no_gas, "crew-1", boss)
        sent = send_crew(connection, no_gas, None, boss)
        with pytest.raises(ContractError, match="nobody holds gas_work"):
            assign(connection, sent.order_id or "", "crew-1", town.dispatcher, NOON)
        leak = record_request(connection, wanted(RequestClass.GAS_LEAK, "p-2"), (), boss)
        danger = send_crew(connection, leak, "crew-1", boss)
        end_skill(connection, second, Skill.GAS_WORK, town.leader, NOON)
        third = record_request(connection, wanted(RequestClass.NO_GAS, "p-3"), (), boss)
        with pytest.raises(ContractError, match="fit for it"):
            send_crew(connection, third, None, boss)

    assert before is None
    assert (sent.team, danger.team) == ("crew-2", "crew-1")


@pytest.mark.parametrize(
    ("ends", "standing"),
    [
        (None, Standing.VALID),
        (timedelta(days=61), Standing.VALID),
        (timedelta(days=60), Standing.EXPIRING),
        (timedelta(0), Standing.EXPIRED),
    ],
)
def test_a_certificate_is_valid_then_expiring_then_expired(
    ends: timedelta | None, standing: Standing
) -> None:
    """Rule A-44."""
    until = None if ends is None else NOON + ends

    assert standing_of(until, NOON, timedelta(days=60)) is standing


def test_what_ends_first_stands_first_and_who_left_is_not_listed(engine: Engine) -> None:
    with engine.begin() as connection:
        town = found_desk_town(connection)
        first, second = two_crews(connection)
        certified(connection, town, first, Skill.METERING, None)
        certified(connection, town, first, Skill.GAS_WORK, YEAR)
        certified(connection, town, second, Skill.GAS_WORK, timedelta(days=3))
        certified(connection, town, first, Skill.GAS_WORK, timedelta(days=9))
        listed = [(each.account_id, each.skill) for each in list_skills(connection)]
        deactivate_account(connection, second, town.leader, NOON)
        left = {each.account_id for each in list_skills(connection)}

    assert listed == [
        (second, Skill.GAS_WORK),
        (first, Skill.GAS_WORK),
        (first, Skill.METERING),
    ]
    assert left == {first}


def test_a_caller_is_led_to_whoever_speaks_the_language(engine: Engine) -> None:
    """Rules A-19, K11: language is an attribute of routing; everybody speaks Mandarin."""
    with engine.begin() as connection:
        town = found_desk_town(connection)
        certified(connection, town, town.agent, Skill.SPEAKS_YUE, None)
        found = [speakers(connection, each, NOON) for each in ("yue", "zh", "en", "fr")]
        connection.execute(delete(PERSON_SKILL))

    assert found == [["liu"], (), [], ()]


def test_a_team_is_found_by_each_of_its_names(engine: Engine) -> None:
    """Rule E-01: three teams; the charging team and the service team are one."""
    with engine.begin() as connection:
        town = found_desk_town(connection)
        teams = [each.team_id for each in list_teams(connection)]
        charging, service = find_team(connection, "收费班"), find_team(connection, "客服班")
        put_into_team(connection, town.agent, "收费班", town.leader, NOON)
        first = dict(teams_by_account(connection))
        put_into_team(connection, town.agent, "Patrol TEAM", town.leader, NOON)
        second = dict(teams_by_account(connection))
        put_into_team(connection, town.agent, "", town.leader, NOON)
        name_team(connection, "patrol", ["巡查班", " "], town.leader, NOON)
        renamed = find_team(connection, "巡查班")
        with pytest.raises(ContractError, match="is the team service"):
            name_team(connection, "patrol", ["收费班"], town.leader, NOON)
        with pytest.raises(ContractError, match="does not exist"):
            name_team(connection, "none", ["x"], town.leader, NOON)
        with pytest.raises(ContractError, match="does not exist"):
            put_into_team(connection, town.agent, "none", town.leader, NOON)
        left = dict(teams_by_account(connection))

    assert teams == ["patrol", "repair", "service"]
    assert (charging, service) == (service, charging)
    assert (first, second, left) == ({town.agent: "service"}, {town.agent: "patrol"}, {})
    assert renamed is not None
    assert renamed.team_id == "patrol"


def test_a_message_waits_for_whoever_was_absent_and_is_emptied_later(engine: Engine) -> None:
    """Rule D-07: the called person is absent, a message is taken."""
    with engine.begin() as connection:
        town = found_desk_town(connection)
        new = NewMessage(to_account=town.leader, caller="陈桂芳 155", text="call back about M-2")
        message = leave_message(connection, new, town.agent, NOON)
        for field, text in (("text", " "), ("to", "x")):
            wrong = NewMessage(
                to_account=town.leader if field == "text" else "nobody", caller="", text=text
            )
            with pytest.raises(ContractError):
                leave_message(connection, wrong, town.agent, NOON)
        waiting = unread_count(connection, town.leader)
        with pytest.raises(ContractError, match="does not exist"):
            read_message(connection, message.message_id, town.agent, NOON)
        read_message(connection, message.message_id, town.leader, NOON)
        kept = empty_old(connection, timedelta(days=90), NOON + timedelta(days=90))
        emptied = empty_old(connection, timedelta(days=90), NOON + timedelta(days=91))
        again = empty_old(connection, timedelta(days=90), NOON + timedelta(days=91))
        left = messages_of(connection, town.leader)

    assert (message.caller, message.text) == ("陈桂芳 155", "call back about M-2")
    assert (waiting, kept, emptied, again) == (1, 0, 1, 0)
    assert [(each.caller, each.text, each.read_at_utc) for each in left] == [("", "", NOON)]


def test_meter_work_needs_metering_and_everything_else_the_medium() -> None:
    assert needed_skill(OrderType.METER_EXCHANGE, Medium.GAS) is Skill.METERING
    assert needed_skill(OrderType.LEAK_CHECK, Medium.HEAT) is Skill.HEAT_WORK


def test_messages_that_name_an_erased_person_are_emptied_and_the_others_stay(
    engine: Engine,
) -> None:
    with engine.begin() as connection:
        town = found_desk_town(connection)
        for caller, text in (
            ("陈桂芳", "call back"),
            ("", "ring 155-0101-2890 about the valve"),
            ("Li, 139 0000 1111", "room 2890"),
        ):
            new = NewMessage(to_account=town.leader, caller=caller, text=text)
            leave_message(connection, new, town.agent, NOON)
        emptied = empty_naming(connection, "陈桂芳", "155 0101 2890", "system", NOON)
        again = empty_naming(connection, "陈桂芳", "155 0101 2890", "system", NOON)
        left = [each.text for each in messages_of(connection, town.leader) if each.text]

    assert (emptied, again, left) == (2, 0, ["room 2890"])
