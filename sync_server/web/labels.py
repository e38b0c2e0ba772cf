"""What every code is called on the screen, as English messages of the catalogue."""

import re
from collections.abc import Mapping

from sync_server.web.words import Words, mark
from wire_contracts.texts import BilingualText

RULES: Mapping[str, str] = {
    "night_flow": mark("Night flow"),
    "continuous_flow": mark("Constant base flow"),
    "silent_meter": mark("Meter silent"),
}
"""Detector -> row title; a detector without an entry is called by its kind."""

RULE_WORDS: Mapping[str, str] = {
    **RULES,
    "floor": mark("flow never stops"),
    "burst": mark("flow beyond all before"),
    "rises": mark("use rose and stayed"),
    "steps": mark("use fell and stayed"),
    "draws": mark("single draws became smaller"),
    "district": mark("more flows in than is metered"),
    "standstill": mark("register stands still"),
    "balance": mark("its values contradict each other"),
    "pulses": mark("steps of the register are odd"),
    "cooling": mark("return or temperatures do not fit"),
    "signature": mark("use does not fit the weather"),
    "silence": mark("nothing heard in time"),
    "telemetry": mark("its readings do not go together"),
    "register": mark("register jumped"),
    "stamps": mark("meter’s clock is off"),
}
"""Detector -> what it looks at, beside the kind that it found."""

KINDS: Mapping[str, str] = {
    "slow_leak": mark("Slow leak"),
    "burst": mark("Burst flow"),
    "valve_open": mark("Valve stuck open"),
    "bypass": mark("Under-registration"),
    "stuck": mark("Register stuck"),
    "return_high": mark("Return temp. high"),
    "temp_drift": mark("Temperature drift"),
    "rollover": mark("Register rolled over"),
    "exchange": mark("Meter exchanged"),
    "reversed": mark("Reversed register"),
    "unit_scale": mark("Wrong unit or scale"),
    "clock_shift": mark("Clock shifted"),
    "comm_gap": mark("No readings"),
    "comm_frozen": mark("Reading frozen"),
    "network_leak": mark("Network leak"),
}

MEDIA: Mapping[str, str] = {"heat": mark("Heat"), "gas": mark("Gas"), "water": mark("Water")}

CONDITIONS: Mapping[str, str] = {
    "unacknowledged": mark("Unack’d"),
    "acknowledged": mark("Ack’d"),
    "returned_unacknowledged": mark("Returned"),
    "latched": mark("Latched"),
    "normal": mark("Cleared"),
}

VISIBILITIES: Mapping[str, str] = {
    "shown": mark("Shown"),
    "shelved": mark("Shelved"),
    "suppressed_by_design": mark("Suppressed"),
    "out_of_service": mark("Out of service"),
}

ORDER_STATES: Mapping[str, str] = {
    "planned": mark("planned"),
    "released": mark("released"),
    "accepted": mark("accepted"),
    "en_route": mark("en route"),
    "on_site": mark("on site"),
    "working": mark("working"),
    "finished": mark("finished"),
    "cannot_finish": mark("cannot finish"),
    "no_access": mark("no access"),
    "verified": mark("verified"),
    "closed": mark("closed"),
    "cancelled": mark("cancelled"),
}

ORDER_EVENTS: Mapping[str, str] = {
    "release": mark("Release"),
    "verify": mark("Verify"),
    "close": mark("Close"),
    "cancel": mark("Cancel order"),
    "reopen": mark("Reopen"),
}

ORDER_EVENTS_OF_CREWS: Mapping[str, str] = {
    "accept": mark("Accept"),
    "depart": mark("Depart"),
    "arrive": mark("Arrive"),
    "begin": mark("Begin work"),
    "finish": mark("Finish"),
    "cannot_finish": mark("Cannot finish"),
    "no_access": mark("No access"),
}

