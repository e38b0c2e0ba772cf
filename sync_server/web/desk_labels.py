"""How the service desk's matters are called: requests, visits, opinions, complaints, clocks."""

from collections.abc import Mapping

from sync_server.web.words import Words, mark

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
    "dispatch": mark("Send as a slip"),
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

RESULTS_OF_ORDERS: Mapping[str, str] = {
    "order finished": mark("order finished"),
    "order not finished": mark("order not finished"),
    "nobody opened": mark("nobody opened"),
}
"""What the server writes as a result when a crew's order ends; other words are a person's own."""

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
    "CL13": mark("gas: on site"),
    "CL14": mark("no gas: on site"),
    "CL15": mark("heat leak: on site"),
    "CL16": mark("cold room: on site"),
    "CL18": mark("callback"),
    "CL23": mark("supervisor"),
    "K3": mark("done"),
}


def result_text(text: str, words: Words) -> str:
    """Return a result in the reader's language where the server wrote it, else as it was said."""
    known = RESULTS_OF_ORDERS.get(text)
    return text if known is None else words.gettext(known)
