"""Roles x actions as a table (domain model section 5): what is not listed is refused."""

from enum import StrEnum


class Role(StrEnum):
    """What a person is in the organisation; one role per account."""

    HOTLINE_AGENT = "hotline_agent"
    WINDOW_CLERK = "window_clerk"
    QUALITY_OFFICER = "quality_officer"
    TEAM_LEADER = "team_leader"
    CREW_MEMBER = "crew_member"
    INSPECTOR = "inspector"
    SAFETY_CHECKER = "safety_checker"
    CONTROL_ROOM = "control_room"
    DISPATCHER = "dispatcher"
    METERING_ENGINEER = "metering_engineer"
    SAFETY_OFFICER = "safety_officer"
    TECHNICIAN = "technician"
    DIRECTOR = "director"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class Action(StrEnum):
    """What a route or a function does; every route names exactly one."""

    OWN_SESSION = "use_own_session"
    SEE_ALERTS = "see_alerts"
    ACKNOWLEDGE_ALERT = "acknowledge_alert"
    SHELVE_ALERT = "shelve_alert"
    SEE_READINGS = "see_readings"
    SEE_ORDERS = "see_orders"
    DISPATCH_ORDER = "dispatch_order"
    CHANGE_ORDER = "change_order"
    CANCEL_ORDER = "cancel_order"
    VERIFY_ORDER = "verify_order"
    CLOSE_ORDER = "close_order"
    REOPEN_ORDER = "reopen_order"
    SEE_GATEWAYS = "see_gateways"
    SEE_QUARANTINE = "see_quarantine"
    ADOPT_DEVICE = "adopt_device"
    SEE_REVIEW = "see_review"
    RESOLVE_REVIEW = "resolve_review"
    SEE_TABLETS = "see_tablets"
    ENROL_TABLET = "enrol_tablet"
    REVOKE_TABLET = "revoke_tablet"
    SEE_ACCOUNTS = "see_accounts"
    MANAGE_ACCOUNTS = "manage_accounts"
    SEE_POLICIES = "see_policies"
    CHANGE_POLICY = "change_policy"
    SEE_AUDIT = "see_audit"
    WORK_ON_TABLET = "work_on_tablet"
    SEE_FORMS = "see_forms"
    MANAGE_FORMS = "manage_forms"
    SEE_ANSWERS = "see_answers"
    SEE_REQUESTS = "see_requests"
    TAKE_REQUEST = "take_request"
    WORK_REQUEST = "work_request"
    CALL_BACK = "call_back"
    CLOSE_REQUEST = "close_request"
    LEAVE_DANGER = "leave_danger"
    SEE_CONTACT = "see_contact"
    DISPATCH_URGENT = "dispatch_urgent"
    SEE_SHIFT = "see_shift"
    KEEP_SHIFT = "keep_shift"
    PLAN_ROUNDS = "plan_rounds"
    MANAGE_VANS = "manage_vans"
    JUDGE_COMPLAINT = "judge_complaint"
    APPEAL_COMPLAINT = "appeal_complaint"
    APPROVE_PENALTY = "approve_penalty"
    SEE_LEDGERS = "see_ledgers"
    SEE_HOMES = "see_homes"
    CHANGE_HOME = "change_home"
    APPROVE_HOME = "approve_home"
    SEE_INTERRUPTIONS = "see_interruptions"
    PLAN_INTERRUPTION = "plan_interruption"
    LEAD_INCIDENT = "lead_incident"
    SEE_STAFF = "see_staff"
    MANAGE_STAFF = "manage_staff"
    KEEP_CASH = "keep_cash"
    SEE_RECORDING = "see_recording"
    IMPORT_DATA = "import_data"
    ASK_EXPORT = "ask_export"
    APPROVE_EXPORT = "approve_export"


_R = Role
_A = Action

_WATCH = frozenset({_R.CONTROL_ROOM, _R.DISPATCHER, _R.METERING_ENGINEER, _R.SAFETY_OFFICER})
_LEAD = frozenset({_R.DIRECTOR, _R.TEAM_LEADER, _R.TECHNICIAN})
_READ_ALL = frozenset({_R.AUDITOR, _R.QUALITY_OFFICER})
_DESK = frozenset({_R.HOTLINE_AGENT, _R.WINDOW_CLERK})
_FIELD = frozenset({_R.CREW_MEMBER, _R.INSPECTOR, _R.SAFETY_CHECKER})

