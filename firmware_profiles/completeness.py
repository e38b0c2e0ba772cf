"""What a register map still lacks before a gateway may poll a meter by it."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from firmware_profiles.codings import FLOATS, TEXTS
from firmware_profiles.errors import ProfileError
from firmware_profiles.profile import Profile
from firmware_profiles.register import Register
from firmware_profiles.spans import group_spans, needed_spans
from firmware_profiles.status_rule import StatusRule
from firmware_profiles.vocabulary import EVENTS, LOCAL_UNITS, QUANTITIES
from firmware_profiles.word_orders import can_decide_order
from firmware_profiles.words import READ_BITS, Span
from wire_contracts.quantities import TOTALISERS, UNITS, Medium, Quantity, to_canonical

_TO_FILL_IN = "?"
"""What `skeleton` leaves where only a person knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPoint:
    """One thing that is missing or doubtful.

    Attributes:
        field: The way to the field.
        problem: What is wrong.
        remedy: What to do.
        is_blocking: A released profile must not have it; else it is worth knowing only.
    """

    field: str
    problem: str
    remedy: str
    is_blocking: bool = True


def open_points(profile: Profile) -> tuple[OpenPoint, ...]:
    """Return everything that is missing or doubtful, the file's order kept.

    Nothing blocking means that the profile is fit for release.
    """
    points = [*_of_head(profile), *_of_wire(profile)]
    for register in profile.registers.values():
        points.extend(_of_register(profile, register))
    for rule in profile.status:
        points.extend(_of_status(rule))
        points.extend(_of_status_register(profile, rule))
    points.extend(_of_groups(profile))
    return tuple(points)


def require_complete(profile: Profile) -> None:
    """Raise ProfileError for the first point that blocks; return when there is none."""
    for point in open_points(profile):
        if point.is_blocking:
            raise ProfileError(
                place=profile.place, field=point.field, problem=point.problem, remedy=point.remedy
            )


def _of_head(profile: Profile) -> Iterator[OpenPoint]:
    if profile.revision is None:
        yield _block("profile.rev", "is missing: this is a draft", "add rev = 1")
    yield from _of_nameplate(profile)
    if profile.medium is None:
        yield _block("profile.kind", f"{profile.kind!r} is no meter", "use heat, gas or water")
    if profile.order_candidates and not can_decide_order(profile):
        problem = f"the byte order is one of {', '.join(profile.order_candidates)}"
        remedy = 'state it, or add [[identify]] method = "word_order_probe" with min and max'
        yield _block("decode", problem, remedy)
    if not profile.groups:
        yield _block("group", "is missing", 'add [group] with lines such as fast = "15m"')
    if not profile.golden:
        yield _block("test", "there is no golden vector", "add a [[test]] with words and values")
    if profile.confidence != "high":
        problem = f"is {profile.confidence or 'not stated'}"
        yield _note("profile.confidence", problem, "compare a reading with the display")


def _of_nameplate(profile: Profile) -> Iterator[OpenPoint]:
    for field, text in (("manufacturer", profile.manufacturer), ("model", profile.model)):
        if text.strip() == _TO_FILL_IN:
            yield _block(f"profile.{field}", "is still to be filled in", "copy the nameplate")
    if _TO_FILL_IN in profile.sources:
        yield _block("source.where", "is still to be filled in", "name the manual and its page")


def _of_wire(profile: Profile) -> Iterator[OpenPoint]:
    seen: dict[Quantity, str] = {}
    for register in profile.registers.values():
        if register.wire is None:
            continue
        if register.wire in seen:
            problem = f"produces {register.wire} as {seen[register.wire]} does"
            yield _block(_at(register, "wire"), problem, "set wire = false on one of the two")
        seen.setdefault(register.wire, register.name)
    if not seen:
        yield _block("register", "no register produces a wire quantity", "name quantities")
    is_reduced = {Quantity.VOLUME_BASE_M3, Quantity.FLOW_BASE_M3H} & seen.keys()
    if is_reduced and profile.base_conditions is None:
        problem = "base volumes without their base conditions"
        yield _block("base", problem, "add [base] with pressure_bara, temperature_degc, source")


