"""The golden vectors of a profile: what its words must decode to, and where they do not."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from firmware_profiles.decode import decode_group, decode_registers
from firmware_profiles.golden_vector import Expected, GoldenVector
from firmware_profiles.profile import Profile
from firmware_profiles.register import LocalValue
from wire_contracts.quality import QualityCode
from wire_contracts.quantities import Quantity


def golden_failures(profile: Profile, vector: GoldenVector) -> tuple[str, ...]:
    """Return one sentence per value that does not decode as the vector demands; empty is good.

    A number written with decimals must agree to half of its last digit, a whole number exactly.
    """
    values: dict[Quantity, float] = {}
    quality: dict[Quantity, QualityCode] = {}
    events: set[str] = set()
    for group in profile.groups:
        decoded = decode_group(profile, group, vector.words, {})
        values |= decoded.values
        quality |= decoded.quality
        events |= set(decoded.events)
    failures = list(_register_failures(vector, decode_registers(profile, vector.words)))
    failures += _differing(vector.values, values)
    failures += [
        f"{name}: quality {quality.get(name)}, expected {code}"
        for name, code in vector.quality.items()
        if quality.get(name) != code
    ]
    failures += [
        f"{name}: quality {quality[name]}, expected good"
        for name in vector.values
        if name in quality and name not in vector.quality
    ]
    if vector.events is not None and frozenset(events) != vector.events:
        failures.append(f"events: {sorted(events)}, expected {sorted(vector.events)}")
    return tuple(failures)


def _register_failures(vector: GoldenVector, found: Mapping[str, LocalValue]) -> Iterator[str]:
    for name, expected in vector.registers.items():
        if not _agrees(found.get(name), expected):
            wanted = expected if isinstance(expected, Decimal) else repr(expected)
            yield f"{name}: {found.get(name)!r}, expected {wanted}"


def _differing(expected: Mapping[Quantity, Decimal], found: Mapping[Quantity, float]) -> list[str]:
    return [
        f"{name}: {found.get(name)!r}, expected {number}"
        for name, number in expected.items()
        if not _agrees(found.get(name), number)
    ]


def _agrees(found: LocalValue | None, expected: Expected) -> bool:
    if isinstance(expected, Mapping):
        if not isinstance(found, Mapping):
            return False
        return all(found.get(name) == number for name, number in expected.items())
    if not isinstance(expected, Decimal) or not isinstance(found, int | float):
        return found == expected
    if found == float(expected):
        return True
    exponent = expected.as_tuple().exponent
    digits = exponent if isinstance(exponent, int) else 0
    tolerance = Decimal(5).scaleb(digits - 1) if digits < 0 else Decimal(0)
    return abs(Decimal(found) - expected) <= tolerance
