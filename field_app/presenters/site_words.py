"""Decides how the work on site reads: steps, values, reasons, troubles."""

from collections.abc import Mapping
from datetime import date

from field_app.forms.numbers import shown_number
from field_app.orders.completion import Lack, Lacking
from field_app.orders.entry_gate import GOOD_FOR_MIN, GateReason
from field_app.orders.gas_order import GasOrder
from field_app.orders.reading_check import Doubt
from field_app.orders.safety_steps import StepField, Trouble
from field_app.orders.step_book import Again
from field_app.presenters.dates import day_text
from field_app.presenters.ports import Words
from field_app.presenters.views import Tone
from wire_contracts.quantities import Medium
from wire_contracts.site_facts import GasMeasurement, HelpReason, SafetyStep, VisitEndReason
from wire_contracts.van import Calibration, VanPart, calibration_at, is_short


def step_text(t: Words, step: SafetyStep, medium: Medium) -> str:
    """Return what a step is called."""
    texts: Mapping[SafetyStep, str] = {
        SafetyStep.ISOLATE: t("Isolate"),
        SafetyStep.VENTILATE: t("Ventilate"),
        SafetyStep.MEASURE: t("Measure"),
        SafetyStep.REPAIR: t("Repair"),
        SafetyStep.REMEASURE: t("Measure again"),
        SafetyStep.RELIGHT: t("Relight") if medium is Medium.GAS else t("Put back into use"),
    }
    return texts[step]


def step_advice(t: Words, step: SafetyStep, medium: Medium) -> str:
    """Return what a step asks for, in one line."""
    gas = medium is Medium.GAS
    texts: Mapping[SafetyStep, str] = {
        SafetyStep.ISOLATE: t("Close the valve before the leak, hang your tag on it."),
        SafetyStep.VENTILATE: t("No switch, no flame, no phone inside. Open doors and windows."),
        SafetyStep.MEASURE: t("Measure the air at the leak, the floor and the ceiling.")
        if gas
        else t("Read the instruments before you open the pipe."),
        SafetyStep.REPAIR: t("Repair, replace, or make it safe until it can be repaired."),
        SafetyStep.REMEASURE: t("Soap test and measure the air again; watch it for 10 minutes.")
        if gas
        else t("Bring the pressure back and watch it for 5 minutes."),
        SafetyStep.RELIGHT: t("Vent the line, relight every appliance, watch the flame.")
        if gas
        else t("Open slowly, vent the air, look at the joint once more."),
    }
    return texts[step]


def field_text(t: Words, field: StepField) -> str:
    """Return the label of a value of a step."""
    texts: Mapping[str, str] = {
        "gas_lel_pct": t("Gas in the air"),
        "pressure_mpag": t("Gauge pressure"),
        "supply_temp_degc": t("Supply temperature"),
        "room_temp_degc": t("Temperature of the room"),
        "minutes": t("For how long"),
        "tight": t("Does it hold?"),
        "how": t("What was done?"),
    }
    return texts.get(field.key, field.key)


def option_text(t: Words, option: str) -> str:
    """Return the words of one choice of a step."""
    texts: Mapping[str, str] = {
        "valve_closed": t("Valve closed"),
        "not_needed": t("Not needed here"),
        "by_control_room": t("By the control room"),
        "doors_windows": t("Doors and windows"),
        "fan": t("Fan, explosion-proof"),
        "open_air": t("Open air"),
        "repaired": t("Repaired"),
        "replaced": t("Part replaced"),
        "made_safe": t("Made safe for now"),
        "holds": t("It holds"),
        "drops": t("It drops"),
        "relit": t("Relit"),
        "sealed": t("Sealed off"),
        "no_flame": t("Nothing to relight"),
        "reopened": t("Open again"),
        "stays_closed": t("Stays closed"),
        "vented": t("Air let out"),
        "balanced": t("Flow set anew"),
        "user_side": t("Nothing: the user’s side"),
        "exchanged": t("Meter exchanged"),
        "put_back": t("Same meter put back"),
    }
    return texts.get(option, option)


OPTION_ICONS: Mapping[str, str] = {
    "valve_closed": "valve-closed",
    "not_needed": "minus-circle",
    "by_control_room": "server-network",
    "doors_windows": "weather-windy",
    "fan": "fan",
    "open_air": "weather-sunny",
    "repaired": "wrench",
    "replaced": "swap-horizontal",
    "made_safe": "shield-check",
    "holds": "check-circle",
    "drops": "arrow-right",
    "relit": "fire",
    "sealed": "lock",
    "no_flame": "fire-off",
    "reopened": "valve-open",
    "stays_closed": "valve-closed",
    "vented": "weather-windy",
    "balanced": "valve-open",
    "user_side": "account",
    "exchanged": "swap-horizontal",
    "put_back": "counter",
}
"""The icon beside each choice of a step."""


