"""The people that routes ask for: each name stands for one action of the table of roles."""

from typing import Annotated

from fastapi import Depends

from sync_server.access.account_store import Person
from sync_server.access.guards_io import require
from sync_server.access.roles import Action

OwnSession = Annotated[Person, Depends(require(Action.OWN_SESSION))]
SeeAlerts = Annotated[Person, Depends(require(Action.SEE_ALERTS))]
AcknowledgeAlert = Annotated[Person, Depends(require(Action.ACKNOWLEDGE_ALERT))]
ShelveAlert = Annotated[Person, Depends(require(Action.SHELVE_ALERT))]
SeeReadings = Annotated[Person, Depends(require(Action.SEE_READINGS))]
SeeOrders = Annotated[Person, Depends(require(Action.SEE_ORDERS))]
DispatchOrder = Annotated[Person, Depends(require(Action.DISPATCH_ORDER))]
ChangeOrder = Annotated[Person, Depends(require(Action.CHANGE_ORDER))]
SeeGateways = Annotated[Person, Depends(require(Action.SEE_GATEWAYS))]
AdoptDevice = Annotated[Person, Depends(require(Action.ADOPT_DEVICE))]
SeeReview = Annotated[Person, Depends(require(Action.SEE_REVIEW))]
ResolveReview = Annotated[Person, Depends(require(Action.RESOLVE_REVIEW))]
SeeTablets = Annotated[Person, Depends(require(Action.SEE_TABLETS))]
EnrolTablet = Annotated[Person, Depends(require(Action.ENROL_TABLET))]
RevokeTablet = Annotated[Person, Depends(require(Action.REVOKE_TABLET))]
SeeAccounts = Annotated[Person, Depends(require(Action.SEE_ACCOUNTS))]
ManageAccounts = Annotated[Person, Depends(require(Action.MANAGE_ACCOUNTS))]
SeeForms = Annotated[Person, Depends(require(Action.SEE_FORMS))]
ManageForms = Annotated[Person, Depends(require(Action.MANAGE_FORMS))]
SeeAnswers = Annotated[Person, Depends(require(Action.SEE_ANSWERS))]
SeeRequests = Annotated[Person, Depends(require(Action.SEE_REQUESTS))]
TakeRequest = Annotated[Person, Depends(require(Action.TAKE_REQUEST))]
WorkRequest = Annotated[Person, Depends(require(Action.WORK_REQUEST))]
SeeShift = Annotated[Person, Depends(require(Action.SEE_SHIFT))]
KeepShift = Annotated[Person, Depends(require(Action.KEEP_SHIFT))]
SeePolicies = Annotated[Person, Depends(require(Action.SEE_POLICIES))]
ChangePolicy = Annotated[Person, Depends(require(Action.CHANGE_POLICY))]
ManageVans = Annotated[Person, Depends(require(Action.MANAGE_VANS))]
PlanRounds = Annotated[Person, Depends(require(Action.PLAN_ROUNDS))]
CallBack = Annotated[Person, Depends(require(Action.CALL_BACK))]
CloseRequest = Annotated[Person, Depends(require(Action.CLOSE_REQUEST))]
JudgeComplaint = Annotated[Person, Depends(require(Action.JUDGE_COMPLAINT))]
AppealComplaint = Annotated[Person, Depends(require(Action.APPEAL_COMPLAINT))]
ApprovePenalty = Annotated[Person, Depends(require(Action.APPROVE_PENALTY))]
SeeLedgers = Annotated[Person, Depends(require(Action.SEE_LEDGERS))]
SeeHomes = Annotated[Person, Depends(require(Action.SEE_HOMES))]
ChangeHome = Annotated[Person, Depends(require(Action.CHANGE_HOME))]
ApproveHome = Annotated[Person, Depends(require(Action.APPROVE_HOME))]
SeeInterruptions = Annotated[Person, Depends(require(Action.SEE_INTERRUPTIONS))]
PlanInterruption = Annotated[Person, Depends(require(Action.PLAN_INTERRUPTION))]
LeadIncident = Annotated[Person, Depends(require(Action.LEAD_INCIDENT))]
SeeAudit = Annotated[Person, Depends(require(Action.SEE_AUDIT))]
