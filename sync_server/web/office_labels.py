"""How the office's matters are called: homes, interruptions, plant, hall, staff, sales, imports."""

from collections.abc import Mapping

from sync_server.ledgers.period import Span
from sync_server.web.words import mark

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

OUTAGE_STATES: Mapping[str, str] = {
    "planned": mark("planned"),
    "announced": mark("customers told"),
    "running": mark("running"),
    "ended": mark("over"),
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
    "sent": mark("gone out"),
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
    "valve.supply": mark("Valve, supply"),
    "valve.return": mark("Valve, return"),
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
