"""Draws a text as a QR code: the door to segno."""

import io

import segno


def qr_svg(text: str) -> str:
    """Return the QR code (ISO/IEC 18004, error correction M) as an inline SVG, black on white.

    It has no size of its own: a longer text has finer squares, and none is cut off.

    It needs neither a script nor an inline style, so the pages' content security policy holds.
    """
    stream = io.BytesIO()
    code = segno.make(text, error="m", micro=False)
    code.save(
        stream,
        kind="svg",
        scale=6,
        border=4,
        light="#ffffff",
        xmldecl=False,
        svgns=False,
        omitsize=True,
        nl=False,
    )
    return stream.getvalue().decode("utf-8")
