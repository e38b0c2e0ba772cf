"""Finds the faster JSON of machines that have it; without it everything works, only slower."""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

from wire_contracts.fields import JsonObject


@cache
def quick_loads() -> Callable[[bytes | str], object] | None:
    """Return a reader for `wire_contracts.payloads.read_json`, None where there is none."""
    if find_spec("orjson") is None:
        return None
    import orjson  # noqa: PLC0415  # a tablet whose toolchain cannot build it goes without

    return orjson.loads


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
