"""Access and refresh tokens: what RFC 8725 asks for, and that neither passes for the other."""

import base64
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest

from benefits import codes
from server.errors import NotSignedIn
from server.tokens import (
    AUDIENCES,
    ISSUER,
    RefreshToken,
    make_access,
    make_refresh,
    read_access,
    read_refresh,
)
from tests.factories.settings import settings

CURRENT, OLDER = b"c" * 48, b"o" * 48
KEYS = f"new:{base64.b64encode(CURRENT).decode()},old:{base64.b64encode(OLDER).decode()}"
SETTINGS = settings(TOKEN_KEYS=KEYS)
ACTOR, SESSION, MEMBER = uuid4(), uuid4(), uuid4()


def now() -> datetime:
    return datetime.now(UTC)


def access(audience: str = "citizen", member_id: UUID | None = None, at: datetime | None = None) -> str:
    return make_access(SETTINGS, audience, ACTOR, SESSION, member_id, at or now())


def claims(**changes: Any) -> dict[str, Any]:
    """Good claims, some of them changed or (with None) left out."""
    good = jwt.decode(access(), options={"verify_signature": False})
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signed(payload: dict[str, Any], key: bytes = CURRENT, algorithm: str = "HS256", **header: Any) -> str:
    """A token of one's own making."""
    given = {"typ": "at+jwt", "kid": "new", **header}
    return jwt.encode(payload, key, algorithm, headers={n: v for n, v in given.items() if v is not None})


def refused(token: str) -> bool:
    with pytest.raises(NotSignedIn):
        read_access(SETTINGS, token)
    return True


@pytest.mark.parametrize("audience", AUDIENCES)
def test_a_good_token_says_who_and_for_what(audience: str) -> None:
    read = read_access(SETTINGS, access(audience, MEMBER))
    assert (read.audience, read.actor_id, read.session_id, read.member_id) == (
        audience,
        ACTOR,
        SESSION,
        MEMBER,
    )
    assert abs(read.expires_at - time.time() - SETTINGS.access_token_s) < 5
    assert read_access(SETTINGS, access(audience)).member_id is None


def test_a_token_holds_random_ids_and_nothing_else_of_a_person() -> None:
    assert set(claims()) == {"iss", "aud", "sub", "sid", "iat", "exp"}


def test_the_first_key_signs_and_the_older_one_still_verifies() -> None:
    assert jwt.get_unverified_header(access())["kid"] == "new"
    assert read_access(SETTINGS, signed(claims(), OLDER, kid="old")).actor_id == ACTOR


def test_a_token_signed_by_hand_with_everything_right_is_good() -> None:
    """What the other tests change is all that is wrong with their tokens."""
    assert read_access(SETTINGS, signed(claims())).actor_id == ACTOR


def test_an_unsigned_token_is_refused() -> None:
    unsigned = jwt.encode(claims(), None, "none", headers={"typ": "at+jwt", "kid": "new"})  # type: ignore[arg-type]
    assert refused(unsigned)
    head, body, _ = access().split(".")
    for algorithm in ("none", "None", "NONE", "nOnE"):
        header = json.dumps({"alg": algorithm, "typ": "at+jwt", "kid": "new"}).encode()
        forged = base64.urlsafe_b64encode(header).rstrip(b"=").decode()
        assert refused(f"{forged}.{body}.") and refused(f"{head}.{body}.")


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_another_algorithm_with_the_right_key_is_refused(algorithm: str) -> None:
    assert refused(signed(claims(), CURRENT.ljust(64, b"c"), algorithm)) and refused(
        jwt.encode(claims(), CURRENT.ljust(64, b"\0"), algorithm, headers={"typ": "at+jwt", "kid": "new"})
    )


@pytest.mark.parametrize(
    ("key", "kid"),
    [
        (OLDER, "new"),
        (CURRENT, "old"),
        (CURRENT, "unknown"),
        (CURRENT, None),
        (b"another key of thirty-two bytes!", "new"),
        (SETTINGS.refresh_key, "new"),
    ],
    ids=["older as new", "current as old", "unknown id", "no id", "another key", "another secret"],
)
def test_a_key_under_another_id_is_refused(key: bytes, kid: str | None) -> None:
    assert refused(signed(claims(), key, kid=kid))


@pytest.mark.parametrize("typ", ["JWT", "jwt", "rt+jwt", None])
def test_another_type_of_token_is_refused(typ: str | None) -> None:
    assert refused(signed(claims(), typ=typ))


