"""Meters that count their faults instead of flagging them: a count that rose is the event."""

from collections.abc import Mapping
from dataclasses import replace

from firmware_profiles.decode import Decoded
from firmware_profiles.effects import effect_of
from firmware_profiles.profile import Profile
from wire_contracts.quality import SUSPECT_STATUS


def with_counters(profile: Profile, decoded: Decoded, earlier: Mapping[str, int]) -> Decoded:
    """Return the poll with the events of every count that rose since the last one.

    What such an event would spoil is doubtful: it happened between two polls, perhaps not now. A
    count that fell was reset, and one that was not read before is new: neither is an event.

    Args:
        profile: The meter's profile.
        decoded: This poll; its `counters` belong to the next call.
        earlier: The counts of the poll before, of any group of the same meter.
    """
    events = dict.fromkeys(decoded.events)
    quality = dict(decoded.quality)
    for rule in profile.status:
        count, before = decoded.counters.get(rule.register), earlier.get(rule.register)
        if not rule.is_counter or count is None or before is None or count <= before:
            continue
        events[rule.event] = None
        effect = effect_of(rule)
        for quantity in (effect.bad | effect.suspect) & decoded.values.keys():
            quality.setdefault(quantity, SUSPECT_STATUS)
    return replace(decoded, events=tuple(events), quality=quality)
