"""The log of a SQLite database is emptied into the file beside those who write."""

import threading
import time
from pathlib import Path

from sqlalchemy import Engine

from sync_server.db.engine_io import open_engine, reading
from sync_server.db.log_io import empty_log, keep_log_short

BYTES = 200_000
PATIENCE_S = 60.0


def database(folder: Path) -> tuple[Engine, Path]:
    path = folder / "server.sqlite3"
    engine = open_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE words (content BLOB)")
    return engine, path


def write(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO words VALUES (?)", (b"x" * BYTES,))


def test_what_was_committed_is_in_the_file_itself_after_the_log_was_emptied(tmp_path: Path) -> None:
    engine, path = database(tmp_path)
    write(engine)
    before = path.stat().st_size

    assert empty_log(engine)
    assert before < BYTES < path.stat().st_size
    engine.dispose()


def test_a_reader_keeps_what_it_sees_and_stands_in_nobodys_way(tmp_path: Path) -> None:
    engine, _ = database(tmp_path)
    with reading(engine) as reader:
        assert reader.exec_driver_sql("SELECT count(*) FROM words").scalar_one() == 0
        write(engine)

        assert not empty_log(engine)
        assert reader.exec_driver_sql("SELECT count(*) FROM words").scalar_one() == 0
    assert empty_log(engine)
    engine.dispose()


def test_the_log_is_emptied_again_and_again_until_the_server_stops(tmp_path: Path) -> None:
    engine, path = database(tmp_path)
    stop = threading.Event()
    thread = threading.Thread(target=keep_log_short, args=(engine, stop, 0.01))
    thread.start()
    deadline_s = time.monotonic() + PATIENCE_S
    for rows in (1, 2):
        write(engine)
        while path.stat().st_size < rows * BYTES:
            assert time.monotonic() < deadline_s, "the log was not emptied"
            stop.wait(0.01)
    stop.set()
    thread.join(PATIENCE_S)

    assert not thread.is_alive()
    engine.dispose()
