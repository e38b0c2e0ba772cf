"""The words of a stored frame become readings by another revision of the profile (RULINGS R17)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from firmware_profiles.byte_order import ByteOrder
from firmware_profiles.counters import with_counters
from firmware_profiles.decode import Decoded, decode_group
from firmware_profiles.errors import WordsError
from firmware_profiles.profile import (
    Identity,
    Profile,
    Register,
    wire_registers,
)
from firmware_profiles.rates import Poll, rate_suspects
from firmware_profiles.word_orders import with_order
from firmware_profiles.words import WordImage, unpack_words
from wire_contracts.frames import Frame
from wire_contracts.meter_frames import UNKNOWN_DEVICE, MeterFrame
from wire_contracts.quality import BAD_PROFILE, QualityCode
from wire_contracts.quantities import Quantity

FormerOf = Callable[[str], Profile | None]
"""Profile of a reference such as `tuf_2000m@1`; None when there is none."""

_ANY_ADDRESS = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """The poll before of the same meter and group."""

    poll: Poll
    counters: Mapping[str, int]


@dataclass(slots=True)
class Redecoder:
    """Decodes frames again; remembers the poll before of each meter, for rates and counters.

    Attributes:
        profile: The corrected revision.
        former_of: Finds the profile that decoded a frame first.
    """

    profile: Profile
    former_of: FormerOf
    _before: dict[tuple[str, str], _Before] = field(default_factory=dict)

    def redecode(self, line: MeterFrame) -> MeterFrame:
        """Return the line with what this profile says of its words, and without the words.

        A quantity is in it when all of its words are. One that the former profile took from this
        group and this profile cannot find in the words gets `bad_profile`: its value was wrong.

        Raises:
            WordsError: There are no words, they are malformed, or no register is in them.
        """
        image = _image(line.frame)
        profile = _in_order(self.profile, line.frame.profile)
        decoded = _decoded(profile, image, line.frame.device)
        if decoded is not None:
            decoded = self._judged(line, decoded)
        former = self.former_of(line.frame.profile)
        withdrawn = _lost(former, image, line.frame.group) - _found(profile, image)
        if not withdrawn and not _knows(profile, image):
            reference = profile.reference
            message = f"raw: holds no register of {reference}; give the profile of this meter"
            raise WordsError(message)
        frame = replace(
            line.frame,
            profile=profile.reference,
            values={} if decoded is None else decoded.values,
            quality={
                **({} if decoded is None else decoded.quality),
                **dict.fromkeys(withdrawn, BAD_PROFILE),
            },
            events=() if decoded is None else decoded.events,
            raw=None,
        )
        return replace(line, frame=frame)

    def _judged(self, line: MeterFrame, decoded: Decoded) -> Decoded:
        """Return the poll with what only the poll before can tell."""
        key = (line.meter_id, line.frame.group)
        before = self._before.get(key)
        good = {name: v for name, v in decoded.values.items() if name not in decoded.quality}
        poll = Poll(at_utc=line.frame.measured_at_utc, values=good)
        self._before[key] = _Before(poll=poll, counters=decoded.counters)
        if before is None or before.poll.at_utc >= poll.at_utc:
            return decoded
        suspects = rate_suspects(self.profile, before.poll, poll)
        judged = replace(decoded, quality={**suspects, **decoded.quality})
        return with_counters(self.profile, judged, before.counters)


def _in_order(profile: Profile, former: str) -> Profile:
    """Return the profile in the byte order that was found for the meter when it was read."""
    order = former.partition("+")[2]
    if order not in profile.order_candidates:
        return profile
    return with_order(profile, ByteOrder(order))


def _image(frame: Frame) -> WordImage:
    if frame.raw is None:
        message = "raw: is missing; export the words with sync-server export-raw"
        raise WordsError(message)
    return unpack_words(frame.raw)


def _decoded(profile: Profile, image: WordImage, device: str) -> Decoded | None:
    """Return what the words say of every quantity whose words they are; None when of none."""
    identity = _identity(profile, image, device)
    polls: list[Decoded] = []
    values: dict[Quantity, float] = {}
    quality: dict[Quantity, QualityCode] = {}
    events: dict[str, None] = {}
    counters: dict[str, int] = {}
    for group in profile.groups:
        known = _judgeable(profile, image, group)
        if not known:
            continue
        found = decode_group(profile, group, image, {}, identity)
        polls.append(found)
        values |= {name: value for name, value in found.values.items() if name in known}
        quality |= {name: code for name, code in found.quality.items() if name in known}
        events |= dict.fromkeys(found.events)
        counters |= found.counters
    if not polls:
        return None
    return replace(
        polls[0], values=values, quality=quality, events=tuple(events), counters=counters
    )


def _identity(profile: Profile, image: WordImage, device: str) -> Identity | None:
    """Return whom the frame was of, where its words can prove it; None leaves the guard alone.

    A stored frame does not know the device address it was asked at.
    """
    guard = profile.guard
    if guard is None or guard.equals == "device_address":
        return None
    is_unknown = guard.equals == "serial" and device == UNKNOWN_DEVICE
    words = profile.registers[guard.register].span.addresses()
    if is_unknown or not all(at in image for at in words):
        return None
    return Identity(device_address=_ANY_ADDRESS, serial=device)


def _lost(former: Profile | None, image: WordImage, group: str) -> set[Quantity]:
    """Return what the former profile took from these words."""
    if former is None:
        return set()
    own = wire_registers(former).items()
    of_group = {quantity for quantity, register in own if register.group == group}
    return of_group & _found(former, image)


def _knows(profile: Profile, image: WordImage) -> bool:
    return any(_has(profile, image, [name]) for name in profile.registers)


def _found(profile: Profile, image: WordImage) -> set[Quantity]:
    """Return the wire quantities whose own words are there."""
    return {
        quantity
        for quantity, register in wire_registers(profile).items()
        if _has(profile, image, [register.name, *register.companions.all()])
    }


def _judgeable(profile: Profile, image: WordImage, group: str) -> set[Quantity]:
    """Return those of a group for which the words of their validity rules are there too."""
    found = _found(profile, image)
    return {
        quantity
        for quantity, register in wire_registers(profile).items()
        if quantity in found
        and register.group == group
        and _has(profile, image, _validity_registers(register))
    }


def _validity_registers(register: Register) -> Iterator[str]:
    return (need.register for rule in register.validity for need in rule.needs)


def _has(profile: Profile, image: WordImage, names: Iterable[str]) -> bool:
    spans = (profile.registers[name].span for name in names)
    return all(at in image for span in spans for at in span.addresses())
