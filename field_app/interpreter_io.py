"""Settles the process to what a tablet needs: Python looks for cycles rarely."""

import gc
from typing import Final

_VALUES_BEFORE_COLLECTION: Final = 100_000
"""Python's own default is 700. Rows and operations have no cycles; at the default, looking through
all that the screens hold took a fifth of a long pull."""


def settle_interpreter() -> None:
    """Look for cycles after so many new values, and rarely through everything."""
    gc.set_threshold(_VALUES_BEFORE_COLLECTION, 10, 10)
