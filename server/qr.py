"""Draws codes as QR pictures: version 3, level M, alphanumeric. 3 ms each, so in a thread."""

import asyncio
import io
from typing import Literal

import qrcode
from qrcode.constants import ERROR_CORRECT_M
from qrcode.image.svg import SvgPathImage
from qrcode.util import QRData

SVG, PNG = "image/svg+xml", "image/png"
# Two thirds of the size of bytes mode; `qrcode.util.MODE_ALPHA_NUM` as a type checker can follow it.
ALPHANUMERIC: Literal[2] = 2
KINDS = {SVG: SVG, PNG: PNG, "image/*": PNG, "application/json": None, "application/*": None, "*/*": None}
BOX_PIXELS = 10
QUIET_ZONE = 4


def wanted(accept: str) -> str | None:
    """The picture that an Accept header prefers to JSON (RFC 9110, 12.5.1), or nothing for JSON.

    Of equally welcome kinds the one that is named first wins; wildcards mean JSON, of pictures PNG.
    """
    best: tuple[float, str | None] = (0.0, None)
    for part in accept[:500].split(","):
        kind, _, parameters = part.partition(";")
        weight = _weight(parameters)
        named = kind.strip().lower()
        if named in KINDS and weight > best[0]:
            best = weight, KINDS[named]
    return best[1]


def _weight(parameters: str) -> float:
    """The `q` of one entry: 1 where there is none, 0 where it can't be read."""
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return min(1.0, max(0.0, float(value)))
            except ValueError:
                return 0.0
    return 1.0


async def draw(text: str, kind: str) -> bytes:
    """A picture of a code: `image/svg+xml` or `image/png`."""
    return await asyncio.to_thread(_draw, text, kind)


def _draw(text: str, kind: str) -> bytes:
    picture = qrcode.QRCode(
        version=3, error_correction=ERROR_CORRECT_M, box_size=BOX_PIXELS, border=QUIET_ZONE
    )
    picture.add_data(QRData(text, mode=ALPHANUMERIC))
    picture.make(fit=False)
    out = io.BytesIO()
    if kind == SVG:
        picture.make_image(image_factory=SvgPathImage).save(out)
    else:
        picture.make_image().save(out, "PNG")
    return out.getvalue()
