"""What links and uplink have done since they were started, for health messages and metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFigures:
    """What one link has done since its thread was started.

    Attributes:
        name: The link.
        is_open: Whether its line is open now.
        requests: Requests sent.
        timeouts: Those that nothing answered.
        exceptions: Those that an exception answered.
        mismatches: Those after which something else came.
        reopens: How often the line was closed because it was doubted or lost.
        frames: Frames handed on.
        skipped: Due instants passed over because the link was late.
        suspects: Serials of the silent meters.
        crc_errors: Requests after which bytes came that pass no checksum.
        late_answers: Answers that came after their time-out and were recognised as late.
        probes: Requests sent only to learn that no late answer is on its way.
        running_s: Wall seconds since the thread was started.
        busy_s: Wall seconds that the line was taken: asking, waiting, silences.
        turnaround_p50_s: Wall seconds that half of the answers did not exceed; None: no answer.
        turnaround_p99_s: The same of 99 in 100.
        last_good: Serial to when the newest frame with a good value was measured.
        has_sound_frame: Whether any meter's newest frame of a group has good values alone, none
            strange or missing.
        meters: Serials of all meters.
        load: Share of the link's time that the meters ask for, 1.0 when it is full.
        stretched: Register group to how many times its interval is taken, because of overload.
        unknown: Serials of the meters that are not polled because nobody knows what they are.
        clock_drifts_s: Serial to seconds that the meter's own clock is ahead.
    """

    name: str
    is_open: bool
    requests: int
    timeouts: int
    exceptions: int
    mismatches: int
    reopens: int
    frames: int
    skipped: int
    suspects: Sequence[str]
    crc_errors: int = 0
    late_answers: int = 0
    probes: int = 0
    running_s: float = 0.0
    busy_s: float = 0.0
    turnaround_p50_s: float | None = None
    turnaround_p99_s: float | None = None
    last_good: Mapping[str, datetime] = field(default_factory=dict)
    has_sound_frame: bool = False
    meters: Sequence[str] = ()
    load: float = 0.0
    stretched: Mapping[str, int] = field(default_factory=dict)
    unknown: Sequence[str] = ()
    clock_drifts_s: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UplinkFigures:
    """What the uplink has done since the gateway started.

    Attributes:
        is_connected: Whether the broker is connected.
        published: Frames sent, each time.
        republished: Of these, those that were sent before.
        acknowledged: Frames the server has said are safe.
        refused: Of these, those in its quarantine.
        late: Of the frames sent, those that were older than two periods of their group.
    """

    is_connected: bool
    published: int
    republished: int
    acknowledged: int
    refused: int
    late: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFigures:
    """Which settings are in force, and how long the own certificate is good.

    Attributes:
        revision: Number of the revision, 0 for the gateway's own file.
        is_on_trial: Whether it has not shown yet that it works.
        fingerprint: SHA-256 of the settings in force, hexadecimal.
        certificate_until: When the client certificate expires; None: there is none.
    """

    revision: int = 0
    is_on_trial: bool = False
    fingerprint: str = ""
    certificate_until: datetime | None = None