FIELDS: Mapping[str, str] = {
    "priority": mark("Priority"),
    "due_at": mark("Due"),
    "crew_id": mark("Crew"),
    "address": mark("Address"),
    "title": mark("Title"),
    "safety_class": mark("Safety class"),
    "diagnosis": mark("Diagnosis"),
    "result": mark("Result"),
    "cause": mark("Cause"),
    "note": mark("Remarks"),
    "form_answerset": mark("Form"),
    "photo_ref": mark("Photo"),
    "signature": mark("Signature"),
    "meter_reading": mark("Meter reading"),
    "comment": mark("Comment"),
    "check_in": mark("Check-in"),
    "time_entry": mark("Working time"),
    "part_used": mark("Part used"),
    "patrol_point": mark("Checkpoint"),
    "gas_measurement": mark("Gas measurement"),
    "safety_step": mark("Safety step"),
    "isolation": mark("Valve"),
    "lone_worker": mark("Lone worker"),
    "help_call": mark("Call for help"),
    "visit_end": mark("End of the visit"),
    "handover": mark("Hand-over"),
    "shift_note": mark("Shift note"),
    "draft": mark("Draft"),
}
"""Fields of an order and facts of a crew, as the pages call them."""

ORDER_TYPES: Mapping[str, str] = {
    "leak_check": mark("Leak check"),
    "meter_check": mark("Meter check"),
    "comm_check": mark("Communication check"),
    "no_supply": mark("No supply"),
    "cold_room": mark("Room too cold"),
    "meter_exchange": mark("Meter exchange"),
    "connection": mark("Connection"),
    "area_check": mark("Check of the heated area"),
    "stop_heating": mark("Check of a stopped supply"),
}

RESULTS: Mapping[str, str] = {
    "leak": mark("Leak"),
    "inaccurate": mark("Meter inaccurate"),
    "normal": mark("Normal"),
    "other": mark("Other"),
}

WELL_ENTRIES: Mapping[str, str] = {
    "stayed_outside": mark("stayed outside"),
    "went_in": mark("went in"),
}
"""Whether anybody went into a well."""

LABELS: Mapping[str, str] = {
    "confirmed": mark("alert confirmed"),
    "false": mark("false alert"),
    "none": mark("no label"),
}

ROLES: Mapping[str, str] = {
    "hotline_agent": mark("Hotline agent"),
    "window_clerk": mark("Window clerk"),
    "quality_officer": mark("Quality officer"),
    "team_leader": mark("Team leader"),
    "crew_member": mark("Crew member"),
    "inspector": mark("Inspector"),
    "safety_checker": mark("Safety checker"),
    "control_room": mark("Control room"),
    "dispatcher": mark("Dispatcher"),
    "metering_engineer": mark("Metering engineer"),
    "safety_officer": mark("Safety officer"),
    "technician": mark("Technician"),
    "director": mark("Director"),
    "auditor": mark("Auditor"),
    "administrator": mark("Administrator"),
}

METER_CLASSES: Mapping[str, str] = {
    "household": mark("household"),
    "public_welfare": mark("public welfare"),
    "industrial": mark("industrial"),
    "substation": mark("substation"),
    "makeup": mark("make-up water"),
    "dma": mark("district inflow"),
    "consumer": mark("consumer"),
}

ALERT_EVENTS: Mapping[str, str] = {
    "raised": mark("Alert raised"),
    "raised_again": mark("Raised again"),
    "escalated": mark("Escalated"),
    "returned": mark("Condition gone"),
    "acknowledged": mark("Acknowledged"),
    "shelved": mark("Shelved"),
    "unshelved": mark("Brought back"),
    "shelve_expired": mark("Back by itself"),
    "suppressed": mark("Suppressed by design"),
    "unsuppressed": mark("Suppression ended"),
    "ordered": mark("Sent to a crew"),
    "order_cancelled": mark("Order cancelled"),
    "finding": mark("Finding recorded"),
    "retracted": mark("Withdrawn: late readings"),
    "reset": mark("Latched alert reset"),
    "taken_out": mark("Taken out of service"),
    "put_back": mark("Put into service"),
}

