"""What a command of firmware-profiles is: its name, its arguments, and what it does."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass

OK, NOT_FIT, WRONG_CALL = 0, 1, 2
"""Exit statuses: good, not fit for use, wrong call or unreadable file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command.

    Attributes:
        name: As it is typed.
        summary: One line of help.
        declare: Adds its arguments to a parser.
        run: Does it and returns the exit status; may raise ProfileError and WordsError, which
            the caller shows.
    """

    name: str
    summary: str
    declare: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]