DAY = 24 * 3600


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "member"},
        {"aud": "Citizen"},
        {"aud": ["citizen"]},
        {"aud": ["citizen", "admin"]},
        {"aud": None},
        {"iss": "somebody"},
        {"iss": None},
        {"iss": [ISSUER]},
        {"exp": int(time.time()) - 1},
        {"exp": None},
        {"exp": "soon"},
        {"iat": None},
        {"iat": int(time.time()) + DAY},
        {"nbf": int(time.time()) + DAY},
        {"sub": None},
        {"sub": "nobody"},
        {"sub": 7},
        {"sid": None},
        {"sid": "no session"},
        {"sid": 7},
        {"mid": "no member"},
        {"mid": ["x"]},
    ],
)
def test_wrong_or_missing_claims_are_refused(changes: dict[str, Any]) -> None:
    try:
        token = signed(claims(**changes))
    except TypeError:  # the library itself won't sign it
        payload = base64.urlsafe_b64encode(json.dumps(claims(**changes)).encode()).rstrip(b"=")
        token = f"{access().split('.')[0]}.{payload.decode()}.{'A' * 43}"
    assert refused(token)


def test_a_token_ends_with_its_time() -> None:
    life = timedelta(seconds=SETTINGS.access_token_s)
    assert refused(access(at=now() - life - timedelta(seconds=1)))
    assert read_access(SETTINGS, access(at=now() - life + timedelta(seconds=30)))


@pytest.mark.parametrize("ahead_s", [0.05, 1, 2])
def test_a_token_of_a_server_whose_clock_is_a_little_ahead_is_good(ahead_s: float) -> None:
    """Several servers share the keys; their clocks never agree to the millisecond."""
    # The second is cut off: right after a full one, every bit ahead shows.
    token = access(at=now().replace(microsecond=0) + timedelta(seconds=1 + ahead_s))
    assert read_access(SETTINGS, token).actor_id == ACTOR


def test_every_changed_character_is_refused() -> None:
    token = access()
    last = len(token) - 1  # of its six bits only four count
    for place, letter in enumerate(token):
        if letter == "." or place == last:
            continue
        changed = token[:place] + ("A" if letter != "A" else "B") + token[place + 1 :]
        assert refused(changed)


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "Bearer x", "é", "\0", "x" * 10_000, "e30.e30.e30"])
def test_other_texts_are_refused(text: str) -> None:
    assert refused(text)


def test_a_refresh_token_and_a_code_are_no_access_tokens() -> None:
    assert refused(make_refresh(SETTINGS, RefreshToken(SESSION, 0)))
    ring = SETTINGS.code_master_keys
    assert refused(codes.make(ring, 1, 0, 1)) and refused(codes.renewal_key(ring, 1, 0))


def test_an_access_token_and_a_code_are_no_refresh_tokens() -> None:
    assert read_refresh(SETTINGS, access()) is None
    assert read_refresh(SETTINGS, "rt1." + codes.make(SETTINGS.code_master_keys, 1, 0, 1)) is None


def test_a_refresh_token_names_its_session_and_its_number() -> None:
    for number in (0, 1, 2**32 - 1):
        token = RefreshToken(SESSION, number)
        text = make_refresh(SETTINGS, token)
        assert read_refresh(SETTINGS, text) == token and make_refresh(SETTINGS, token) == text


def test_every_changed_byte_of_a_refresh_token_is_refused() -> None:
    text = make_refresh(SETTINGS, RefreshToken(SESSION, 3))
    raw = base64.urlsafe_b64decode(text.removeprefix("rt1.") + "==")
    assert len(raw) == 16 + 4 + 32
    for bit in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        assert (
            read_refresh(SETTINGS, "rt1." + base64.urlsafe_b64encode(changed).rstrip(b"=").decode()) is None
        )


@pytest.mark.parametrize(
    "text", ["", "rt1.", "rt1.A", "rt2.", "A" * 70, "rt1." + "A" * 70, "rt1.é", "rt1.\0"]
)
def test_other_texts_are_no_refresh_tokens(text: str) -> None:
    assert read_refresh(SETTINGS, text) is None


def test_the_prefix_and_the_key_belong_to_a_refresh_token() -> None:
    text = make_refresh(SETTINGS, RefreshToken(SESSION, 0))
    assert read_refresh(SETTINGS, text.removeprefix("rt1.")) is None
    assert read_refresh(settings(), text) is None
