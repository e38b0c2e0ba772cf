"""What every code is called on the screen, as English messages of the catalogue."""

from collections.abc import Mapping

from sync_server.ledgers.period import Span
from sync_server.web.words import Words, mark

RULES: Mapping[str, str] = {
    "night_flow": mark("Night flow"),
    "continuous_flow": mark("Constant base flow"),
    "silent_meter": mark("Meter silent"),
}
"""Detector -> row title; a detector without an entry is called by its kind."""

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

REQUEST_KINDS: Mapping[str, str] = {
    "repair": mark("Repair"),
    "complaint": mark("Complaint"),
    "consultation": mark("Consultation"),
    "suggestion": mark("Suggestion"),
    "whistle_blow": mark("Whistle-blowing"),
    "application": mark("Application"),
}

REQUEST_CLASSES: Mapping[str, str] = {
    "gas_leak": mark("Gas leak"),
    "carbon_monoxide": mark("Carbon monoxide"),
    "hot_water_burst": mark("Hot-water burst"),
    "heat_leak": mark("Heating leak"),
    "water_burst": mark("Water burst"),
    "no_gas": mark("No gas"),
    "no_water": mark("No water"),
    "no_heat": mark("No heat"),
    "cold_room": mark("Cold room"),
    "meter_fault": mark("Meter fault"),
    "meter_dispute": mark("Meter disputed"),
    "conduct": mark("Conduct"),
    "supply_quality": mark("Quality of supply"),
    "no_callback": mark("Nobody called back"),
    "billing": mark("Billing"),
    "price_question": mark("Price"),
    "how_to": mark("How to"),
    "other_question": mark("Other question"),
    "suggestion": mark("Suggestion"),
    "misconduct_report": mark("Misconduct"),
    "open_account": mark("Open an account"),
    "pipe_work": mark("Pipe work"),
    "exchange_meter": mark("Exchange a meter"),
    "buy_gas": mark("Buy gas"),
    "stop_heating": mark("Stop heating"),
}

REQUEST_STATES: Mapping[str, str] = {
    "recorded": mark("recorded"),
    "classified": mark("classified"),
    "solved_at_first_contact": mark("solved by phone"),
    "dispatched": mark("sent"),
    "accepted": mark("accepted"),
    "assigned": mark("assigned"),
    "in_progress": mark("in progress"),
    "follow_up": mark("follow-up"),
    "pending_answer": mark("answer pending"),
    "waiting_customer": mark("waits for customer"),
    "suspended": mark("suspended"),
    "done": mark("done"),
    "replied": mark("replied"),
    "confirmed": mark("confirmed"),
    "closed": mark("closed"),
    "archived": mark("archived"),
    "declined": mark("declined"),
    "duplicate": mark("duplicate"),
    "suspected_malicious": mark("suspected"),
}

REQUEST_EVENTS: Mapping[str, str] = {
    "classify": mark("Classify"),
    "solve": mark("Solved by phone"),
    "dispatch": mark("Send"),
    "bounce": mark("Bounce"),
    "accept": mark("Accept"),
    "assign": mark("Assign a crew"),
    "start": mark("Begin"),
    "submit_unfinished": mark("Not finished"),
    "finish": mark("Done"),
    "reply": mark("Reply"),
    "confirm": mark("Called back"),
    "close": mark("Close"),
    "archive": mark("Archive"),
    "reopen": mark("Open again"),
    "await_answer": mark("Hold, answer later"),
    "await_customer": mark("Wait for customer"),
    "suspend": mark("Suspend"),
    "resume": mark("Go on"),
    "decline": mark("Decline"),
    "mark_duplicate": mark("Same matter"),
    "suspect_malicious": mark("Suspect"),
    "clear_suspicion": mark("Not malicious"),
}

CHANNELS: Mapping[str, str] = {
    "phone": mark("Phone"),
    "counter": mark("Counter"),
    "web": mark("Web"),
    "messenger": mark("Messenger"),
    "mail": mark("Mail"),
    "internal": mark("Internal"),
}

