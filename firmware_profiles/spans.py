"""Which words must be read for a value or a group, each span by one request."""

from collections.abc import Iterable, Sequence

from firmware_profiles.profile import Profile, group_registers
from firmware_profiles.register import Register
from firmware_profiles.status_rule import ANY_REGISTER
from firmware_profiles.words import Span, span_in


def group_spans(profile: Profile, group: str) -> tuple[Span, ...]:
    """Return the spans of a poll group, sorted; in a profile fit for release none overlap.

    Every group reads the status registers and the guard too, because a value without its
    fault bits may be a lie, and the settings (unit, multiplier) that its values need.

    Raises:
        KeyError: The profile has no such group.
    """
    spans: list[Span] = []
    sets: dict[str, list[Span]] = {}
    for register in group_registers(profile, group):
        needed = needed_spans(profile, register)
        spans.extend(needed)
        if register.atomic is not None:
            sets.setdefault(register.atomic, []).append(needed[0])
    spans.extend(join for members in sets.values() for join in _joined(members))
    spans.extend(register.span for register in watched_registers(profile))
    return merge_spans(spans, profile.max_registers)


def setting_spans(profile: Profile, group: str) -> tuple[Span, ...]:
    """Return the spans of the meter's settings (unit, multiplier) that the group's values need.

    Raises:
        KeyError: The profile has no such group.
    """
    names = (
        name
        for register in group_registers(profile, group)
        for name in register.companions.settings()
    )
    return tuple(sorted({profile.registers[name].span for name in names}))


def needed_spans(profile: Profile, register: Register) -> tuple[Span, ...]:
    """Return the spans of one value: first what must come in one read, then the others.

    The others are its settings, and what its validity rules look at.
    """
    needs = (need.register for rule in register.validity for need in rule.needs)
    names = dict.fromkeys((*register.companions.settings(), *needs))
    names.pop(register.name, None)
    others = (profile.registers[name].span for name in names)
    return (*value_spans(profile, register), *others)


def value_spans(profile: Profile, register: Register) -> tuple[Span, ...]:
    """Return the spans of one value alone: what must come in one read."""
    parts = [profile.registers[name].span for name in register.companions.in_one_request()]
    return tuple(_joined([register.span, *parts]))


def watched_registers(profile: Profile) -> tuple[Register, ...]:
    """Return the status registers and the guard, each once."""
    names = [rule.register for rule in profile.status if rule.register != ANY_REGISTER]
    if profile.guard is not None:
        names.append(profile.guard.register)
    return tuple(profile.registers[name] for name in dict.fromkeys(names))


def merge_spans(spans: Iterable[Span], max_words: int) -> tuple[Span, ...]:
    """Return the spans sorted, overlapping ones joined as far as one read can hold them.

    Neighbours that only touch stay apart: joining those is the gateway's choice. Overlapping ones
    that no read holds together stay as they are; `completeness` refuses a profile that has them.
    """
    merged: list[Span] = []
    for span in sorted(set(spans)):
        last = merged[-1] if merged else None
        if last is None or last.space != span.space or last.end <= span.address:
            merged.append(span)
            continue
        both = _hull([last, span])
        if both.word_count <= max(max_words, last.word_count, span.word_count):
            merged[-1] = both
        else:
            merged.append(span)
    return tuple(merged)


def _joined(spans: Sequence[Span]) -> list[Span]:
    spaces = dict.fromkeys(span.space for span in spans)
    return [_hull([span for span in spans if span.space == space]) for space in spaces]


def _hull(spans: Sequence[Span]) -> Span:
    first = min(span.address for span in spans)
    return span_in(spans[0].space, first, max(span.end for span in spans) - first)
