"""Which columns of which tables are about a person: a table to check by eye.

Left out is what is about somebody else: who worked on a matter, verdicts on colleagues, secrets.
What is erased with a person is here; a test holds every table with a name or a number against it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Column, Table

from sync_server.db.access_tables import ACCOUNT, AUDIT_EVENT
from sync_server.db.aftercare_tables import CALLBACK, OPINION, SURVEY_HOME, VISIT
from sync_server.db.alert_tables import ALERT
from sync_server.db.complaint_tables import COMPLAINT, PENALTY
from sync_server.db.customer_tables import CUSTOMER, PREMISES, PREMISES_METER
from sync_server.db.desk_tables import (
    PHONE_CALL,
    REQUEST_COMMITMENT,
    REQUEST_NOTE,
    REQUEST_PERSON,
    REQUEST_STEP,
    SERVICE_REQUEST,
)
from sync_server.db.detection_tables import METER_NOTE
from sync_server.db.home_tables import APPLICATION, ARCHIVE_ISSUE, HOME_CHANGE, HOME_DOCUMENT
from sync_server.db.order_tables import FACT, ORDER_PERSON, WORK_ORDER
from sync_server.db.outage_tables import CUSTOMER_MESSAGE, INTERRUPTION_HOME, MESSAGE_CONSENT
from sync_server.db.reading_tables import READING
from sync_server.db.recording_tables import CALL_RECORDING
from sync_server.db.sales_tables import BILL, SALE
from sync_server.db.shift_tables import SHIFT_ENTRY
from sync_server.db.staff_tables import PERSON_SKILL, STAFF_MESSAGE, TEAM_MEMBER
from sync_server.db.standin_tables import DELEGATION
from sync_server.db.suspect_tables import SUSPECT
from wire_contracts.quantities import Quantity


class Link(StrEnum):
    """By which ids the rows of a section are found."""

    CUSTOMER = "customer"
    PREMISES = "premises"
    METER = "meter"
    REQUEST = "request"
    ORDER = "order"
    CALL = "call"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Rows of one table: found by `by`, whose column is `key`."""

    name: str
    by: Link
    key: Column[str]
    columns: Sequence[Column[object]]


def _section(name: str, by: Link, table: Table, key: str, columns: str) -> Section:
    """Return a section with these columns, named one after the other."""
    chosen = [table.c[each] for each in columns.split()]
    return Section(name=name, by=by, key=table.c[key], columns=chosen)


_READ = " ".join(str(each) for each in Quantity)

