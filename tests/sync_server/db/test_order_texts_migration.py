"""What tablets were shown of orders moves into the orders' rows, byte by byte."""

from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, Table, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError

from sync_server.db.change_store import entries_after, shown_entries
from sync_server.db.engine_io import open_engine
from sync_server.db.migrate_io import migrate
from sync_server.db.order_tables import FACT, WORK_ORDER
from sync_server.db.sync_tables import CHANGE, OP_LEDGER, PUBLISHED

SHOWN = '{"note":"漏水","number":"WO-1"}'
NAMES = ("work_order", "person")


def cells_of(table: Table) -> dict[str, object]:
    return {
        each.name: 0 if each.type.python_type in {int, bool} else "x"
        for each in table.columns
        if not each.nullable
    }


def tell_of_a_valve(connection: Connection) -> None:
    """Keep a fact of a clock that was off, as the release before did."""
    tap = {"op_id": "op-1", "replica_id": "store-1", "n": 7, "is_clock_suspect": True}
    connection.execute(insert(OP_LEDGER).values(cells_of(OP_LEDGER) | tap))
    fact = {"op_id": "op-1", "fact_type": "isolation"}
    connection.execute(insert(FACT).values(cells_of(FACT) | fact))


def old_database(path: Path) -> Engine:
    """Return a database as the release before left it: one order on tablets, one planned."""
    engine = open_engine(f"sqlite:///{path}")
    migrate(engine, "0023")
    cells = cells_of(WORK_ORDER)
    with engine.begin() as connection:
        tell_of_a_valve(connection)
        for order_id in ("o1", "planned"):
            row = {**cells, "order_id": order_id, "number": order_id, "crew_id": "crew-1"}
            connection.execute(insert(WORK_ORDER).values(row))
        for number, entity in enumerate(NAMES):
            key = {"entity": entity, "entity_id": "o1", "row_hash": 7 + number}
            place = {"bucket": "crew:crew-1", "seq": 1, "is_gone": False, "at_ms": 0}
            connection.execute(insert(PUBLISHED).values(key | {"document": SHOWN}))
            connection.execute(insert(CHANGE).values(key | place))
    return engine


def test_what_tablets_were_shown_and_what_they_told_of_valves_is_as_it_was(tmp_path: Path) -> None:
    engine = old_database(tmp_path / "server.sqlite3")

    migrate(engine)

    with engine.connect() as connection:
        entries, _ = entries_after(connection, "crew:crew-1", 0, 10)
        texts = connection.execute(select(WORK_ORDER.c.order_id, WORK_ORDER.c.document)).all()
        left = connection.execute(select(PUBLISHED.c.entity)).scalars().all()
        shown = list(shown_entries(connection))
        columns = (FACT.c.is_time_doubtful, FACT.c.word_ms, FACT.c.replica_id, FACT.c.n)
        fact = connection.execute(select(*columns)).one()
    engine.dispose()
    told = [(each.entity, each.row_hash, each.document) for each in entries]
    assert told == [("person", 8, SHOWN.encode()), ("work_order", 7, SHOWN.encode())]
    assert sorted(shown) == sorted(entries)
    assert sorted(map(tuple, texts)) == [("o1", SHOWN), ("planned", None)]
    assert left == ["person"]
    assert tuple(fact) == (True, None, "store-1", 7)


def test_a_fault_in_the_middle_leaves_the_texts_where_they_were(tmp_path: Path) -> None:
    engine = old_database(tmp_path / "server.sqlite3")
    refusal = "CREATE TRIGGER no BEFORE DELETE ON published BEGIN SELECT RAISE(ABORT, 'no'); END"
    with engine.begin() as connection:
        connection.execute(text(refusal))

    with pytest.raises(IntegrityError, match="no"):
        migrate(engine)

    columns = {each["name"] for each in inspect(engine).get_columns("work_order")}
    with engine.connect() as connection:
        left = connection.execute(select(PUBLISHED.c.document)).scalars().all()
    engine.dispose()
    assert "document" not in columns
    assert left == [SHOWN, SHOWN]
