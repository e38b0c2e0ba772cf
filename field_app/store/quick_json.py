"""Finds the faster JSON of machines that have it; without it everything works, only slower."""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Final

from wire_contracts.fields import JsonObject
from wire_contracts.payloads import has_digits


@cache
def quick_loads() -> Callable[[bytes | str], object] | None:
    """Return a reader for `wire_contracts.payloads.read_json`, None where there is none."""
    if find_spec("orjson") is None:
        return None
    import orjson  # noqa: PLC0415  # a tablet whose toolchain cannot build it goes without

    return orjson.loads


LONG_NUMBER_DIGITS: Final = 20
"""From so many digits on orjson may make a float of a whole number; hashes of rows have 19."""


@cache
def quick_answers() -> Callable[[bytes], object] | None:
    """Return a reader of answers for `read_json`, None where there is none.

    A long number must stay what it is, or its row has another hash, and its page is refused.
    """
    loads = quick_loads()
    if loads is None:
        return None

    def exactly(plain: bytes) -> object:
        if has_digits(plain, LONG_NUMBER_DIGITS):
            message = "a number may be longer than 64 bits"
            raise ValueError(message)
        return loads(plain)

    return exactly


@cache
def quick_dumps() -> Callable[[JsonObject], bytes] | None:
    """Return a writer of compact JSON, fields in the order they came; None where there is none.

    Of what came sorted its text is `dump_json`'s but for some floats: whoever uses it must check.
    It raises TypeError for what it cannot write.
    """
    if find_spec("orjson") is None:
        return None
    import orjson  # noqa: PLC0415  # as above

    return orjson.dumps
