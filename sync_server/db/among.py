"""Owns the question whether a column is one of many values: one statement for any number of them.

The values go as one parameter: nothing is compiled anew for each number of them, which for the 200
operations of a push costs more than the search itself.
"""

import json
from collections.abc import Collection

from sqlalchemy import (
    BigInteger,
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


def is_among_texts(
    connection: Connection, column: ColumnElement[str], texts: Collection[str]
) -> ColumnElement[bool]:
    """Return the condition that the column holds one of the texts."""
    if connection.dialect.name == "sqlite":
        return column.in_(_each_of(json.dumps(sorted(texts))))
    return column == any_(bindparam(None, sorted(texts), type_=ARRAY(Text)))


def is_among_numbers(
    connection: Connection, column: ColumnElement[int], numbers: Collection[int]
) -> ColumnElement[bool]:
    """Return the condition that the column holds one of the whole numbers."""
    if connection.dialect.name == "sqlite":
        return column.in_(_each_of(json.dumps(sorted(numbers))))
    return column == any_(bindparam(None, sorted(numbers), type_=ARRAY(BigInteger)))


def _each_of(values: str) -> Select[str]:
    return select(func.json_each(values).table_valued("value").c.value)
