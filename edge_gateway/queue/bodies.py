"""How a frame is written into the queue: once, as the bytes that go to the server."""

import orjson

from wire_contracts.frames import Frame, frame_json
from wire_contracts.payloads import dump_json

_NULL = b"null"


def frame_body(frame: Frame, seq: int) -> bytes:
    """Return a frame under its number as JSON with sorted keys, like `dump_json`.

    orjson takes a tenth of the time for a frame of 13 numbers (3 us against 30), and that time is
    the queue's largest; it writes `null` for what is no number, which nobody may send.

    Raises:
        ValueError: A value is NaN or infinite.
    """
    body = {**frame_json(frame), "s": seq}
    data = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    return dump_json(body) if _NULL in data else data
