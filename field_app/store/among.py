"""Owns the question whether a column's text is one of many: one statement for any number of them.

SQLite takes the texts as one JSON array: nothing is compiled anew for each number of texts, and no
limit of variables (999 in older builds) is met.
"""

import json
from collections.abc import Collection

from sqlalchemy import ColumnElement, TableValuedAlias, func, select


def each_of(texts: Collection[str]) -> TableValuedAlias:
    """Return the texts as a table with the column `value`."""
    return func.json_each(json.dumps(sorted(texts))).table_valued("value", name="wanted")


def is_among(column: ColumnElement[str], texts: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that the column holds one of the texts."""
    return column.in_(select(each_of(texts).c.value))
