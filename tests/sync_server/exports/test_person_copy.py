"""Everything that is held on one person, and files that wait for a director."""

import json
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import Engine, select, text

from sync_server.__main__ import main
from sync_server.access.audit_store import list_audit
from sync_server.access.roles import Role
from sync_server.customers.customer import Customer, Premises
from sync_server.customers.customer_store import erase_customer, put_customers, put_premises
from sync_server.db.engine_io import open_engine, reading
from sync_server.db.metadata import METADATA
from sync_server.db.migrate_io import migrate
from sync_server.db.reading_tables import READING
from sync_server.exports.export_request import ExportKind, ExportState, Taking
from sync_server.exports.export_store import ask, decide, exports_of, hold_back, is_free
from sync_server.exports.person_copy_store import (
    PersonCopy,
    copy_json,
    copy_of_account,
    copy_of_customer,
)
from sync_server.exports.person_sections import ACCOUNT_SECTIONS, CUSTOMER_SECTIONS
from sync_server.service_desk.erasing_store import erase_callers
from sync_server.service_desk.request import RequestClass
from sync_server.service_desk.request_store import record_request
from tests.sync_server.people_parts import person
from tests.sync_server.real_parts import NOON, wait_until
from tests.sync_server.service_desk.desk_town import PHONE, found_desk_town, wanted
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc

NAME = "陈桂芳"
LEADS_TO_A_PERSON = ("phone", "caller", "customer_id", "premises_id", "request_id", "order_id")
"""Columns by which a row can be about a customer."""

LEFT_OUT = {
    "home_review": "who of the staff looked through a file",
    "complaint_measure": "what colleagues agreed to do",
    "complaint_appeal": "what colleagues said to a verdict",
    "escalation": "what colleagues asked each other",
    "case_record": "written without names of customers",
    "quality_check": "how a colleague's contact was judged",
    "outside_request": "which system brought a request",
    "paper_slip": "which printed number a request had",
    "work_order_event": "who of the staff moved an order",
    "request_group": "which calls of a place were one matter",
    "plant": "a part of the network",
    "order_copy": "what a tablet was shown of a lost order; whom to meet is never in it",
    "order_at_restore": "how an order stood when a backup was put back; the order itself is copied",
    "repeated_work": "what tablets told again after that; what counts of it is in the order",
}


def test_every_table_that_leads_to_a_customer_is_in_the_copy_or_left_out_for_a_reason() -> None:
    held = {each.key.table.name for each in (*CUSTOMER_SECTIONS, *ACCOUNT_SECTIONS)}

    leads = {
        table.name
        for table in METADATA.tables.values()
        if any(name in table.c for name in LEADS_TO_A_PERSON)
    }

    assert leads - held - set(LEFT_OUT) == set()


def test_a_copy_holds_what_is_known_and_nothing_of_the_neighbour(engine: Engine) -> None:
    with engine.begin() as connection:
        town = found_desk_town(connection)
        record_request(connection, wanted(RequestClass.GAS_LEAK), (), town.office())
        connection.execute(
            READING.insert().values(
                meter_id="M-2",
                measured_at_ms=ms_from_utc(NOON),
                volume_base_m3=12.5,
                profile="p",
                revision=1,
            )
        )

    with reading(engine) as connection:
        copy = copy_of_customer(connection, NAME, "+86 15501012890")
    text = copy_json(copy, NOON).decode()
    sections = json.loads(text)["sections"]

    assert [each["address"] for each in sections["homes"]] == ["北苑街12号3号楼2单元1102室"]
    assert [each["words"] for each in sections["own_words"]] == ["厨房有味"]
    assert [each["medium"] for each in sections["requests"]] == ["gas"]
    assert sections["readings"] == [
        {
            "meter_id": "M-2",
            "measured_at_utc": NOON.isoformat(timespec="milliseconds"),
            "volume_base_m3": 12.5,
        }
    ]
    assert "李静" not in text
    assert town.agent not in text


def test_nobody_is_mixed_up_with_somebody_of_the_same_name_or_number(engine: Engine) -> None:
    with engine.begin() as connection:
        found_desk_town(connection)
        put_customers(
            connection, [Customer(customer_id="c-9", name=NAME, phone="139 0000 0000")], NOON
        )
        put_premises(
            connection, [Premises(premises_id="p-9", address="南苑", customer_id="c-9")], NOON
        )

    with reading(engine) as connection:
        mine = copy_of_customer(connection, NAME, PHONE)
        with pytest.raises(ContractError):
            copy_of_customer(connection, "李静", PHONE)

    assert [each["premises_id"] for each in mine.sections["homes"]] == ["p-1"]


def test_after_erasing_there_is_nothing_left_to_copy(engine: Engine) -> None:
    with engine.begin() as connection:
        town = found_desk_town(connection)
        record_request(connection, wanted(RequestClass.GAS_LEAK), (), town.office())
        erase_callers(
            connection, name=NAME, phone=PHONE, order_ids=[], actor=town.quality, now_utc=NOON
        )
        erase_customer(connection, NAME, PHONE, town.quality, NOON)

    with reading(engine) as connection, pytest.raises(ContractError):
        copy_of_customer(connection, NAME, PHONE)