def again_text(t: Words, why: Again) -> str:
    """Return why a step that was done is asked again."""
    return {
        Again.VALVE_OPENED: t("The valve was opened again: isolate, ventilate and measure anew."),
        Again.GAS_FOUND: t("Gas was measured after this step: make it safe, then do it again."),
        Again.ANOTHER_VISIT: t("Another visit: ask anew whether it is shut."),
        Again.TAKEN_BACK: t("A colleague's tablet says that this does not stand: do it anew."),
        Again.TOO_OLD: t("Measured more than 30 minutes ago: measure the air again."),
    }[why]


def trouble_text(t: Words, field: StepField, trouble: Trouble) -> str:
    """Return what is wrong with a value, empty for one that is only not there yet."""
    if trouble is Trouble.NOT_A_NUMBER:
        return t("Not a number")
    if trouble is Trouble.OUT_OF_RANGE:
        return t("Possible: {low} to {high}").format(low=f"{field.low:g}", high=f"{field.high:g}")
    if trouble is Trouble.NOT_SAFE:
        return t("Not safe: stop, go back one step")
    if trouble is Trouble.TOO_OLD:
        return gate_text(t, GateReason.TOO_OLD)
    return ""


def gate_text(t: Words, reason: GateReason) -> str:
    """Return why nobody may go in."""
    texts: Mapping[GateReason, str] = {
        GateReason.NO_DETECTOR: t("Which detector? Enter its number."),
        GateReason.CALIBRATION_UNKNOWN: t("Until when is the detector calibrated?"),
        GateReason.CALIBRATION_DUE: t("The detector's calibration has run out: take another one."),
        GateReason.CALIBRATION_TOO_FAR: t("No calibration holds so long: read the sticker again."),
        GateReason.PLACE_MISSING: t("Which well or pit? Enter its number."),
        GateReason.WRONG_DETECTOR: t(
            "This detector does not show oxygen and gas: take another one."
        ),
        GateReason.TOO_OLD: t("Measured more than {minutes} minutes ago: measure again.").format(
            minutes=GOOD_FOR_MIN
        ),
        GateReason.OXYGEN_MISSING: t("Oxygen is not measured."),
        GateReason.LEL_MISSING: t("Gas is not measured."),
        GateReason.NOT_A_NUMBER: t("A value is not a number."),
        GateReason.OXYGEN_LOW: t("Too little oxygen: people faint without a warning."),
        GateReason.OXYGEN_HIGH: t("Too much oxygen: clothes burn."),
        GateReason.LEL_HIGH: t("Gas in the air: danger of explosion."),
        GateReason.CARBON_MONOXIDE: t("Carbon monoxide above the limit."),
        GateReason.HYDROGEN_SULPHIDE: t("Hydrogen sulphide above the limit."),
    }
    return texts[reason]


def calibration_text(t: Words, until: date, today: date) -> tuple[str, Tone]:
    """Return until when a detector may be trusted, and how urgent that is."""
    standing = calibration_at(until, today)
    if standing is Calibration.OVER:
        return t("Blocked: calibration ended {day}").format(day=day_text(t, until)), Tone.DANGER
    text = t("Calibrated until {day}").format(day=day_text(t, until))
    return text, Tone.WARN if standing is Calibration.SOON else Tone.OK


def left_text(t: Words, part: VanPart) -> tuple[str, Tone]:
    """Return what is left of a part in the van, and whether that is too little."""
    unit = "" if part.unit == "pcs" else f" {part.unit}"
    if part.quantity <= 0:
        return t("None left in the van"), Tone.WARN
    text = t("{count} left in the van").format(count=f"{part.quantity:g}{unit}")
    return text, Tone.WARN if is_short(part) else Tone.PLAIN


def doubt_text(t: Words, doubt: Doubt) -> str:
    """Return what is strange about a reading, as a question."""
    texts: Mapping[Doubt, str] = {
        Doubt.NOT_A_NUMBER: t("Not a number"),
        Doubt.TOO_LONG: t("No meter has so many digits."),
        Doubt.BACKWARDS: t("Less than the meter showed before. Read it again."),
        Doubt.MUCH_MORE: t("Far more than usual. A digit too many?"),
        Doubt.MUCH_LESS: t("Far less than usual. Does the meter still count?"),
    }
    return texts[doubt]


