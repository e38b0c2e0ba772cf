"""Quality codes: why a value is doubtful, or why there is none (RULINGS R10)."""

import re
from typing import NewType

QualityCode = NewType("QualityCode", str)
"""One code; absent means good. A code that begins with `bad_` has no value beside it."""

SUSPECT_RANGE = QualityCode("suspect_range")
SUSPECT_RATE = QualityCode("suspect_rate")
SUSPECT_STATUS = QualityCode("suspect_status")
STALE = QualityCode("stale")
BAD_TIMEOUT = QualityCode("bad_timeout")
BAD_CRC = QualityCode("bad_crc")
BAD_MISMATCH = QualityCode("bad_mismatch")
BAD_PROFILE = QualityCode("bad_profile")
BAD_SENTINEL = QualityCode("bad_sentinel")

_PLAIN = frozenset(
    {
        SUSPECT_RANGE,
        SUSPECT_RATE,
        SUSPECT_STATUS,
        STALE,
        BAD_TIMEOUT,
        BAD_CRC,
        BAD_MISMATCH,
        BAD_PROFILE,
        BAD_SENTINEL,
    }
)
_EXCEPTION = re.compile(r"bad_exception_([1-9][0-9]{0,2})")
_HIGHEST_EXCEPTION = 255


def bad_exception(modbus_code: int) -> QualityCode:
    """Return the quality for a Modbus exception answer, `bad_exception_N` with N in 1..255."""
    return parse_quality(f"bad_exception_{modbus_code}")


def parse_quality(text: str) -> QualityCode:
    """Return the code; raise ValueError when it is not one of RULINGS R10."""
    code = QualityCode(text)
    found = _EXCEPTION.fullmatch(text)
    if code in _PLAIN or (found is not None and int(found[1]) <= _HIGHEST_EXCEPTION):
        return code
    raise ValueError(text)


def is_bad(code: QualityCode) -> bool:
    """Return whether the code says that there is no value at all."""
    return code.startswith("bad_")
