"""The words of a stored frame become readings by another revision of the profile (RULINGS R17)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from firmware_profiles.byte_order import ByteOrder
from firmware_profiles.counters import with_counters
from firmware_profiles.decode import Decoded, decode_group, good_values
from firmware_profiles.errors import WordsError
from firmware_profiles.probe import MeantMeter
from firmware_profiles.profile import Profile, wire_registers
from firmware_profiles.rates import Rule, Trail, follow, rules_of
from firmware_profiles.register import Register
from firmware_profiles.word_orders import with_order
from firmware_profiles.words import WordAddress, WordImage, unpack_words
from wire_contracts.frames import Frame
from wire_contracts.meter_frames import UNKNOWN_DEVICE, MeterFrame
from wire_contracts.quality import BAD_MISMATCH, BAD_PROFILE, QualityCode
from wire_contracts.quantities import Quantity

FormerOf = Callable[[str], Profile | None]
"""Profile of a reference such as `tuf_2000m@1`; None when there is none."""

_ANY_ADDRESS = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """What the polls before of the same meter and group left.

    Attributes:
        at_utc: When the last of them was.
        trails: The last values that were believed.
        counters: Counting status registers by name.
    """

    at_utc: datetime
    trails: Mapping[Quantity, Trail]
    counters: Mapping[str, int]


_Layout = tuple[str, str, frozenset[WordAddress]]
"""Former profile, group, and which words there are."""

_MOST_PLANS = 1000
"""Layouts remembered; frames of one group have one, and few more where a read failed in part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What a profile finds in words of one layout.

    Attributes:
        profile: The corrected revision, in the byte order of the meter.
        groups: Its groups to those of their quantities that can be judged by these words.
        withdrawn: What the former profile took from these words and this one does not find.
        has_guard: Whether the words of the guard are among them.
    """

    profile: Profile
    groups: Mapping[str, frozenset[Quantity]]
    withdrawn: frozenset[Quantity]
    has_guard: bool


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
    _plans: dict[_Layout, _Plan] = field(default_factory=dict)
    _moves: Mapping[Quantity, Rule] | None = None

    def redecode(self, line: MeterFrame) -> MeterFrame:
        """Return the line with what this profile says of its words, and without the words.

        A quantity is in it when all of its words are. One that the former profile took from this
        group and this profile cannot find in the words gets `bad_profile`: its value was wrong.

        Raises:
            WordsError: There are no words, they are malformed, or no register is in them.
        """
        frame = line.frame
        image = _image(frame)
        plan = self._plan(frame, image)
        decoded = _decoded(plan, image, frame.device)
        if decoded is not None and _was_a_strangers(plan, frame):
            decoded = _refused(decoded)
        elif decoded is not None:
            decoded = self._judged(line, decoded)
        values, quality, events = _parts(decoded)
        again = replace(
            frame,
            profile=plan.profile.reference,
            values=values,
            quality={**quality, **dict.fromkeys(plan.withdrawn, BAD_PROFILE)},
            events=events,
            raw=None,
        )
        return replace(line, frame=again)

    def _plan(self, frame: Frame, image: WordImage) -> _Plan:
        """Return what can be found in words of this layout, worked out once for all of them."""
        layout = (frame.profile, frame.group, frozenset(image))
        plan = self._plans.get(layout)
        if plan is None:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            profile = _in_order(self.profile, frame.profile)
            plan = _plan_of(profile, self.former_of(frame.profile), image, frame.group)
            self._plans[layout] = plan
        return plan

    def _judged(self, line: MeterFrame, decoded: Decoded) -> Decoded:
        """Return the poll with what only the poll before can tell."""
        key = (line.meter_id, line.frame.group)
        before = self._before.get(key)
        at_utc = line.frame.measured_at_utc
        if before is not None and before.at_utc >= at_utc:
            return decoded
        trails = {} if before is None else before.trails
        found = follow(self._rules(), trails, good_values(decoded), at_utc)
        counters = decoded.counters
        self._before[key] = _Before(at_utc=at_utc, trails=found.trails, counters=counters)
        judged = replace(decoded, quality={**found.suspects, **decoded.quality})
        return judged if before is None else with_counters(self.profile, judged, before.counters)

    def _rules(self) -> Mapping[Quantity, Rule]:
        if self._moves is None:
            self._moves = rules_of(self.profile)
        return self._moves


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


def _plan_of(profile: Profile, former: Profile | None, image: WordImage, group: str) -> _Plan:
    found = _found(profile, image)
    withdrawn = frozenset(_lost(former, image, group) - found)
    if not withdrawn and not any(_has(profile, image, [name]) for name in profile.registers):
        reference = profile.reference
        message = f"raw: holds no register of {reference}; give the profile of this meter"
        raise WordsError(message)
    guard = profile.guard
    has_guard = guard is not None and _has(profile, image, [guard.register])
    return _Plan(
        profile=profile,
        groups={
            name: known for name in profile.groups if (known := _judgeable(profile, image, name))
        },
        withdrawn=withdrawn,
        has_guard=has_guard,
    )


def _decoded(plan: _Plan, image: WordImage, device: str) -> Decoded | None:
    """Return what the words say of every quantity whose words they are; None when of none."""
    identity = _identity(plan, device)
    polls: list[Decoded] = []
    values: dict[Quantity, float] = {}
    quality: dict[Quantity, QualityCode] = {}
    for group, known in plan.groups.items():
        found = decode_group(plan.profile, group, image, {}, identity)
        polls.append(found)
        values |= {name: value for name, value in found.values.items() if name in known}
        quality |= {name: code for name, code in found.quality.items() if name in known}
    if not polls:
        return None
    events = dict.fromkeys(event for found in polls for event in found.events)
    counters = {name: count for found in polls for name, count in found.counters.items()}
    return replace(
        polls[0], values=values, quality=quality, events=tuple(events), counters=counters
    )


def _parts(
    decoded: Decoded | None,
) -> tuple[Mapping[Quantity, float], Mapping[Quantity, QualityCode], tuple[str, ...]]:
    if decoded is None:
        return {}, {}, ()
    return decoded.values, decoded.quality, decoded.events


def _identity(plan: _Plan, device: str) -> MeantMeter | None:
    """Return whom the frame was of, where its words can prove it; None leaves the guard alone.

    A stored frame does not know the device address it was asked at.
    """
    guard = plan.profile.guard
    if guard is None or not plan.has_guard or guard.equals == "device_address":
        return None
    if guard.equals == "serial" and device == UNKNOWN_DEVICE:
        return None
    return MeantMeter(device_address=_ANY_ADDRESS, serial=device)


def _was_a_strangers(plan: _Plan, frame: Frame) -> bool:
    """Return whether another meter answered, as the gateway saw and these words cannot prove.

    Where the corrected profile has no guard, the one before was the mistake.
    """
    is_refused = BAD_MISMATCH in frame.quality.values()
    has_guard = plan.profile.guard is not None
    return is_refused and has_guard and _identity(plan, frame.device) is None


def _refused(decoded: Decoded) -> Decoded:
    """Return a poll none of whose words count."""
    names = {*decoded.values, *decoded.quality}
    mismatch = dict.fromkeys(names, BAD_MISMATCH)
    return replace(decoded, values={}, quality=mismatch, events=(), counters={})


def _lost(former: Profile | None, image: WordImage, group: str) -> set[Quantity]:
    """Return what the former profile took from these words."""
    if former is None:
        return set()
    own = wire_registers(former).items()
    of_group = {quantity for quantity, register in own if register.group == group}
    return of_group & _found(former, image)


def _found(profile: Profile, image: WordImage) -> set[Quantity]:
    """Return the wire quantities whose own words are there."""
    return {
        quantity
        for quantity, register in wire_registers(profile).items()
        if _has(profile, image, [register.name, *register.companions.all()])
    }


def _judgeable(profile: Profile, image: WordImage, group: str) -> frozenset[Quantity]:
    """Return those of a group for which the words of their validity rules are there too."""
    found = _found(profile, image)
    return frozenset(
        quantity
        for quantity, register in wire_registers(profile).items()
        if quantity in found
        and register.group == group
        and _has(profile, image, _validity_registers(register))
    )


def _validity_registers(register: Register) -> Iterator[str]:
    return (need.register for rule in register.validity for need in rule.needs)


def _has(profile: Profile, image: WordImage, names: Iterable[str]) -> bool:
    spans = (profile.registers[name].span for name in names)
    return all(at in image for span in spans for at in span.addresses())
