"""The versions of the schema; `versions/` holds them, `env` runs them inside one transaction.

The line through the modules:

    env               gives Alembic the connection and the transaction of the caller
"""
