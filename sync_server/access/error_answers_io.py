"""Turns a refusal into an HTTP status and the stable body {"code", "text"}."""

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.refusals import Refusal, refusal_json
from wire_contracts.sync import PROTOCOL, PROTOCOL_HEADER

STATUS: dict[Code, int] = {
    Code.TOKEN_MISSING: 401,
    Code.TOKEN_EXPIRED: 401,
    Code.TOKEN_REVOKED: 401,
    Code.TOKEN_INVALID: 401,
    Code.LOGIN_REFUSED: 401,
    Code.FACTOR_MISSING: 401,
    Code.FACTOR_UNSET: 403,
    Code.CODE_REFUSED: 403,
    Code.ROLE_REFUSED: 403,
    Code.ORIGIN_REFUSED: 403,
    Code.NOT_FOUND: 404,
    Code.STATE: 409,
    Code.TAKEN: 409,
    Code.CONFLICT: 409,
    Code.BLOB_OFFSET: 409,
    Code.BLOB_HASH: 409,
    Code.PAYLOAD_TOO_LARGE: 413,
    Code.BLOB_CONTENT: 422,
    Code.APP_TOO_OLD: 426,
    Code.BLOB_QUOTA: 429,
    Code.LOGIN_LIMITED: 429,
    Code.LOGIN_BUSY: 503,
    Code.DISK_FULL: 507,
}
"""Everything else is 400: the sender must change something before it asks again."""

RETRY_AFTER_S = {Code.LOGIN_LIMITED: "900", Code.LOGIN_BUSY: "5", Code.BLOB_QUOTA: "3600"}


def error_answer(code: Code, text: str) -> JSONResponse:
    """Return the answer to a refused request; it carries the protocol header like every other."""
    headers = {PROTOCOL_HEADER: str(PROTOCOL), "Cache-Control": "no-store"}
    if code in RETRY_AFTER_S:
        headers["Retry-After"] = RETRY_AFTER_S[code]
    status = STATUS.get(code, 400)
    refusal = Refusal(code=code, text=text, must_wipe=code is Code.TOKEN_REVOKED)
    return JSONResponse(dict(refusal_json(refusal)), status_code=status, headers=headers)


def _answer_contract_error(_request: Request, error: Exception) -> Response:
    code = error.code if isinstance(error, ContractError) else Code.CONFLICT
    return error_answer(code, str(error))


def _answer_refused_transition(_request: Request, error: Exception) -> Response:
    return error_answer(Code.STATE, str(error))


def install_error_answers(app: FastAPI) -> None:
    """Let every route of the app answer refusals alike."""
    app.add_exception_handler(ContractError, _answer_contract_error)
    app.add_exception_handler(RefusedTransition, _answer_refused_transition)
