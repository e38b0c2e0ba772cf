"""Owns the question whether a column is one of many values: one statement for any number of them.

PostgreSQL takes the values as one array. SQLite takes some hundred as they are, more as one JSON
text: it has 32,766 variables in a statement and no more.
"""

import json
from collections.abc import Collection

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    Text,
    any_,
    bindparam,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

_MOST_VARIABLES = 500


def is_among_bound(
    dialect: str, column: ColumnElement[str], name: str = "texts"
) -> ColumnElement[bool]:
    """Return the condition for a statement that is built once: `name` is bound to `bound_texts`."""
    if dialect == "sqlite":
        return column.in_(_each_of(bindparam(name, type_=Text)))
    return column == any_(bindparam(name, type_=ARRAY(Text)))


def bound_texts(connection: Connection, texts: Collection[str]) -> str | list[str]:
    """Return what `is_among_bound` takes for these texts."""
    return json.dumps(sorted(texts)) if connection.dialect.name == "sqlite" else sorted(texts)


def is_among_texts(
    connection: Connection, column: ColumnElement[str], texts: Collection[str]
) -> ColumnElement[bool]:
    """Return the condition that the column holds one of the texts."""
    if connection.dialect.name == "sqlite":
        few = len(texts) <= _MOST_VARIABLES
        return column.in_(sorted(texts) if few else _each_of(json.dumps(sorted(texts))))
    return column == any_(bindparam(None, sorted(texts), type_=ARRAY(Text)))


def _each_of(values: str | BindParameter[str]) -> Select[str]:
    return select(func.json_each(values).table_valued("value").c.value)