TRIAGES: Mapping[str, str] = {
    "user_side": mark("user side"),
    "company_side": mark("company side"),
    "unknown": mark("not known yet"),
}

FLAGS: Mapping[str, str] = {
    "elderly_alone": mark("elderly, alone"),
    "disabled": mark("disabled"),
    "pregnant": mark("pregnant"),
    "veteran": mark("honoured veteran"),
}

NOTE_KINDS: Mapping[str, str] = {
    "progress": mark("Progress"),
    "result": mark("Result"),
    "reply": mark("Reply"),
    "callback": mark("Callback"),
    "leader_told": mark("Leader informed"),
    "reminder": mark("Reminder to the department"),
    "decided": mark("Decided above"),
    "reply_approved": mark("Written reply approved"),
    "reply_returned": mark("Written reply returned"),
    "desk_informed": mark("Hotline informed"),
    "in_warranty": mark("Under warranty"),
    "out_of_warranty": mark("Not under warranty"),
    "consent": mark("Customer consents"),
    "step_approved": mark("Next step approved"),
}

CUSTOMER_CLASSES: Mapping[str, str] = {
    "resident": mark("Resident"),
    "public_welfare": mark("Public welfare"),
    "commercial": mark("Commercial"),
    "industrial": mark("Industrial"),
    "internal": mark("Own staff"),
}

DOCUMENT_KINDS: Mapping[str, str] = {
    "contract": mark("Contract"),
    "registration_form": mark("Registration form"),
    "invoice": mark("Invoice"),
    "card": mark("Card"),
    "safety_check": mark("Safety check"),
    "safety_education": mark("Safety education"),
    "area_evidence": mark("Evidence of the area"),
    "other": mark("Other"),
    "meter": mark("Meter"),
}

ISSUE_KINDS: Mapping[str, str] = {
    "cannot_pay": mark("cannot pay"),
    "wrong_room": mark("wrong room number"),
    "missed_charge": mark("missed or too small charge"),
    "wrong_area": mark("wrong area"),
}

CHANGE_KINDS: Mapping[str, str] = {
    "area_m2": mark("Heated area, m²"),
    "capacity_m2": mark("Added floor, m²"),
    "stop_heating": mark("Stop heating"),
    "resume_heating": mark("Heat again"),
    "refund_yuan": mark("Refund, CNY"),
}

CHANGE_STATES: Mapping[str, str] = {
    "proposed": mark("proposed"),
    "approved": mark("approved"),
    "refused": mark("not approved"),
}

FILE_STATES: Mapping[str, str] = {
    "draft": mark("incomplete"),
    "complete": mark("complete"),
    "reviewed": mark("looked through"),
}

CONTRACT_STATES: Mapping[str, str] = {
    "not_yet": mark("begins later"),
    "in_force": mark("in force"),
    "expiring": mark("ends soon"),
    "expired": mark("has ended"),
}

BUILDING_STATES: Mapping[str, str] = {
    "announced": mark("announced"),
    "verified": mark("homes and areas verified"),
    "accepted": mark("network accepted"),
    "heated": mark("heated"),
}

BUILDING_EVENTS: Mapping[str, str] = {
    "verify": mark("Homes and areas verified"),
    "accept": mark("Network accepted"),
    "heat": mark("Heated"),
}

READ_WHY: Mapping[str, str] = {
    "call": mark("The customer is on the line"),
    "visit": mark("A visit is agreed"),
    "contract": mark("Contract or bill is checked"),
    "complaint": mark("A complaint is verified"),
}
"""Why a whole file is read; kept with each reading (privacy rule 4)."""

VISIT_STATES: Mapping[str, str] = {
    "booked": mark("agreed"),
    "confirmed": mark("confirmed"),
    "done": mark("done"),
    "no_access": mark("no access"),
    "cancelled": mark("cancelled"),
}

