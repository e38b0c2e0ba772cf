"""An uploaded file -> a form that can be kept, or everything that is wrong with it."""

from collections.abc import Sequence
from xml.etree.ElementTree import ParseError

from sync_server.forms.form_compiler import OWN_SETTINGS, compile_form
from sync_server.forms.form_problems import whole_file
from sync_server.forms.form_store import TakenForm
from sync_server.forms.pyxform_io import make_xform
from sync_server.forms.sheets_io import Sheets, read_sheets
from sync_server.forms.xform import read_xform
from wire_contracts.forms.evaluation import UnknownFunctionError
from wire_contracts.forms.model import FormModel
from wire_contracts.forms.references import CircleError
from wire_contracts.forms.session import CompiledForm


def read_form(content: bytes) -> TakenForm:
    """Return the form of an XLSX file; raise FormRefusedError with sheet and row of each problem.

    The model is built once as tablets will build it, so that none gets what it cannot use.
    """
    model, advice = compile_sheets(read_sheets(content))
    return TakenForm(model=model, source=content, advice=tuple(advice))


def compile_sheets(sheets: Sheets) -> tuple[FormModel, Sequence[str]]:
    """Return the model and advice; raise FormRefusedError with sheet and row of each problem."""
    xform, advice = make_xform(sheets, OWN_SETTINGS)
    try:
        found = read_xform(xform)
    except (ParseError, ValueError) as error:
        raise whole_file(f"makes no form: {error}", "look at names and rules") from error
    model = compile_form(found, sheets)
    try:
        CompiledForm(model)
    except (UnknownFunctionError, CircleError, RecursionError) as error:
        raise whole_file(f"cannot be used on tablets: {error}", "simplify its rules") from error
    return model, advice
