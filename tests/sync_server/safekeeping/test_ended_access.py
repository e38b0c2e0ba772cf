"""A copy knows nothing of what ended after it: a restore ends it again, or says that it cannot."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection

from sync_server.__main__ import main
from sync_server.access.account_store import Crew, create_crew, deactivate_account, get_person
from sync_server.access.audit_store import verify_audit
from sync_server.access.roles import Role
from sync_server.access.session_store import close_session, open_session, person_of_session
from sync_server.access.tablet_store import list_tablets, revoke_tablet
from sync_server.customers.customer import Customer
from sync_server.customers.customer_store import put_customers
from sync_server.db.engine_io import open_engine
from sync_server.db.migrate_io import migrate
from tests.sync_server.people_parts import enrol, person
from tests.sync_server.real_parts import NOON
from wire_contracts.errors import ContractError


@contextmanager
def database(folder: Path) -> Iterator[Connection]:
    """Write to the database of a server that is stopped."""
    engine = open_engine(f"sqlite:///{folder / 'server.sqlite3'}")
    migrate(engine)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    with database(folder) as connection:
        create_crew(connection, Crew(crew_id="crew-1", name="First", area_ids=()), NOON)
        for login in ("stays", "leaves"):
            person(connection, login, Role.CREW_MEMBER, "crew-1")
        for name in ("kept", "stolen"):
            enrol(connection, "crew-1", name)
    return folder


def here(folder: Path) -> list[str]:
    return ["--data", str(folder)]


def accounts(connection: Connection) -> dict[str, str]:
    rows = connection.exec_driver_sql("SELECT login, account_id FROM account")
    return {row[0]: row[1] for row in rows}


def test_access_that_ended_after_the_copy_stays_ended_and_other_access_goes_on(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copies" / "server.sqlite3"
    with database(site) as connection:
        ids = accounts(connection)
        closed, open_still = (open_session(connection, ids["stays"], NOON) for _ in range(2))
    assert main(["backup", str(copy), *here(site)]) == 0
    with database(site) as connection:
        stolen = next(each for each in list_tablets(connection) if each.name == "stolen")
        revoke_tablet(connection, stolen.tablet_id, "office", NOON)
        deactivate_account(connection, ids["leaves"], "office", NOON)
        close_session(connection, closed, NOON)

    assert main(["restore", str(copy), *here(site)]) == 0

    assert "1 tablets, 1 people, ended again" in capsys.readouterr().out
    with database(site) as connection:
        withdrawn = {
            each.name: each.revoked_at_utc is not None for each in list_tablets(connection)
        }
        active = {login: get_person(connection, each).is_active for login, each in ids.items()}
        assert (withdrawn, active) == (
            {"kept": False, "stolen": True},
            {"stays": True, "leaves": False},
        )
        assert person_of_session(connection, open_still, NOON).login == "stays"
        with pytest.raises(ContractError):
            person_of_session(connection, closed, NOON)
        assert verify_audit(connection).is_whole


def test_a_tablet_that_was_withdrawn_before_it_was_enrolled_anew_is_not_withdrawn_again(
    site: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copies" / "server.sqlite3"
    main(["backup", str(copy), *here(site)])
    with database(site) as connection:
        former = next(each for each in list_tablets(connection) if each.name == "stolen")
        revoke_tablet(connection, former.tablet_id, "office", NOON)
        anew = enrol(connection, "crew-1", "found")
        connection.exec_driver_sql(
            "UPDATE tablet SET former_tablet_id = ? WHERE tablet_id = ?",
            (former.tablet_id, anew.tablet_id),
        )

    assert main(["restore", str(copy), *here(site)]) == 0

    with database(site) as connection:
        assert [each.revoked_at_utc for each in list_tablets(connection)] == [None, None]


def test_whoever_was_erased_after_the_copy_is_erased_again_and_stays_off_the_files(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copies" / "server.sqlite3"
    chen = Customer(customer_id="c-1", name="陈桂芳", phone="155 0101 2890")
    wang = Customer(customer_id="c-2", name="王建国", phone="155 0101 2891")
    with database(site) as connection:
        put_customers(connection, [chen, wang], NOON)
    assert main(["backup", str(copy), *here(site)]) == 0
    capsys.readouterr()
    assert main(["erase-person", "--customer", "陈桂芳", chen.phone, *here(site)]) == 0
    assert "the customer is erased from 0 orders, 0 requests, 1 homes" in capsys.readouterr().out
    assert "陈桂芳".encode() not in b"".join(
        each.read_bytes() for each in site.glob("server.sqlite3*")
    )

    assert main(["restore", str(copy), *here(site)]) == 0

    assert "erased after the copy: 1, erased again" in capsys.readouterr().out
    with database(site) as connection:
        names = set(connection.exec_driver_sql("SELECT name FROM customer").scalars())
        assert names == {"", "王建国"}
        assert verify_audit(connection).is_whole
    assert "陈桂芳".encode() not in (site / "server.sqlite3").read_bytes()


@pytest.mark.parametrize("loss", ["gone", "not a database"])
def test_where_the_former_database_cannot_be_read_the_restore_says_what_to_do(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], loss: str
) -> None:
    copy = tmp_path / "copies" / "server.sqlite3"
    main(["backup", str(copy), *here(site)])
    for file in site.glob("server.sqlite3*"):
        file.unlink()
    if loss != "gone":
        (site / "server.sqlite3").write_bytes(b"torn" * 4096)
    capsys.readouterr()

    assert main(["restore", str(copy), *here(site)]) == 0

    said = capsys.readouterr().out
    assert "withdraw lost tablets" in said
    assert "orders that the office made after the copy are not here" in said
