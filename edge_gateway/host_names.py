"""Decides whether a text can name a host."""


def is_host(name: str) -> bool:
    """Return whether a name can be looked up: for others sockets raise what is no OSError."""
    try:
        return bool(name.encode("idna"))
    except UnicodeError:  # empty, or longer than 63 characters between two dots
        return False
