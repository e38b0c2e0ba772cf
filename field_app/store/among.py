"""Owns the question whether a column's text is one of many: one statement for any number of them.

SQLite takes the texts as one JSON array: nothing is compiled anew for each number of texts, and no
limit of variables (999 in older builds) is met.
"""

import json
from collections.abc import Collection

from sqlalchemy import BindParameter, ColumnElement, TableValuedAlias, Text, bindparam, func, select


def each_of(texts: Collection[str]) -> TableValuedAlias:
    """Return the texts as a table with the column `value`."""
    return _each_in(json.dumps(sorted(texts)))


def each_of_bound(name: str) -> TableValuedAlias:
    """Return the table for a statement that is built once: `name` is bound to a JSON array."""
    return _each_in(bindparam(name, type_=Text))


def _each_in(array: str | BindParameter[str]) -> TableValuedAlias:
    return func.json_each(array).table_valued("value", name="wanted")


def is_among(column: ColumnElement[str], texts: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that the column holds one of the texts."""
    return column.in_(select(each_of(texts).c.value))


def is_among_bound(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """Return the condition for a statement that is built once: `name` is bound to a JSON array."""
    return column.in_(select(each_of_bound(name).c.value))