VISIT_EVENTS: Mapping[str, str] = {
    "confirm": mark("Confirm"),
    "done": mark("Done"),
    "no_access": mark("No access"),
    "cancel": mark("Cancel"),
}

OPINION_STATES: Mapping[str, str] = {
    "received": mark("received"),
    "passed_on": mark("passed on"),
    "escalated": mark("put above"),
    "adopted": mark("adopted"),
    "declined": mark("not adopted"),
}

OPINION_EVENTS: Mapping[str, str] = {
    "hand_on": mark("Pass on"),
    "escalate": mark("Put above"),
    "adopt": mark("Adopt"),
    "decline": mark("Do not adopt"),
}

OPINION_SOURCES: Mapping[str, str] = {
    "suggestion": mark("Suggestion"),
    "callback": mark("Callback"),
}

OUTAGE_STATES: Mapping[str, str] = {
    "planned": mark("planned"),
    "announced": mark("customers told"),
    "running": mark("running"),
    "ended": mark("ended"),
    "cancelled": mark("cancelled"),
}

OUTAGE_EVENTS: Mapping[str, str] = {
    "announce": mark("Announce to everybody"),
    "begin": mark("It has begun"),
    "end": mark("Supply is back"),
    "cancel": mark("Cancel"),
}

MESSAGE_STATES: Mapping[str, str] = {
    "waiting": mark("waits"),
    "sent": mark("sent"),
    "failed": mark("given up"),
    "no_number": mark("no number"),
    "no_consent": mark("not wanted"),
}

SPAN_NAMES: Mapping[Span, str] = {
    Span.DAY: mark("Day"),
    Span.WEEK: mark("Week"),
    Span.MONTH: mark("Month"),
    Span.YEAR: mark("Year"),
}

COMPLAINT_STATES: Mapping[str, str] = {
    "verifying": mark("being verified"),
    "responsible": mark("responsible"),
    "not_responsible": mark("not responsible"),
    "appealed": mark("appealed"),
    "upheld": mark("verdict upheld"),
    "changed": mark("verdict changed"),
}

FAMILIES: Mapping[str, str] = {
    "conduct": mark("Somebody's conduct"),
    "quality": mark("Quality of operation"),
}

VIOLATIONS: Mapping[str, str] = {
    "no_cooperation": mark("did not cooperate"),
    "shirking": mark("passed it on"),
    "rude": mark("was rude"),
    "refusing": mark("refused"),
    "delaying": mark("delayed"),
    "doing_nothing": mark("did nothing"),
    "not_escalating": mark("did not ask above"),
    "false_reply": mark("gave a false reply"),
    "broken_promise": mark("broke a promise"),
}

CAUSES: Mapping[str, str] = {
    "people": mark("People"),
    "procedure": mark("Procedure"),
    "equipment": mark("Equipment"),
    "network": mark("Network"),
    "information": mark("Information"),
    "price": mark("Price and bill"),
    "customer": mark("On the customer's side"),
}

PENALTY_CONCERNS: Mapping[str, str] = {
    "complaint": mark("Verdict of a complaint"),
    "late_slip": mark("Late slip, asked above"),
    "missed_call": mark("Missed call, called back too late"),
}

PENALTY_STATES: Mapping[str, str] = {
    "proposed": mark("proposed"),
    "approved": mark("approved"),
    "waived": mark("waived"),
}

CLOCK_NAMES: Mapping[str, str] = {
    "CL5": mark("progress"),
    "CL6": mark("accept"),
    "CL7": mark("reply"),
    "CL8": mark("follow-up"),
    "CL9": mark("written reply"),
    "CL10": mark("hotline informed"),
    "CL11": mark("answer"),
    "CL12": mark("leader informed"),
    "CL13": mark("on site"),
    "CL14": mark("on site"),
    "CL15": mark("on site"),
    "CL16": mark("on site"),
    "CL18": mark("callback"),
    "CL23": mark("supervisor"),
    "K3": mark("done"),
}

