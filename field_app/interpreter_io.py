"""Settles the process to what a tablet needs: cycles are looked for rarely, turns are short."""

import gc
import sys
from typing import Final

_VALUES_BEFORE_COLLECTION: Final = 10_000
"""Python's own default is 700. Rows and operations have no cycles; at the default, looking through
all that the screens hold took a fifth of a pull; at 100,000 one look held a frame for 90 ms."""

_TURN_S: Final = 0.001
"""Python's own default is 5 ms: a frame waited for it twice while a pull was being written."""


def settle_interpreter() -> None:
    """Look for cycles after so many new values, rarely through everything; take short turns."""
    sys.setswitchinterval(_TURN_S)
    gc.set_threshold(_VALUES_BEFORE_COLLECTION, 10, 10)
