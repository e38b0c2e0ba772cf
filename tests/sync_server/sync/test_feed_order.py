"""A reader that follows the change index on PostgreSQL never passes a row that commits later."""

import random
import threading
from collections.abc import Sequence

import pytest
from sqlalchemy import Engine, text

from sync_server.db.change_store import ORG_BUCKET, Publication, entries_after, publish
from tests.sync_server.real_parts import NOON
from tests.sync_simulation.rules_of_server import sequence_of_a_counter

WRITERS = 6
EACH = 40
ENTITY = "van_stock"


def write_many(engine: Engine, writer: int, failures: list[str]) -> None:
    """Write transactions of several rows; some linger, some are rolled back."""
    rng = random.Random(writer)
    try:
        for number in range(EACH):
            with engine.connect() as connection, connection.begin() as transaction:
                connection.execute(text("SELECT txid_current()"))  # older than later beginners
                if rng.random() < 0.3:
                    connection.execute(text("SELECT pg_sleep(0.002)"))
                for part in range(rng.randint(1, 3)):
                    publication = Publication(
                        entity=ENTITY,
                        entity_id=f"{writer}-{number}-{part}",
                        document={"n": number},
                        buckets=frozenset({ORG_BUCKET}),
                    )
                    publish(connection, publication, NOON)
                if rng.random() < 0.2:
                    connection.execute(text("SELECT pg_sleep(0.002)"))
                if rng.random() < 0.15:
                    transaction.rollback()
    except Exception as error:  # noqa: BLE001  # told to the test, which fails on it
        failures.append(repr(error))


def follow(engine: Engine, writers: Sequence[threading.Thread]) -> list[str]:
    """Return what a reader sees that goes on from the last sequence it has read."""
    seen: list[str] = []
    position = 0
    is_last_look = False
    while True:
        with engine.connect() as connection:
            connection.execution_options(isolation_level="REPEATABLE READ")
            entries, _ = entries_after(connection, ORG_BUCKET, position, 5)
        if entries:
            seen += [each.entity_id for each in entries]
            position = entries[-1].seq
        elif is_last_look:
            return seen
        is_last_look = not any(writer.is_alive() for writer in writers)


def seen_and_kept(engine: Engine) -> tuple[list[str], list[str]]:
    failures: list[str] = []
    writers = [
        threading.Thread(target=write_many, args=(engine, number, failures))
        for number in range(WRITERS)
    ]
    for writer in writers:
        writer.start()
    seen = follow(engine, writers)
    for writer in writers:
        writer.join()
    assert failures == []
    with engine.connect() as connection:
        query = text("SELECT entity_id FROM change WHERE bucket = :bucket")
        kept = connection.execute(query, {"bucket": ORG_BUCKET}).scalars().all()
    return sorted(seen), sorted(kept)


def test_a_reader_beside_six_writers_misses_no_row(postgres_engine: Engine) -> None:
    seen, kept = seen_and_kept(postgres_engine)

    assert len(kept) > WRITERS * EACH
    assert seen == kept


def test_with_a_counter_outside_of_the_commit_it_does(
    postgres_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    sequence_of_a_counter(monkeypatch)

    seen, kept = seen_and_kept(postgres_engine)

    assert set(seen) < set(kept)
