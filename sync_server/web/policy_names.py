"""What each policy that the product brings is called, in the reader's language.

The code stays beside it: decisions, the command line and the audit name a policy by its code.
"""

from collections.abc import Mapping

from sync_server.sync.review_store import ReviewKind
from sync_server.web.labels import ORDER_TYPES
from sync_server.web.review_words import KIND_WORDS
from sync_server.web.words import Words, mark

_NAMES: Mapping[str, str] = {
    "approval.close.complaint": mark("Who approves the end of a complaint"),
    "approval.decline.application": mark("Who approves that an application is declined"),
    "auto_order.most_false_alarms_per_1000_md": mark(
        "Orders made by rule: most false alarms per 1000 meters and day"
    ),
    "callback.attempts.most": mark("Callback: most attempts"),
    "callback.sample.percent": mark("Callback: share of the other matters, %"),
    "certificate.warn.days": mark("Certificate: warned before it ends"),
    "complaint.appeal.days": mark("Complaint: time to appeal"),
    "desk.flood.count": mark("Many calls from one place: how many"),
    "desk.flood.minutes": mark("Many calls from one place: within"),
    "desk.repeat.days": mark("Repeated matter: within"),
    "export.approval.hours": mark("Bulk export: hours to take the file"),
    "export.bulk.rows": mark("Bulk export: from how many rows"),
    "paging.repeat.seconds": mark("Paging: the next one is called after"),
    "paging.wait.seconds": mark("Paging: an alert waits at most"),
    "penalty.complaint": mark("Penalty proposed: complaint, yuan"),
    "penalty.late_slip": mark("Penalty proposed: slip entered late, yuan"),
    "penalty.missed_call.1": mark("Penalty proposed: first missed call, yuan"),
    "penalty.missed_call.2": mark("Penalty proposed: second missed call, yuan"),
    "penalty.missed_call.3": mark("Penalty proposed: third missed call and later, yuan"),
    "readings.partition.days": mark("Readings: days of one partition"),
    "retention.frames.days": mark("Numbers of frames: kept for"),
    "retention.readings.daily.days": mark("Readings by day: kept for"),
    "retention.readings.hourly.days": mark("Readings by hour: kept for"),
    "retention.readings.raw.days": mark("Readings as they came: kept for"),
    "retention.recordings.days": mark("Recordings of calls: kept for"),
    "retention.recordings.own.days": mark("Recordings: agents hear their own for"),
    "retention.staff_messages.days": mark("Messages to staff: kept for"),
    "sla.CL1.seconds": mark("Call: answered"),
    "sla.CL2": mark("Missed call by day: called back"),
    "sla.CL4": mark("Every call: answered or called back"),
    "sla.CL5": mark("Request: progress, result or solution"),
    "sla.CL6": mark("Slip: accepted"),
    "sla.CL6.A": mark("Slip of safety class A: accepted"),
    "sla.CL7": mark("Work finished: reply"),
    "sla.CL8": mark("Unfinished matter: follow-up"),
    "sla.CL9": mark("Media case: written reply"),
    "sla.CL10": mark("Reply audited: hotline informed"),
    "sla.CL11.working_days": mark("Consultation of another department: answer"),
    "sla.CL12": mark("Major complaint: leader informed"),
    "sla.CL13": mark("Gas leak: on site"),
    "sla.CL14": mark("Indoor gas fault: on site"),
    "sla.CL15": mark("Heat leak: on site"),
    "sla.CL16": mark("Cold room: on site with a thermometer"),
    "sla.CL17": mark("Planned interruption: customers told before"),
    "sla.CL18.working_days": mark("Work finished: callback"),
    "sla.CL23": mark("Repeat complaint: supervisor takes over"),
    "sla.K3.application.working_days": mark("Application: done"),
    "sla.K3.complaint.working_days": mark("Complaint: done"),
    "sla.K3.consultation.working_days": mark("Consultation: done"),
    "sla.K3.meter.working_days": mark("Meter dispute: done"),
    "sla.K3.suggestion.working_days": mark("Suggestion: done"),
    "target.collection.percent": mark("Target: collection rate, %"),
    "target.reading.percent": mark("Target: reading rate, %"),
    "visit.attempts.most": mark("Visit: most attempts"),
    "visit.slot.most": mark("Visit: most of one crew in a slot"),
}
_ORDER = "order.due_minutes."
_REVIEW = "review.due_minutes."


def policy_name(code: str, words: Words) -> str:
    """Return what a policy is called; empty for one that the product does not bring."""
    if code in _NAMES:
        return words.gettext(_NAMES[code])
    if code.startswith(_ORDER):
        order_type, _, safety_class = code.removeprefix(_ORDER).partition(".")
        if order_type in ORDER_TYPES:
            text = words.gettext(mark("Order due: {what}, safety class {letter}"))
            return text.format(what=words.gettext(ORDER_TYPES[order_type]), letter=safety_class)
    kind = code.removeprefix(_REVIEW)
    if code.startswith(_REVIEW) and kind in set(ReviewKind):
        text = words.gettext(mark("Review due: {what}"))
        return text.format(what=words.gettext(KIND_WORDS[ReviewKind(kind)][2]))
    return ""