def _of_register(profile: Profile, register: Register) -> Iterator[OpenPoint]:
    yield from _of_address(profile, register)
    if register.schema_quantity and register.schema_quantity not in QUANTITIES:
        problem = f"{register.schema_quantity!r} is unknown"
        yield _block(_at(register, "quantity"), problem, "use a word of docs/profiles.md")
    yield from _of_unit(profile, register)
    yield from _of_validity(register)
    yield from _of_limits(register)
    if register.group is not None and register.group not in profile.groups:
        problem = f"{register.group!r} is not in [group]"
        yield _block(_at(register, "group"), problem, "add its interval to [group]")
    if register.scale is None:
        problem = "the weight of the high part is unknown: above zero it gives no value"
        yield _note(_at(register, "scale"), problem, "watch a rollover, then state scale")
    if register.wire is not None:
        yield from _of_parts(profile, register)
        yield from _of_produced(profile, register)
        yield from _of_doubts(register)
    elif _is_gas_unmarked(profile, register):
        problem = f"{register.schema_quantity!r} of gas without its state is never sent"
        remedy = "write volume_actual/flow_actual or volume_base/flow_base, or wire = false"
        yield _block(_at(register, "quantity"), problem, remedy)
    if register.wire is not None or register.group is not None:
        for span in needed_spans(profile, register):
            yield from _of_span(profile, register, span)


def _is_gas_unmarked(profile: Profile, register: Register) -> bool:
    """Return whether a gas volume that is polled has no state, and nobody said it stays local."""
    is_polled = register.group is not None and not register.is_kept_local
    is_volume = register.schema_quantity in {"volume", "flow"}
    return profile.medium is Medium.GAS and is_polled and is_volume


def _of_groups(profile: Profile) -> Iterator[OpenPoint]:
    """Find what no request can fetch: atomic sets too wide, or words that two reads would need.

    Where two reads fetch one word, the second would overwrite what belongs to the first.
    """
    for group in profile.groups:
        spans = group_spans(profile, group)
        for span in spans:
            if span.function_code not in READ_BITS and span.word_count > profile.max_registers:
                asked = f"{span.address}..{span.end - 1} must be read at once"
                problem = f"{asked}, the meter gives {profile.max_registers} words"
                yield _block(f"group.{group}", problem, "make the atomic set smaller")
        for span, following in pairwise(spans):
            if span.space == following.space and following.address < span.end:
                both = f"{span.address}..{span.end - 1} and {following.address}"
                problem = f"{both}..{following.end - 1} overlap and exceed one read together"
                yield _block(f"group.{group}", problem, "make one of the composites smaller")


def _of_parts(profile: Profile, register: Register) -> Iterator[OpenPoint]:
    """Find parts of a value that no single request can fetch: the sum could tear."""
    for name in register.companions.in_one_request():
        part = profile.registers[name]
        if part.span.space != register.span.space:
            problem = f"{name} has another function code or unit: they cannot be read at once"
            yield _block(_at(register, "fc"), problem, "correct one of the two, or send no sum")


def _of_status_register(profile: Profile, rule: StatusRule) -> Iterator[OpenPoint]:
    register = profile.registers.get(rule.register)
    if register is not None and register.is_array:
        problem = f"{register.name} is an array of {register.span.word_count} words"
        remedy = "make a register of each word, or one bitfield32"
        yield _block(f"status.{rule.name}.register", problem, remedy)


def _of_address(profile: Profile, register: Register) -> Iterator[OpenPoint]:
    if profile.doc_base is None or register.printed_address is None:
        return
    wire_address = register.printed_address - profile.doc_base
    if wire_address != register.span.address:
        printed = f"{register.printed_address} with doc_base {profile.doc_base}"
        problem = f"{printed} is wire address {wire_address}, not {register.span.address}"
        yield _block(_at(register, "address"), problem, "correct one of the three")


def _of_produced(profile: Profile, register: Register) -> Iterator[OpenPoint]:
    if register.group is None:
        yield _block(_at(register, "group"), "is missing", "say in which group it is polled")
    if register.is_doubtful:
        problem = "is doubtful, so it may not be sent"
        yield _block(_at(register, "doubtful"), problem, "prove it, or set wire = false")
    if not register.is_readable:
        yield _block(_at(register, "access"), "is write-only", "set wire = false")
    codes = profile.link.function_codes
    if codes and register.span.function_code not in codes:
        problem = f"{register.span.function_code} is not in link.function_codes"
        yield _block(_at(register, "fc"), problem, "correct one of the two")
    if register.companions.rollover_from is not None and register.rollover_span is None:
        problem = "unknown: after the first rollover there is no value"
        yield _note(_at(register, "rollover_span"), problem, "state what one round counts")


def _of_validity(register: Register) -> Iterator[OpenPoint]:
    for rule in register.validity:
        if rule.event and rule.event not in EVENTS:
            problem = f"{rule.event!r} is unknown"
            yield _block(_at(register, "valid_if"), problem, "use an event of docs/profiles.md")


