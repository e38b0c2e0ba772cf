"""Owns the question whether a column's text is one of many: one statement for any number of them.

SQLite takes the texts as one JSON array: nothing is compiled anew for each number of texts, and no
limit of variables (999 in older builds) is met.
"""

from sqlalchemy import ColumnElement, TableValuedAlias, Text, bindparam, func, select


def each_of_bound(name: str) -> TableValuedAlias:
    """Return the table for a statement that is built once: `name` is bound to a JSON array."""
    return func.json_each(bindparam(name, type_=Text)).table_valued("value", name="wanted")


def is_among_bound(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """Return the condition for a statement that is built once: `name` is bound to a JSON array."""
    return column.in_(select(each_of_bound(name).c.value))