CUSTOMER_SECTIONS: Sequence[Section] = (
    _section(
        "customer",
        Link.CUSTOMER,
        CUSTOMER,
        "customer_id",
        "customer_id name phone customer_class flags language contact_window is_confidential"
        " changed_at_ms",
    ),
    _section("consent", Link.CUSTOMER, MESSAGE_CONSENT, "customer_id", "is_allowed changed_at_ms"),
    _section("homes", Link.PREMISES, PREMISES, "premises_id", "premises_id address is_heated"),
    _section("meters", Link.PREMISES, PREMISES_METER, "premises_id", "meter_id premises_id"),
    _section(
        "documents",
        Link.PREMISES,
        HOME_DOCUMENT,
        "premises_id",
        "premises_id medium kind reference dated_on valid_to added_at_ms",
    ),
    _section(
        "archive_errors",
        Link.PREMISES,
        ARCHIVE_ISSUE,
        "premises_id",
        "premises_id kind text opened_at_ms result fixed_at_ms",
    ),
    _section(
        "changes",
        Link.PREMISES,
        HOME_CHANGE,
        "premises_id",
        "premises_id kind figure evidence state proposed_at_ms reason decided_at_ms",
    ),
    _section(
        "requests",
        Link.REQUEST,
        SERVICE_REQUEST,
        "request_id",
        "number request_id kind request_class medium channel state address received_at_ms"
        " recorded_at_ms on_site_at_ms is_satisfied reopen_count",
    ),
    _section(
        "own_words", Link.REQUEST, REQUEST_PERSON, "request_id", "request_id name phone words"
    ),
    _section(
        "request_steps",
        Link.REQUEST,
        REQUEST_STEP,
        "request_id",
        "request_id event to_state reason happened_at_ms",
    ),
    _section(
        "request_notes", Link.REQUEST, REQUEST_NOTE, "request_id", "request_id kind text at_ms"
    ),
    _section(
        "promises",
        Link.REQUEST,
        REQUEST_COMMITMENT,
        "request_id",
        "request_id code due_at_ms kept_at_ms",
    ),
    _section(
        "complaints",
        Link.REQUEST,
        COMPLAINT,
        "request_id",
        "request_id state facts cause reason opened_at_ms judged_at_ms",
    ),
    _section(
        "applications",
        Link.REQUEST,
        APPLICATION,
        "request_id",
        "request_id told_at_ms shown is_accepted slip_number reason alternative contract_number"
        " invoice_number initial_m3 card_number finished_at_ms",
    ),
    _section(
        "visits",
        Link.REQUEST,
        VISIT,
        "request_id",
        "request_id day slot state prepared attempt result changed_at_ms",
    ),
    _section(
        "callbacks",
        Link.REQUEST,
        CALLBACK,
        "request_id",
        "request_id is_reached is_finished is_kept score opinion called_at_ms",
    ),
    _section(
        "opinions",
        Link.REQUEST,
        OPINION,
        "request_id",
        "request_id source text state response changed_at_ms",
    ),
    _section(
        "surveys", Link.PREMISES, SURVEY_HOME, "premises_id", "premises_id score remark asked_at_ms"
    ),
    _section(
        "calls",
        Link.CALL,
        PHONE_CALL,
        "call_id",
        "call_id number_dialled caller state rang_at_ms answered_at_ms ended_at_ms"
        " called_back_at_ms",
    ),
    _section(
        "recordings",
        Link.CALL,
        CALL_RECORDING,
        "call_id",
        "call_id reference told_at_ms forgotten_at_ms",
    ),
    _section(
        "orders",
        Link.ORDER,
        WORK_ORDER,
        "order_id",
        "number order_id order_type medium state title_en title_zh address meter_id result cause"
        " note created_at_ms due_at_ms finished_at_ms",
    ),
    _section(
        "whom_crews_meet",
        Link.ORDER,
        ORDER_PERSON,
        "order_id",
        "order_id name phone note appointment_at_ms",
    ),
    _section(
        "written_on_site",
        Link.ORDER,
        FACT,
        "order_id",
        "order_id fact_type payload happened_at_ms",
    ),
    _section(
        "messages",
        Link.CUSTOMER,
        CUSTOMER_MESSAGE,
        "customer_id",
        "template details state made_at_ms sent_at_ms problem",
    ),
    _section(
        "interruptions",
        Link.PREMISES,
        INTERRUPTION_HOME,
        "premises_id",
        "interruption_id premises_id why",
    ),
    _section(
        "sales",
        Link.PREMISES,
        SALE,
        "premises_id",
        "sale_id day medium volume_m3 amount_cents paid_by",
    ),
    _section(
        "bills",
        Link.PREMISES,
        BILL,
        "premises_id",
        "bill_id month medium amount_cents paid_cents paid_on",
    ),
    _section(
        "alerts",
        Link.METER,
        ALERT,
        "meter_id",
        "meter_id medium kind condition raised_at_ms ended_at_ms finding_result",
    ),
    _section(
        "suspicions",
        Link.METER,
        SUSPECT,
        "meter_id",
        "month meter_id used_m3 usual_m3 reasons",
    ),
    _section("meter_notes", Link.METER, METER_NOTE, "meter_id", "meter_id kind from_ms to_ms"),
    _section(
        "readings",
        Link.METER,
        READING,
        "meter_id",
        f"meter_id measured_at_ms {_READ} quality",
    ),
)
"""What is held on a customer, in the order of the page."""

ACCOUNT_SECTIONS: Sequence[Section] = (
    _section(
        "account",
        Link.ACCOUNT,
        ACCOUNT,
        "account_id",
        "account_id login display_name role language crew_id is_active created_at_ms",
    ),
    _section("team", Link.ACCOUNT, TEAM_MEMBER, "account_id", "team_id"),
    _section("skills", Link.ACCOUNT, PERSON_SKILL, "account_id", "skill certificate ends_at_ms"),
    _section(
        "staff_messages",
        Link.ACCOUNT,
        STAFF_MESSAGE,
        "to_account",
        "text at_ms read_at_ms",
    ),
    _section("stand_ins", Link.ACCOUNT, DELEGATION, "from_account", "contact from_ms to_ms"),
    _section("shift_log", Link.ACCOUNT, SHIFT_ENTRY, "actor", "desk text at_ms"),
    _section(
        "penalties",
        Link.ACCOUNT,
        PENALTY,
        "account_id",
        "concern subject yuan state proposed_at_ms reason",
    ),
    _section("acts", Link.ACCOUNT, AUDIT_EVENT, "actor", "position at_ms action subject detail"),
)
"""What is held on a colleague, by the account."""