def _of_limits(register: Register) -> Iterator[OpenPoint]:
    low, high = register.limits.minimum, register.limits.maximum
    if low is not None and high is not None and low > high:
        problem = f"{float(low):g} is above max {float(high):g}: every value would be suspect"
        yield _block(_at(register, "min"), problem, "exchange min and max")
    if register.limits.may_fall and register.wire is not None and register.wire not in TOTALISERS:
        problem = f"{register.wire} is no total, it may fall anyway"
        yield _block(_at(register, "may_fall"), problem, "leave it out")
    if register.limits.floor is not None and register.coding.kind not in FLOATS:
        problem = f"{register.coding.kind} is exact, only floats have noise about zero"
        yield _block(_at(register, "floor"), problem, "leave it out")


def _of_doubts(register: Register) -> Iterator[OpenPoint]:
    """Yield what a person should know of a register that is sent."""
    if register.basis:
        yield _note(_at(register, "basis"), f"is {register.basis}", "compare it with the display")
    if register.conflict:
        yield _note(_at(register, "conflict"), register.conflict, "compare it with the display")
    if register.option:
        problem = f"is there only with {register.option}"
        yield _note(_at(register, "firmware"), problem, "make a profile without it for the others")


def _of_span(profile: Profile, register: Register, span: Span) -> Iterator[OpenPoint]:
    if span.word_count > profile.max_registers:
        asked = f"needs {span.word_count} words in one read"
        problem = f"{asked}, the meter gives {profile.max_registers}"
        yield _block(_at(register, "count"), problem, "split it, or set wire = false")
    for first, last in profile.forbidden:
        if span.address <= last and first < span.end:
            problem = f"{span.address}..{span.end - 1} touches the forbidden {first}..{last}"
            yield _block(_at(register, "address"), problem, "correct address or link.forbidden")


def _of_unit(profile: Profile, register: Register) -> Iterator[OpenPoint]:
    quantity = register.wire
    is_pressure = register.schema_quantity == "pressure" and not register.is_kept_local
    if is_pressure and register.reference is None:
        problem = f"{register.unit or 'pressure'} without a reference"
        remedy = 'add reference = "absolute" or "gauge", or set wire = false'
        yield _block(_at(register, "reference"), problem, remedy)
    if register.companions.unit_from is not None:
        yield from _of_codes(profile, register)
    elif quantity is not None:
        mismatch = unit_problem(register.unit, quantity)
        if mismatch is not None:
            yield _block(_at(register, "unit"), mismatch, "state the unit, or set wire = false")
    elif register.unit and register.unit not in UNITS and register.unit not in LOCAL_UNITS:
        is_config = register.unit.startswith("by:") or "-" in register.unit
        remedy = "name the unit register in unit_from" if is_config else "use a known unit"
        yield _block(_at(register, "unit"), f"{register.unit!r} is unknown", remedy)


def _of_codes(profile: Profile, register: Register) -> Iterator[OpenPoint]:
    source = profile.registers[register.companions.unit_from or ""]
    if not source.codes and source.coding.kind not in TEXTS:
        problem = f"{source.name!r} has no codes"
        yield _block(f"register.{source.name}.codes", problem, 'add codes = { "0" = "m3" }')
    if register.wire is None:
        return
    for code, unit in source.codes.items():
        mismatch = unit_problem(unit, register.wire)
        if mismatch is not None:
            yield _block(f"register.{source.name}.codes.{code}", mismatch, "correct the unit")


def unit_problem(unit: str, quantity: Quantity) -> str | None:
    """Return why a printed unit cannot be converted to the quantity, or None when it can."""
    try:
        to_canonical(Fraction(0), unit, quantity)
    except ValueError as error:
        return str(error)
    return None


def _of_status(rule: StatusRule) -> Iterator[OpenPoint]:
    if rule.event not in EVENTS:
        field = f"status.{rule.name}.event"
        yield _block(field, f"{rule.event!r} is unknown", "use an event of docs/profiles.md")


def _at(register: Register, key: str) -> str:
    return f"register.{register.name}.{key}"


def _block(field: str, problem: str, remedy: str) -> OpenPoint:
    return OpenPoint(field=field, problem=problem, remedy=remedy)


def _note(field: str, problem: str, remedy: str) -> OpenPoint:
    return OpenPoint(field=field, problem=problem, remedy=remedy, is_blocking=False)
