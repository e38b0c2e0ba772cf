"""Customers and homes: found as people say them, imported row by row, erased."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from sync_server.access.audit_store import verify_audit
from sync_server.assets.assets import AssetError
from sync_server.customers.address_words import door_code, search_words
from sync_server.customers.customer import digits_of, masked
from sync_server.customers.customer_store import (
    erase_customer,
    find_by_meter,
    find_by_phone,
    find_by_words,
    get_household,
)
from sync_server.customers.import_io import COLUMNS, import_homes
from sync_server.db.customer_tables import CUSTOMER
from sync_server.db.engine_io import reading
from tests.sync_server.real_parts import NOON
from tests.sync_server.service_desk.desk_town import PHONE, found_desk_town

WIDE = "".join(chr(ord(each) + 0xFEE0) for each in "3-2-1102")
"""The same door in wide digits, as Chinese keyboards type them."""


def ids(found: object) -> list[str]:
    assert isinstance(found, list)
    return [each.premises.premises_id for each in found]


def test_a_home_is_found_by_door_community_customer_number_and_meter(engine: Engine) -> None:
    with engine.begin() as connection:
        found_desk_town(connection)

    with reading(engine) as connection:
        found = {
            typed: ids(find_by_words(connection, typed))
            for typed in (
                "3-2-1102",
                "beiyuan 3-2-1101",
                "北苑 1单元",
                "陈桂芳",
                WIDE,
                "%",
                "_",
            )
        }
        by_phone = ids(find_by_phone(connection, "+86 155-0101-2890"))
        by_meter = find_by_meter(connection, "M-2")
        nobody = [*find_by_phone(connection, ""), *find_by_words(connection, "  ")]

    assert found == {
        "3-2-1102": ["p-1"],
        "beiyuan 3-2-1101": ["p-2"],
        "北苑 1单元": ["p-3", "p-4"],
        "陈桂芳": ["p-1"],
        WIDE: ["p-1"],
        "%": [],
        "_": [],
    }
    assert by_phone == ["p-1"]
    assert by_meter is not None
    assert by_meter.premises.premises_id == "p-1"
    assert nobody == []


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("和平街12号3号楼2单元1102室", "3-2-1102"),
        ("和平街12号3栋1102室", "3-1102"),
        ("Heping Rd 12", ""),
    ],
)
def test_a_door_is_said_in_numbers(address: str, code: str) -> None:
    assert door_code(address) == code


@given(st.text(max_size=60))
def test_a_masked_number_never_shows_its_middle(phone: str) -> None:
    digits = digits_of(phone)
    shown = masked(phone)

    assert len(digits) <= 20
    assert sum(each.isdigit() for each in shown) <= 7
    assert len(digits) >= 8 or digits == "" or digits not in shown or len(digits) == 7


@given(st.text(max_size=200))
def test_any_text_is_searched_by_few_words(typed: str) -> None:
    assert len(search_words(typed)) <= 6


def test_an_erased_customer_is_found_nowhere_and_the_home_stays(sqlite_engine: Engine) -> None:
    """RULINGS R7: erased, and the chain of the audit stays whole."""
    with sqlite_engine.begin() as connection:
        found_desk_town(connection)
        erased = erase_customer(connection, "陈桂芳", PHONE, "office", NOON)

    with reading(sqlite_engine) as connection:
        left = connection.execute(select(CUSTOMER).where(CUSTOMER.c.customer_id == "c-1")).one()
        home = get_household(connection, "p-1")
        found = find_by_phone(connection, PHONE)
        verdict = verify_audit(connection)

    assert erased == 1
    assert (left.name, left.phone, left.phone_digits, left.flags) == ("", "", "", "")
    assert (home.customer, found) == (None, [])
    assert verdict.is_whole


def row(**cells: str) -> str:
    return ",".join(cells.get(name, "") for name in COLUMNS)


def write(path: Path, *rows: str) -> Path:
    path.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n", encoding="utf-8")
    return path


def test_homes_come_from_a_file_and_come_again_without_doubling(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    """Rule D-03 among them: the language that the customer prefers."""
    good = row(
        premises_id="p-9",
        address="南湖街1号2号楼3单元0101室",
        community_id="c-north",
        customer_id="c-9",
        name="王伟",
        phone="100 00000009",
        language="yue",
        flags="disabled veteran",
        meter_ids="M-1 M-2",
        is_heated="yes",
    )
    path = write(tmp_path / "homes.csv", good)
    with sqlite_engine.begin() as connection:
        found_desk_town(connection)
        counts = [import_homes(connection, path, NOON) for _ in range(2)]
        home = get_household(connection, "p-9")
        former = get_household(connection, "p-1")

    assert counts == [1, 1]
    assert home.customer is not None
    assert home.customer.language == "yue"
    assert sorted(home.customer.flags) == ["disabled", "veteran"]
    assert (home.premises.meter_ids, former.premises.meter_ids) == (("M-1", "M-2"), ("M-3",))


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"address": ""}, "row 2: address: '' cannot be used; fill it in"),
        ({"customer_class": "king"}, "customer_class: 'king' cannot be used; use one of resident"),
        ({"flags": "rich"}, "flags: 'rich' cannot be used"),
        ({"is_heated": "maybe"}, "is_heated: 'maybe' cannot be used; write true or false"),
        ({"name": ""}, "name: '' cannot be used"),
        ({"community_id": "nowhere"}, "community_id: 'nowhere' is not known"),
        ({"meter_ids": "M-77"}, "meter_ids: 'M-77' is not known"),
        ({"phone": "1" * 81}, "use at most 80 characters"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_kept(
    sqlite_engine: Engine, tmp_path: Path, cells: dict[str, str], said: str
) -> None:
    plain = {"premises_id": "p-9", "address": "x", "customer_id": "c-9", "name": "王"}
    path = write(tmp_path / "homes.csv", row(**{**plain, **cells}))
    with sqlite_engine.begin() as connection:
        found_desk_town(connection)

        with pytest.raises(AssetError, match=said):
            import_homes(connection, path, NOON)
        homes = find_by_words(connection, "x")

    assert homes == []
