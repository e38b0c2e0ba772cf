"""Looks into the server's database beside the server: what is asked at every step asks cheaply."""

from contextlib import closing

from sqlalchemy import Engine

Cell = str | int | bool | None


def look(engine: Engine, query: str, *values: str) -> list[tuple[Cell, ...]]:
    """Return the rows of a query with one `?` per value, as the driver gives them."""
    mark = "?" if engine.dialect.name == "sqlite" else "%s"
    with closing(engine.raw_connection()) as raw, closing(raw.cursor()) as cursor:
        cursor.execute(query.replace("?", mark), values)
        return [tuple(row) for row in cursor.fetchall()]
