"""Whether an error of the database says nothing of the words that met it."""

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError


def is_servers_trouble(error: Exception) -> bool:
    """Return whether no connection was free, or one was lost."""
    is_lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return is_lost or isinstance(error, PoolTimeoutError)
