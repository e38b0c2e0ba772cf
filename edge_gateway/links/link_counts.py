"""What one line has done since it was made: requests, faults by kind, bytes, bus time."""

import math
from dataclasses import dataclass, field, replace

_SHORTEST_S = 0.000_1
_STEP = 1.15
_PER_LOG = 1 / math.log(_STEP)
_BUCKETS = 100
"""100 us to about 100 s in steps of 15 %: what is read back is within 8 % of what was added."""


@dataclass(slots=True)
class Turnarounds:
    """How long answers took, as counts per step of 15 %; bounded however long a line runs."""

    counts: list[int] = field(default_factory=lambda: [0] * _BUCKETS)

    def add(self, seconds: float) -> None:
        """Take one more answer."""
        step = 0
        if seconds > _SHORTEST_S:
            step = min(_BUCKETS - 1, int(math.log(seconds / _SHORTEST_S) * _PER_LOG))
        self.counts[step] += 1

    def added(self, seconds: float) -> "Turnarounds":
        """Take one more answer, and return these."""
        self.add(seconds)
        return self

    def quantile_s(self, share: float) -> float | None:
        """Return the seconds that `share` (0..1) of the answers did not exceed; None: no answer."""
        total = sum(self.counts)
        if not total:
            return None
        wanted = max(1, math.ceil(share * total))
        seen = 0
        for at, count in enumerate(self.counts):
            seen += count
            if seen >= wanted:
                return _SHORTEST_S * math.pow(_STEP, at + 0.5)
        return None


@dataclass(slots=True, kw_only=True)
class LinkCounts:
    """What a line has done since it was made; health, metrics and the bus report read it.

    Attributes:
        requests: Requests sent, probes and repetitions too.
        timeouts: Requests that nothing answered.
        exceptions: Exception answers, with `exception_codes` by their code.
        mismatches: Whole or cut answers that were not those of the request.
        crc_errors: Requests after which bytes came that pass no checksum.
        late_answers: Answers that came after their time-out and were recognised as late.
        probes: Requests sent only to learn that no late answer is on its way.
        opens: How often the line was opened.
        reopens: How often the line was closed because it was doubted or lost.
        losses: How often the far end was gone: the connection broke, or could not be opened. What
            answers behind it may be another meter.
        bytes_out: Bytes sent.
        bytes_in: Bytes heard, noise and heartbeats too.
        busy_s: Seconds of the wall's clock that the line was taken: asking, waiting, silences.
        last_turnaround_s: What the last answer took, as in `turnarounds`; None: none yet.
        turnarounds: From the end of the request to the answer, without the time of its bytes.
        is_open: Whether the line is open now.
        down_reason: Why it is not, empty while it is.
    """

    requests: int = 0
    timeouts: int = 0
    exceptions: int = 0
    exception_codes: dict[int, int] = field(default_factory=dict)
    mismatches: int = 0
    crc_errors: int = 0
    late_answers: int = 0
    probes: int = 0
    opens: int = 0
    reopens: int = 0
    losses: int = 0
    bytes_out: int = 0
    bytes_in: int = 0
    busy_s: float = 0.0
    last_turnaround_s: float | None = None
    turnarounds: Turnarounds = field(default_factory=Turnarounds)
    is_open: bool = False
    down_reason: str = ""

    def add_exception(self, code: int) -> None:
        """Count one exception answer."""
        self.exceptions += 1
        self.exception_codes[code] = self.exception_codes.get(code, 0) + 1

    def copied(self) -> "LinkCounts":
        """Return a copy that stays as it is while the line goes on."""
        return replace(
            self,
            exception_codes=dict(self.exception_codes),
            turnarounds=Turnarounds([*self.turnarounds.counts]),
        )
