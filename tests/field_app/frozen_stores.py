"""The frozen files of released schemas, and what of the crew's words a file holds."""

import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

FROZEN = sorted((Path(__file__).parents[1] / "data" / "tablet").glob("store-v*.sqlite3.z"))

Rows = list[tuple[object, ...]]

_WORDS = {
    "outbox_op": "SELECT op_id, n, group_id, order_id, body FROM outbox_op ORDER BY n",
    "draft_answer": "SELECT order_id, field, value, actor FROM draft_answer ORDER BY 1, 2",
    "photo_job": "SELECT sha256, order_id, size_bytes, is_done FROM photo_job ORDER BY 1",
}


def thaw(frozen: Path, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(zlib.decompress(frozen.read_bytes()))
    return path


def words_in(path: Path) -> dict[str, Rows]:
    with closing(sqlite3.connect(path)) as connection:
        return {name: connection.execute(query).fetchall() for name, query in _WORDS.items()}


def shape_of(path: Path) -> tuple[int, list[str]]:
    """Return user_version and every row and statement of the file as text."""
    with closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        return int(version), list(connection.iterdump())