def test_a_person_erased_while_a_copy_is_made_is_in_it_whole_and_gone_after(
    postgres_engine: Engine,
) -> None:
    with postgres_engine.begin() as connection:
        town = found_desk_town(connection)
        record_request(connection, wanted(RequestClass.GAS_LEAK), (), town.office())
    with reading(postgres_engine) as connection:
        before = copy_of_customer(connection, NAME, PHONE)
    copies: list[PersonCopy] = []

    def take() -> None:
        with reading(postgres_engine) as connection:
            copies.append(copy_of_customer(connection, NAME, PHONE))

    def erase() -> None:
        with postgres_engine.begin() as connection:
            erase_callers(
                connection, name=NAME, phone=PHONE, order_ids=[], actor=town.quality, now_utc=NOON
            )
            erase_customer(connection, NAME, PHONE, town.quality, NOON)

    taker, eraser = Thread(target=take), Thread(target=erase)
    with postgres_engine.begin() as gate:
        gate.exec_driver_sql("LOCK TABLE message_consent")
        taker.start()
        wait_until(lambda: waiting_count(postgres_engine) == 1)
        eraser.start()
        wait_until(lambda: waiting_count(postgres_engine) == 2 or not eraser.is_alive())
    taker.join(60)
    eraser.join(60)

    assert copies == [before]
    with reading(postgres_engine) as connection, pytest.raises(ContractError):
        copy_of_customer(connection, NAME, PHONE)


def waiting_count(engine: Engine) -> int:
    """Return how many transactions of this database wait for a lock."""
    query = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with reading(engine) as connection:
        count: int = connection.execute(text(query)).scalar_one()
    return count


def test_a_colleagues_copy_holds_no_secret(engine: Engine) -> None:
    with engine.begin() as connection:
        town = found_desk_town(connection)
        record_request(connection, wanted(RequestClass.GAS_LEAK), (), town.office())

    with reading(engine) as connection:
        copy = copy_of_account(connection, town.agent)

    assert copy.sections["account"][0]["login"] == "liu"
    assert copy.sections["acts"]
    assert "password_hash" not in copy_json(copy, NOON).decode()


def test_a_bulky_file_waits_for_a_director_and_then_leaves_for_a_day(engine: Engine) -> None:
    taking = Taking(kind=ExportKind.BULK, target="/reports/requests.csv", row_count=1001)
    small = Taking(kind=ExportKind.BULK, target="/reports/requests.csv", row_count=1000)
    other = Taking(kind=ExportKind.BULK, target="/reports/calls.csv", row_count=1001)
    with engine.begin() as connection:
        he = person(connection, "he", Role.QUALITY_OFFICER)
        boss = person(connection, "boss", Role.DIRECTOR)
        at_once = [is_free(connection, each, he, NOON) for each in (small, taking)]
        of_boss = is_free(connection, taking, boss, NOON)
        held = hold_back(connection, taking, he.account_id, NOON)
        again = hold_back(connection, taking, he.account_id, NOON)
        with pytest.raises(ContractError):
            ask(connection, held, " ", he.account_id, NOON)
        with pytest.raises(ContractError):
            ask(connection, held, "mine", boss.account_id, NOON)
        state = ask(connection, held, "yearly audit", he.account_id, NOON)
        with pytest.raises(ContractError):
            decide(connection, held, ExportState.APPROVED, "", he.account_id, NOON)
        with pytest.raises(ContractError):
            decide(connection, held, ExportState.REFUSED, "", boss.account_id, NOON)
        decide(connection, held, ExportState.APPROVED, "", boss.account_id, NOON)
        with pytest.raises(ContractError):
            decide(connection, held, ExportState.REFUSED, "late", boss.account_id, NOON)
        free = [
            is_free(connection, each, he, NOON + timedelta(hours=hours))
            for each, hours in ((taking, 23), (taking, 24), (other, 1))
        ]

    with reading(engine) as connection:
        actions = [each.action for each in list_audit(connection) if "export" in each.action]
        seen = [len(exports_of(connection, each)) for each in (he, boss)]

    assert (at_once, of_boss, again, state) == ([True, False], True, held, ExportState.ASKED)
    assert free == [True, False, False]
    assert sorted(actions) == ["export.approved", "export.asked", "export.held"]
    assert seen == [1, 1]


def test_a_copy_of_a_person_always_needs_a_reason_a_directors_too(engine: Engine) -> None:
    taking = Taking(kind=ExportKind.PERSON, target="/homes/p-1/held", row_count=1)
    with engine.begin() as connection:
        boss = person(connection, "boss", Role.DIRECTOR)
        before = is_free(connection, taking, boss, NOON)
        held = hold_back(connection, taking, boss.account_id, NOON)
        state = ask(connection, held, "the customer asked", boss.account_id, NOON)
        behind = is_free(connection, taking, boss, NOON)

    assert (before, state, behind) == (False, ExportState.APPROVED, True)


def test_the_command_writes_a_file_for_nobody_else_and_keeps_it_in_the_audit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'server.sqlite3'}")
    migrate(engine)
    with engine.begin() as connection:
        found_desk_town(connection)
    out = tmp_path / "copy.json"
    place = ["--data", str(tmp_path)]

    taken = main(["export-person", *place, "--customer", NAME, PHONE, str(out)])
    unknown = main(["export-person", *place, "--customer", "nobody", PHONE, str(out)])
    colleague = main(["export-person", *place, "--account", "liu", str(tmp_path / "liu.json")])
    no_order = main(["export-person", *place, "--order", "WO-9", str(out)])

    with reading(engine) as connection:
        subjects = [e.subject for e in list_audit(connection) if e.action == "person.export"]
        account_id = connection.execute(
            select(METADATA.tables["account"].c.account_id).where(
                METADATA.tables["account"].c.login == "liu"
            )
        ).scalar_one()
    engine.dispose()
    assert (taken, unknown, colleague, no_order) == (0, 1, 0, 1)
    assert json.loads(out.read_text())["person"] == "c-1"
    assert out.stat().st_mode & 0o077 == 0
    assert sorted(subjects) == sorted(["c-1", account_id])
    assert "rows to" in capsys.readouterr().out
