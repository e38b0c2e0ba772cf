"""Decides what may be read of a meter beside its blocks, only to learn that it is in step."""

from collections.abc import Iterator, Mapping
from itertools import pairwise

from edge_gateway.links.in_step import shape_of
from edge_gateway.links.modbus_frames import Shape
from edge_gateway.links.read_plan import BIT_FUNCTIONS, ReadLimits
from firmware_profiles.profile import Profile
from firmware_profiles.words import Span, span_in

MOST_SPARE = 10
"""Different lengths of answers that are kept for one unit: so many tell as many requests apart."""

_MOST_BESIDE = 8
"""Words that are asked with a register where a map has too few lengths of its own."""


def spare_reads(profile: Profile) -> Mapping[int, tuple[Span, ...]]:
    """Return short reads of different lengths by unit offset, those of named registers first.

    Two neighbours together are one more length; where a map names few lengths, the words behind a
    register are asked with it, unless the profile forbids that. A meter that refuses it has
    answered, which is all that is wanted.
    """
    found: dict[int, dict[Shape, Span]] = {}
    limits = ReadLimits(max_registers=profile.max_registers, forbidden=profile.forbidden)
    for span in _candidates(profile):
        shapes = found.setdefault(span.unit_offset, {})
        if limits.allows(span) and len(shapes) < MOST_SPARE:
            shapes.setdefault(shape_of(0, span), span)
    return {offset: tuple(shapes.values()) for offset, shapes in found.items()}


def _candidates(profile: Profile) -> Iterator[Span]:
    named = sorted(
        register.span
        for register in profile.registers.values()
        if register.is_readable and not register.is_doubtful and not register.option
    )
    yield from sorted(named, key=lambda span: span.word_count)
    for one, other in pairwise(named):
        if one.space == other.space and one.end == other.address:
            yield span_in(one.space, one.address, one.word_count + other.word_count)
    for more in range(1, _MOST_BESIDE + 1):
        for span in named:
            if span.function_code not in BIT_FUNCTIONS:
                yield span_in(span.space, span.address, span.word_count + more)