QUANTITIES: Mapping[str, str] = {
    "volume_m3": mark("Volume"),
    "volume_reverse_m3": mark("Volume, reverse"),
    "volume_actual_m3": mark("Volume, actual"),
    "volume_base_m3": mark("Volume, base"),
    "flow_m3h": mark("Flow"),
    "flow_actual_m3h": mark("Flow, actual"),
    "flow_base_m3h": mark("Flow, base"),
    "energy_kwh": mark("Energy"),
    "energy_cold_kwh": mark("Energy, cold"),
    "power_kw": mark("Power"),
    "supply_temp_degc": mark("Supply temperature"),
    "return_temp_degc": mark("Return temperature"),
    "temp_diff_k": mark("Temperature difference"),
    "temperature_degc": mark("Temperature"),
    "pressure_bara": mark("Pressure, absolute"),
    "pressure_barg": mark("Pressure, gauge"),
    "pressure_mpag": mark("Pressure, gauge"),
    "mass_kg": mark("Mass"),
    "mass_flow_kgh": mark("Mass flow"),
    "gas_lel_pct": mark("Gas in air"),
    "signal_quality_pct": mark("Signal quality"),
}

UNITS: Mapping[str, str] = {
    "m3": "m³",
    "m3h": "m³/h",
    "kwh": "kWh",
    "kw": "kW",
    "degc": "°C",
    "k": "K",
    "bara": "bar abs",
    "barg": "bar",
    "mpag": "MPa",
    "kg": "kg",
    "kgh": "kg/h",
    "pct": "%",
}
"""Suffix of a wire quantity -> printed unit; units are never translated."""

EVIDENCE_UNITS: Mapping[str, str] = {
    "m3/day": "m³/d",
    "degC": "°C",
    "1": "",
    "–": "",
    "h without any use": mark("h without any use"),
    "common factor of advances": mark("common factor of advances"),
    "steps of the register": mark("steps of the register"),
    "power / (rho c flow dT)": mark("of the power of flow and temperatures"),
}
"""Unit of a detector's number -> as people read it; another one is shown as it is."""

QUALITIES: Mapping[str, str] = {
    "suspect_range": mark("out of range"),
    "suspect_rate": mark("changed too fast"),
    "suspect_status": mark("meter reports a fault"),
    "stale": mark("old value"),
    "bad_timeout": mark("no answer"),
    "bad_crc": mark("garbled answer"),
    "bad_mismatch": mark("wrong answer"),
    "bad_profile": mark("profile does not fit"),
    "bad_sentinel": mark("meter gave no value"),
}
"""Quality code -> what it means to a person; `bad_exception_N` is a refusal by the meter."""


def quality_words(words: Words, code: str) -> str:
    """Return what a quality code means."""
    if code.startswith("bad_exception_"):
        return words.gettext(mark("refused by the meter"))
    return label(words, QUALITIES, code)


def unit_of(quantity: str) -> str:
    """Return the printed unit of a wire quantity such as `flow_m3h`."""
    unit = UNITS.get(quantity.rsplit("_", 1)[-1], "")
    return f"{unit} LEL" if "_lel_" in quantity else unit


def evidence_unit(words: Words, unit: str) -> str:
    """Return the unit of a number of the evidence as the reader knows it; empty for a bare one."""
    shown = EVIDENCE_UNITS.get(unit, unit)
    return words.gettext(shown) if shown else ""


def evidence_sentence(words: Words, sentence: BilingualText) -> str:
    """Return a detector's stored sentence with the units of its numbers as the reader knows them.

    A sentence is kept as it was told; the detectors' own units stood in both languages alike.
    """
    told = sentence.in_language(words.language)
    for unit, shown in EVIDENCE_UNITS.items():
        if len(unit) > 1:
            told = re.sub(rf"(?<=\d) {re.escape(unit)}(?!\w)", f" {words.gettext(shown)}", told)
    return told


def label(words: Words, table: Mapping[str, str], code: str) -> str:
    """Return the reader's word for a code; a code that the table lacks is shown as it is."""
    known = table.get(code)
    return words.gettext(known) if known is not None else code.replace("_", " ")