ALLOWED: dict[Action, frozenset[Role]] = {
    _A.OWN_SESSION: frozenset(_R),
    _A.SEE_ALERTS: _WATCH | _LEAD | _READ_ALL,
    _A.ACKNOWLEDGE_ALERT: _WATCH | {_R.DIRECTOR},
    _A.SHELVE_ALERT: _WATCH | {_R.DIRECTOR},
    _A.SEE_READINGS: _WATCH | _LEAD | _READ_ALL,
    _A.SEE_ORDERS: _WATCH | _LEAD | _READ_ALL | _DESK,
    _A.DISPATCH_ORDER: frozenset(
        {_R.CONTROL_ROOM, _R.DISPATCHER, _R.TEAM_LEADER, _R.SAFETY_OFFICER, _R.DIRECTOR}
    ),
    _A.CHANGE_ORDER: frozenset(
        {_R.CONTROL_ROOM, _R.DISPATCHER, _R.TEAM_LEADER, _R.SAFETY_OFFICER, _R.DIRECTOR}
    ),
    _A.CANCEL_ORDER: frozenset(
        {_R.CONTROL_ROOM, _R.DISPATCHER, _R.TEAM_LEADER, _R.SAFETY_OFFICER, _R.DIRECTOR}
    ),
    _A.VERIFY_ORDER: frozenset({_R.CONTROL_ROOM, _R.DISPATCHER, _R.TEAM_LEADER, _R.DIRECTOR}),
    _A.CLOSE_ORDER: frozenset({_R.CONTROL_ROOM, _R.DISPATCHER, _R.TEAM_LEADER, _R.DIRECTOR}),
    _A.REOPEN_ORDER: frozenset({_R.CONTROL_ROOM, _R.DISPATCHER, _R.TEAM_LEADER, _R.DIRECTOR}),
    _A.SEE_GATEWAYS: _WATCH | _LEAD | _READ_ALL | {_R.ADMINISTRATOR},
    _A.SEE_QUARANTINE: _WATCH | _LEAD | _READ_ALL,
    _A.ADOPT_DEVICE: frozenset({_R.METERING_ENGINEER, _R.CONTROL_ROOM, _R.DIRECTOR}),
    _A.SEE_REVIEW: _WATCH | _LEAD | _READ_ALL,
    _A.RESOLVE_REVIEW: frozenset(
        {_R.CONTROL_ROOM, _R.DISPATCHER, _R.TEAM_LEADER, _R.SAFETY_OFFICER, _R.DIRECTOR}
    ),
    _A.SEE_TABLETS: frozenset(
        {_R.CONTROL_ROOM, _R.DISPATCHER, _R.ADMINISTRATOR, _R.DIRECTOR, _R.AUDITOR}
    ),
    _A.ENROL_TABLET: frozenset({_R.DISPATCHER, _R.ADMINISTRATOR, _R.DIRECTOR}),
    _A.REVOKE_TABLET: frozenset(
        {_R.CONTROL_ROOM, _R.DISPATCHER, _R.ADMINISTRATOR, _R.DIRECTOR, _R.SAFETY_OFFICER}
    ),
    _A.SEE_ACCOUNTS: frozenset({_R.ADMINISTRATOR, _R.DIRECTOR, _R.AUDITOR}),
    _A.MANAGE_ACCOUNTS: frozenset({_R.ADMINISTRATOR}),
    _A.SEE_POLICIES: _WATCH | _LEAD | _READ_ALL | {_R.ADMINISTRATOR},
    _A.CHANGE_POLICY: frozenset({_R.DIRECTOR}),
    _A.SEE_AUDIT: frozenset({_R.AUDITOR, _R.DIRECTOR}),
    _A.WORK_ON_TABLET: _FIELD | {_R.TEAM_LEADER},
    _A.SEE_FORMS: _WATCH | _LEAD | _READ_ALL | {_R.ADMINISTRATOR},
    _A.MANAGE_FORMS: _LEAD | {_R.QUALITY_OFFICER, _R.SAFETY_OFFICER},
    _A.SEE_ANSWERS: _LEAD | _READ_ALL | {_R.SAFETY_OFFICER},
    _A.SEE_REQUESTS: _WATCH | _LEAD | _READ_ALL | _DESK,
    _A.TAKE_REQUEST: _DESK
    | frozenset(
        {
            _R.QUALITY_OFFICER,
            _R.TEAM_LEADER,
            _R.CONTROL_ROOM,
            _R.DISPATCHER,
            _R.SAFETY_OFFICER,
            _R.DIRECTOR,
        }
    ),
    _A.WORK_REQUEST: _DESK
    | frozenset(
        {
            _R.QUALITY_OFFICER,
            _R.TEAM_LEADER,
            _R.CONTROL_ROOM,
            _R.DISPATCHER,
            _R.SAFETY_OFFICER,
            _R.DIRECTOR,
        }
    ),
    _A.CALL_BACK: _DESK | {_R.QUALITY_OFFICER, _R.DIRECTOR},
    _A.CLOSE_REQUEST: frozenset({_R.QUALITY_OFFICER, _R.DIRECTOR}),
    _A.LEAVE_DANGER: frozenset({_R.SAFETY_OFFICER, _R.DIRECTOR}),
    _A.SEE_CONTACT: _DESK | frozenset({_R.QUALITY_OFFICER, _R.TEAM_LEADER, _R.DIRECTOR}),
    _A.DISPATCH_URGENT: _DESK
    | frozenset({_R.CONTROL_ROOM, _R.DISPATCHER, _R.TEAM_LEADER, _R.SAFETY_OFFICER, _R.DIRECTOR}),
    _A.SEE_SHIFT: _WATCH | _LEAD | _READ_ALL | _DESK,
    _A.KEEP_SHIFT: _DESK
    | frozenset({_R.CONTROL_ROOM, _R.DISPATCHER, _R.TEAM_LEADER, _R.SAFETY_OFFICER, _R.DIRECTOR}),
    _A.PLAN_ROUNDS: _LEAD | {_R.SAFETY_OFFICER, _R.DISPATCHER},
    _A.MANAGE_VANS: _LEAD | {_R.SAFETY_OFFICER, _R.DISPATCHER},
    _A.JUDGE_COMPLAINT: frozenset({_R.QUALITY_OFFICER, _R.DIRECTOR}),
    _A.APPEAL_COMPLAINT: _DESK
    | frozenset({_R.TEAM_LEADER, _R.CONTROL_ROOM, _R.DISPATCHER, _R.SAFETY_OFFICER}),
    _A.APPROVE_PENALTY: frozenset({_R.DIRECTOR}),
    _A.SEE_LEDGERS: _READ_ALL | {_R.DIRECTOR, _R.TEAM_LEADER, _R.METERING_ENGINEER},
    _A.SEE_HOMES: _DESK | _READ_ALL | {_R.DIRECTOR, _R.TEAM_LEADER, _R.METERING_ENGINEER},
    _A.CHANGE_HOME: _DESK | {_R.QUALITY_OFFICER, _R.TEAM_LEADER, _R.DIRECTOR},
    _A.APPROVE_HOME: frozenset({_R.DIRECTOR}),
    _A.LEAD_INCIDENT: frozenset(
        {_R.CONTROL_ROOM, _R.DISPATCHER, _R.SAFETY_OFFICER, _R.TEAM_LEADER, _R.DIRECTOR}
    ),
    _A.SEE_STAFF: _WATCH | _LEAD | _READ_ALL | _DESK | {_R.ADMINISTRATOR},
    _A.MANAGE_STAFF: frozenset({_R.TEAM_LEADER, _R.DIRECTOR, _R.ADMINISTRATOR}),
    _A.KEEP_CASH: frozenset({_R.WINDOW_CLERK, _R.TEAM_LEADER}),
    _A.SEE_RECORDING: _READ_ALL | {_R.HOTLINE_AGENT, _R.DIRECTOR},
    _A.IMPORT_DATA: frozenset({_R.METERING_ENGINEER, _R.DIRECTOR}),
    _A.ASK_EXPORT: _WATCH | _LEAD | _READ_ALL | _DESK,
    _A.APPROVE_EXPORT: frozenset({_R.DIRECTOR}),
    _A.SEE_INTERRUPTIONS: _WATCH | _LEAD | _READ_ALL | _DESK,
    _A.PLAN_INTERRUPTION: frozenset(
        {_R.CONTROL_ROOM, _R.DISPATCHER, _R.SAFETY_OFFICER, _R.TECHNICIAN, _R.DIRECTOR}
    ),
}
"""The control room may dispatch every alert that it watches; the rest is domain model section 5.
Whoever takes a call sends a crew to a danger at once; every other order is a dispatcher's.

An administrator manages access and sees no readings, alerts or orders."""


def may(role: Role, action: Action) -> bool:
    """Return whether the table grants the action to the role."""
    return role in ALLOWED[action]


def roles_with(action: Action) -> list[Role]:
    """Return the roles that hold an action, in the order of the enumeration."""
    return [role for role in Role if role in ALLOWED[action]]
