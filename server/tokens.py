"""Access tokens (RFC 7519 by the rules of RFC 8725) and refresh tokens, made and checked without a database.

An access token is a short-lived HS256 JWT with type, audience, issuer and key id. A refresh token is
opaque: a MAC over its session's id and its number in the session, so that a copy of the database makes
no tokens and a forged one never reaches it.
"""

import base64
import binascii
import hmac
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import jwt
from jwt.types import Options

from server.config import Settings
from server.errors import NotSignedIn

ALGORITHM = "HS256"
TYPE = "at+jwt"
ISSUER = "xinyi-alliance"
AUDIENCES = ("citizen", "staff", "admin")
# PyJWT takes no token of a server whose clock is a moment ahead, and its `leeway` would lengthen a
# token's life as well: the time of issue is judged below, with the skew that servers may have.
CHECKS: Options = {"require": ["iss", "aud", "sub", "sid", "iat", "exp"], "verify_iat": False}
CLOCK_SKEW_S = 5
REFRESH_PREFIX = "rt1."
REFRESH_BYTES = 16 + 4 + 32


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good access token says. `expires_at` is in unix seconds; `member_id` is there for staff only.

    `agent_id` and `binding_id`: a citizen's token with which another acts for him (the `act` claim of RFC 8693).
    """

    audience: str
    actor_id: UUID
    session_id: UUID
    member_id: UUID | None
    expires_at: int
    agent_id: UUID | None = None
    binding_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A genuine refresh token: its session, and its number there."""

    session_id: UUID
    generation: int


def make_access(
    settings: Settings,
    audience: str,
    actor_id: UUID,
    session_id: UUID,
    member_id: UUID | None,
    now: datetime,
    acting: tuple[UUID, UUID] | None = None,
) -> str:
    """A token for one audience, good for `settings.access_token_s` seconds.

    Args:
        acting: the agent who acts for the actor, and the binding that lets him.
    """
    key_id, key = next(iter(settings.token_keys.items()))
    issued_at = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": audience,
        "sub": str(actor_id),
        "sid": str(session_id),
        "iat": issued_at,
        "exp": issued_at + settings.access_token_s,
    }
    if member_id is not None:
        claims["mid"] = str(member_id)
    if acting is not None:
        agent_id, binding_id = acting
        claims["act"] = {"sub": str(agent_id), "bid": str(binding_id)}
    return jwt.encode(claims, key, ALGORITHM, headers={"typ": TYPE, "kid": key_id})


def read_access(settings: Settings, token: str) -> Claims:
    """Check type, key id, algorithm, signature, issuer, audience and times.

    Raises:
        NotSignedIn: whatever it is that is wrong.
    """
    try:
        header = jwt.get_unverified_header(token)
        key = settings.token_keys.get(str(header.get("kid")))
        if header.get("typ") != TYPE or key is None:
            raise NotSignedIn
        claims = jwt.decode(token, key, [ALGORITHM], audience=AUDIENCES, issuer=ISSUER, options=CHECKS)
        if claims["aud"] not in AUDIENCES or int(claims["iat"]) > time.time() + CLOCK_SKEW_S:
            raise NotSignedIn
        member_id = UUID(claims["mid"]) if "mid" in claims else None
        act = claims.get("act")
        acting = (UUID(act["sub"]), UUID(act["bid"])) if act is not None else (None, None)
        if act is not None and claims["aud"] != "citizen":
            raise NotSignedIn
        ids = UUID(claims["sub"]), UUID(claims["sid"]), member_id
        return Claims(claims["aud"], *ids, int(claims["exp"]), *acting)
    except (jwt.InvalidTokenError, ValueError, TypeError, KeyError, AttributeError):
        raise NotSignedIn from None


def make_refresh(settings: Settings, token: RefreshToken) -> str:
    """The same session and number always give the same text: a lost answer can be given again."""
    body = token.session_id.bytes + token.generation.to_bytes(4)
    return REFRESH_PREFIX + base64.urlsafe_b64encode(body + _mac(settings, body)).rstrip(b"=").decode()


def read_refresh(settings: Settings, text: str) -> RefreshToken | None:
    """The token if it is genuine; whether it is still good is for its session to say."""
    try:
        raw = base64.b64decode(text.removeprefix(REFRESH_PREFIX) + "==", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    body, mac = raw[:20], raw[20:]
    is_genuine = len(raw) == REFRESH_BYTES and hmac.compare_digest(mac, _mac(settings, body))
    if not is_genuine or not text.startswith(REFRESH_PREFIX):
        return None
    return RefreshToken(UUID(bytes=body[:16]), int.from_bytes(body[16:]))


def _mac(settings: Settings, body: bytes) -> bytes:
    return hmac.digest(settings.refresh_key, b"refresh" + body, "sha256")
