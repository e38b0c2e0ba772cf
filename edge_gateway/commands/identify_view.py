"""How what a meter says it is, and which profiles match, is shown."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from firmware_profiles.identify import Verdict
from wire_contracts.fields import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A profile that the answers allow, with what speaks for it.

    Attributes:
        profile: Its reference.
        weight: How much speaks for it.
        reasons: What, one sentence each.
        variant: What a person must look at to tell it from others of the model.
    """

    profile: str
    weight: int
    reasons: Sequence[str]
    variant: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identification:
    """What a meter says.

    Attributes:
        url: The line.
        unit: Where it was asked, or the address it named.
        facts: What it said of itself, by name.
        matches: Profiles that it may be, most specific first.
        nearly: Profiles that something speaks for and nothing against, not enough to match.
        profile: The one that is proven; None: none, or more than one.
        milliseconds: Wall milliseconds that it took.
    """

    url: str
    unit: str
    facts: Mapping[str, str] = field(default_factory=dict)
    matches: Sequence[Match] = ()
    nearly: Sequence[Match] = ()
    profile: str | None = None
    milliseconds: float = 0.0


def match_of(verdict: Verdict) -> Match:
    """Return a verdict as it is shown."""
    return Match(
        profile=verdict.profile.reference,
        weight=verdict.weight,
        reasons=verdict.reasons,
        variant=verdict.profile.variant,
    )


def identification_json(found: Identification) -> JsonObject:
    """Return it as one JSON object (docs/gateway.md)."""
    return {
        "url": found.url,
        "unit": found.unit,
        "profile": found.profile,
        "facts": dict(found.facts),
        "matches": [_match_json(each) for each in found.matches],
        "nearly": [_match_json(each) for each in found.nearly],
        "ms": round(found.milliseconds, 1),
    }


def _match_json(match: Match) -> JsonObject:
    return {
        "profile": match.profile,
        "weight": match.weight,
        "reasons": list(match.reasons),
        "variant": match.variant,
    }


def identification_text(found: Identification) -> Iterator[str]:
    """Yield the lines for the eye."""
    yield f"{found.unit} at {found.url}: answers, {found.milliseconds:.0f} ms"
    width = max([len(name) for name in found.facts], default=0)
    yield from (f"  {name:{width}}  {text}" for name, text in sorted(found.facts.items()))
    for match in (*found.matches, *found.nearly):
        standing = "matches" if match in found.matches else "not proven"
        yield f"{match.profile}  {standing}, weight {match.weight}"
        yield from (f"  {reason}" for reason in match.reasons)
        if match.variant and found.profile is None:
            yield f"  it is this one if: {match.variant}"
    if found.profile is not None:
        yield f"it is {found.profile}"
    elif found.matches:
        yield "more than one profile fits: look at the meter's name plate and display, and name one"
    else:
        yield "no profile is proven: name one in the settings, or begin one (docs/add-a-meter.md)"
