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
BOX_PIXELS = 10
QUIET_ZONE = 4


def wanted(accept: str) -> str | None:
    """The picture that an Accept header names before JSON, or nothing for JSON."""
    for part in accept.split(","):
        kind = part.partition(";")[0].strip().lower()
        if kind in (SVG, PNG):
            return kind
        if kind in ("application/json", "application/*", "*/*"):
            return None
    return None


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