def lack_text(t: Words, lacking: Lacking, medium: Medium) -> str:
    """Return what is missing, in one line."""
    if lacking.lack is Lack.STEP and lacking.step is not None:
        return t("Step not done: {step}").format(step=step_text(t, lacking.step, medium))
    measured = t("Measured here: {value} % LEL. That is a leak, or another source")
    closed = t("Valve {valve} is closed and nobody is named who may open it")
    texts: Mapping[Lack, str] = {
        Lack.PHOTO: t("A photo of what was repaired"),
        Lack.READING: t("The reading of the meter"),
        Lack.GAS_MEASURED: measured.format(value=shown_number(lacking.lel_pct)),
        Lack.GAS_NOT_FOR_THIS: t(
            "Gas escapes, and this order has no steps for it: the red button orders a crew for"
            " it and ends the visit"
        ),
        Lack.GAS_NOTE: t("{value} % LEL of gas: say in the note where it was").format(
            value=shown_number(lacking.lel_pct)
        ),
        Lack.AIR_NOTE: t("{values} in the air: say in the note where it was").format(
            values=air_text(lacking.air)
        ),
        Lack.ENTRY: t("Say under Gas test whether anybody went in"),
        Lack.ENTRY_WHY: t("Went in without a good gas test: say why under Gas test"),
        Lack.CHECKLIST: t("Checklist: {title}").format(title=lacking.checklist),
        Lack.VALVE_CLOSED: closed.format(valve=lacking.valve_id),
    }
    return texts[lacking.lack]


def air_text(gas: GasMeasurement | None) -> str:
    """Return what was measured beside gas that may burn, such as `O₂ 16 %, CO 300 ppm`."""
    if gas is None:
        return ""
    rows = (
        ("O₂", gas.oxygen_pct, "%"),
        ("CO", gas.carbon_monoxide_ppm, "ppm"),
        ("H₂S", gas.hydrogen_sulphide_ppm, "ppm"),
    )
    return ", ".join(
        f"{name} {shown_number(value)} {unit}" for name, value, unit in rows if value is not None
    )


def gas_order_text(t: Words, asked: GasOrder | None) -> str:
    """Return what became of the order that gas made; empty when nobody needs to hear of it."""
    if asked is None or (asked.is_over and asked.is_told):
        return ""
    if asked.is_refused:
        return t("Order not received: the office does not know. Call the control room now.")
    if asked.is_told:
        return t("Gas: an order of class A was made; the office has it.")
    return t("Gas: an order of class A was made, not sent yet: call the control room now.")


def reason_of_end_text(t: Words, reason: VisitEndReason) -> str:
    """Return why a visit ended without a finding."""
    texts: Mapping[VisitEndReason, str] = {
        VisitEndReason.NOBODY_HOME: t("Nobody at home"),
        VisitEndReason.REFUSED: t("Was not let in"),
        VisitEndReason.LOCKED: t("Locked, no key"),
        VisitEndReason.DANGEROUS: t("Too dangerous now"),
        VisitEndReason.PARTS_MISSING: t("Part is missing"),
        VisitEndReason.OTHER_TRADE: t("Needs another trade"),
        VisitEndReason.NEEDS_SHUTDOWN: t("Needs a shut-down"),
        VisitEndReason.WEATHER: t("Weather"),
        VisitEndReason.HANDED_OVER: t("Handed over"),
    }
    return texts[reason]


END_ICONS: Mapping[VisitEndReason, str] = {
    VisitEndReason.NOBODY_HOME: "home-alert",
    VisitEndReason.REFUSED: "hand-back-right",
    VisitEndReason.LOCKED: "door-closed-lock",
    VisitEndReason.DANGEROUS: "alert-octagon",
    VisitEndReason.PARTS_MISSING: "package-variant",
    VisitEndReason.OTHER_TRADE: "account-switch",
    VisitEndReason.NEEDS_SHUTDOWN: "valve-closed",
    VisitEndReason.WEATHER: "weather-windy",
    VisitEndReason.HANDED_OVER: "swap-horizontal",
}
"""The icon beside each reason."""


def help_text(t: Words, reason: HelpReason) -> str:
    """Return why help is wanted."""
    texts: Mapping[HelpReason, str] = {
        HelpReason.INJURY: t("Somebody is hurt"),
        HelpReason.GAS: t("Gas escapes"),
        HelpReason.FIRE: t("Fire"),
        HelpReason.THREAT: t("We are threatened"),
        HelpReason.CREW: t("We need another crew"),
    }
    return texts[reason]


HELP_ICONS: Mapping[HelpReason, str] = {
    HelpReason.INJURY: "medical-bag",
    HelpReason.GAS: "gas-cylinder",
    HelpReason.FIRE: "fire",
    HelpReason.THREAT: "account-alert",
    HelpReason.CREW: "account-group",
}
"""The icon beside each reason."""
