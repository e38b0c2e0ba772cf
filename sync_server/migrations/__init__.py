"""The versions of the schema; `versions/` holds them, `env` runs them inside one transaction.

The line through the modules:

    columns           how the versions spell columns, keys and indexes
    env               gives Alembic the connection and the transaction of the caller
"""