RESULTS: Mapping[str, str] = {
    "leak": mark("Leak"),
    "inaccurate": mark("Meter inaccurate"),
    "normal": mark("Normal"),
    "other": mark("Other"),
}

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
    "raised": mark("Raised"),
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
    "kg": "kg",
    "kgh": "kg/h",
    "pct": "%",
}
"""Suffix of a wire quantity -> printed unit; units are never translated."""


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
    return UNITS.get(quantity.rsplit("_", 1)[-1], "")


def label(words: Words, table: Mapping[str, str], code: str) -> str:
    """Return the reader's word for a code; a code that the table lacks is shown as it is."""
    known = table.get(code)
    return words.gettext(known) if known is not None else code.replace("_", " ")


PAID_BY: Mapping[str, str] = {
    "cash": mark("cash"),
    "card": mark("bank card"),
    "transfer": mark("transfer"),
    "mobile": mark("mobile phone"),
}

PLANT_CLASSES: Mapping[str, str] = {
    "pipe.high": mark("Pipe, high pressure"),
    "pipe.medium": mark("Pipe, medium pressure"),
    "pipe.low": mark("Pipe, low pressure"),
    "pipe.supply": mark("Pipe, supply"),
    "pipe.return": mark("Pipe, return"),
    "valve_well.high": mark("Valve well, high pressure"),
    "valve_well.medium": mark("Valve well, medium pressure"),
    "valve_well.low": mark("Valve well, low pressure"),
    "valve.high": mark("Valve, high pressure"),
    "valve.medium": mark("Valve, medium pressure"),
    "valve.low": mark("Valve, low pressure"),
    "regulator.high": mark("Regulator box, high pressure"),
    "regulator.medium": mark("Regulator box, medium pressure"),
    "regulator.low": mark("Regulator box, low pressure"),
    "substation.supply": mark("Heat substation"),
}
"""What stands or lies in the network, with its pressure; another code is shown as it is."""

PLANT_STATES: Mapping[str, str] = {
    "planned": mark("planned"),
    "in_service": mark("in service"),
    "defect": mark("defect"),
    "isolated": mark("isolated"),
    "retired": mark("retired"),
}

PLANT_EVENTS: Mapping[str, str] = {
    "plan": mark("Not in service yet"),
    "commission": mark("Put into service"),
    "find_defect": mark("Report a defect"),
    "isolate": mark("Isolate"),
    "repair": mark("Repaired"),
    "retire": mark("Retire"),
}

HALL_NEEDS: Mapping[str, str] = {
    "pay": mark("Payment"),
    "apply": mark("Application"),
    "repair": mark("Repair"),
    "ask": mark("Enquiry"),
    "complain": mark("Complaint"),
}

HALL_STATES: Mapping[str, str] = {
    "waiting": mark("waiting"),
    "called": mark("called"),
    "served": mark("served"),
    "left": mark("left"),
}

SKILLS: Mapping[str, str] = {
    "gas_work": mark("Gas work"),
    "heat_work": mark("Heating work"),
    "water_work": mark("Water work"),
    "metering": mark("Metering"),
    "confined_space": mark("Confined spaces"),
    "service_post": mark("Service post certificate"),
    "speaks_yue": mark("Speaks Cantonese"),
    "speaks_dialect": mark("Speaks the local dialect"),
    "speaks_en": mark("Speaks English"),
}

STANDINGS: Mapping[str, str] = {
    "valid": mark("valid"),
    "expiring": mark("ends soon"),
    "expired": mark("has ended"),
}

IMPORT_KINDS: Mapping[str, str] = {
    "homes": mark("Homes with customers"),
    "meters": mark("Meters"),
    "sales": mark("Sales of the card system"),
    "bills": mark("Bills of the billing system"),
}
