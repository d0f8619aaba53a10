"""What is signed, and what is believed: vectors, signatures over raw text, numbers of people and organisations."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given, settings
from hypothesis import strategies as st

from citizens import phones, sandbox_people
from citizens.channels import LegalPerson, LoginCodeInvalid
from citizens.channels.alipay import (
    AlipayChannel,
    private_key,
    public_key,
    raw_members,
    read_answer,
    text_to_sign,
)
from citizens.channels.outside import ChannelServer, Failed, Throttled, Unreadable, read_object
from citizens.channels.sandbox import SandboxChannel
from citizens.channels.zheliban import TOKEN_PATH, is_resident_number, login_of, signature_headers
from common.database import execute, fetch_one
from models.citizen_enums import RealNameLevel
from models.enums import Channel
from tests.factories.citizens import KEYS, a_citizen, a_person
from tests.factories.moments import NOON

OURS, ALIPAYS = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
NODE = '{"user_id" : "2088\\/1", "expires_in":1}'


def sign(text: str, key: rsa.RSAPrivateKey = ALIPAYS) -> str:
    return base64.b64encode(key.sign(text.encode(), PKCS1v15(), SHA256())).decode()


def answer_of(
    node: str = NODE, signature: str | None = None, name: str = "alipay_system_oauth_token_response"
) -> bytes:
    return f'{{ "{name}" : {node} ,"sign":"{signature or sign(node)}"}}'.encode()


# Signatures ----------------------------------------------------------------------------------------


def test_the_gateways_vector_is_right() -> None:
    at = datetime(2021, 11, 9, 8, 49, 20, tzinfo=UTC)
    headers = signature_headers("POST", TOKEN_PATH, "", "test-ak", "test-sk", at)
    assert headers == {
        "X-BG-HMAC-ACCESS-KEY": "test-ak",
        "X-BG-HMAC-ALGORITHM": "hmac-sha256",
        "X-BG-DATE-TIME": "Tue, 09 Nov 2021 08:49:20 GMT",
        "X-BG-HMAC-SIGNATURE": "6F67ChM7QcjMtjp4MsZt7DAxW90rwrC4Pt92KcZGU70=",
    }
    assert signature_headers("POST", TOKEN_PATH, "b=2&a=1", "k", "s", at) == signature_headers(
        "POST", TOKEN_PATH, "a=1&b=2", "k", "s", at
    ), "the query is sorted before it is signed"


def test_alipays_parameters_are_signed_in_the_order_of_their_names() -> None:
    channel = AlipayChannel("2021", OURS, ALIPAYS.public_key(), ChannelServer(Channel.ALIPAY, "http://h"))
    signed = channel.signed("a code", datetime(2026, 11, 27, 4, 0, tzinfo=UTC))
    assert text_to_sign(signed) == (
        b"app_id=2021&charset=utf-8&code=a code&format=JSON&grant_type=authorization_code"
        b"&method=alipay.system.oauth.token&sign_type=RSA2&timestamp=2026-11-27 12:00:00&version=1.0"
    )
    OURS.public_key().verify(base64.b64decode(signed["sign"]), text_to_sign(signed), PKCS1v15(), SHA256())


def test_an_answer_is_believed_when_alipay_signed_this_very_text() -> None:
    assert read_answer(answer_of(), ALIPAYS.public_key()) == {"user_id": "2088/1", "expires_in": 1}


@pytest.mark.parametrize(
    "raw",
    [
        answer_of(signature=sign(NODE, OURS)),
        answer_of(signature=sign(json.dumps(json.loads(NODE)))),
        answer_of(signature=sign(NODE + " ")),
        answer_of(node=NODE.replace("1", "2"), signature=sign(NODE)),
        answer_of(signature="!!"),
        answer_of(signature=" "),
        b'{"alipay_system_oauth_token_response":' + NODE.encode() + b"}",
        b'{"alipay_system_oauth_token_response":' + NODE.encode() + b',"sign":null}',
        b'{"alipay_system_oauth_token_response":'
        + NODE.encode()
        + b',"sign":["'
        + sign(NODE).encode()
        + b'"]}',
        answer_of(name="alipay_user_info_share_response"),
        answer_of()[:-1] + b',"alipay_system_oauth_token_response":{"user_id":"2"}}',
        answer_of() + answer_of(),
        answer_of()[:-1],
        answer_of("[]"),
        b"[" * 100_000,
        b"{" * 100_000,
        b"\xff",
        b"",
    ],
)
def test_no_other_answer_is(raw: bytes) -> None:
    with pytest.raises(Failed):
        read_answer(raw, ALIPAYS.public_key())


def test_an_error_needs_no_signature_and_lets_nobody_in() -> None:
    def said(sub_code: str, code: str = "40002") -> bytes:
        node = json.dumps({"code": code, "msg": "x", "sub_code": sub_code})
        return f'{{"error_response":{node}, {answer_of().decode().strip()[1:]}'.encode()

    with pytest.raises(LoginCodeInvalid):
        read_answer(said("isv.code-invalid"), ALIPAYS.public_key())
    with pytest.raises(Throttled):
        read_answer(said("isp.call-limited"), ALIPAYS.public_key())
    for other in ("isv.invalid-app-id", "", "换行\n"):
        with pytest.raises(Failed):
            read_answer(said(other), ALIPAYS.public_key())
    inside = '{"code":"40002","sub_code":"isv.code-invalid"}'
    with pytest.raises(LoginCodeInvalid):
        read_answer(answer_of(inside), ALIPAYS.public_key())


@given(
    st.dictionaries(
        st.text(max_size=8), st.integers() | st.lists(st.text(max_size=4), max_size=2), min_size=1
    )
)
@settings(max_examples=40)
def test_the_raw_members_are_what_the_json_holds(found: dict[str, Any]) -> None:
    for text in (json.dumps(found), json.dumps(found, indent=2, ensure_ascii=False)):
        parts = raw_members(text)
        assert {name: json.loads(part) for name, part in parts.items()} == found
        assert all(part in text for part in parts.values())


def test_reading_a_megabyte_of_members_takes_no_while() -> None:
    """An answer that is large and has many members must not hold everybody up."""
    began = datetime.now(UTC)
    assert len(raw_members("{" + ",".join(f'"{n}" : 1' for n in range(70_000)) + "}")) == 70_000
    assert (datetime.now(UTC) - began).total_seconds() < 2


def test_keys_are_read_as_pem_and_as_base64() -> None:
    der = serialization.Encoding.DER
    pkcs8, old = (getattr(serialization.PrivateFormat, name) for name in ("PKCS8", "TraditionalOpenSSL"))
    nothing = serialization.NoEncryption()
    texts = [base64.b64encode(OURS.private_bytes(der, form, nothing)).decode() for form in (pkcs8, old)]
    pem = OURS.private_bytes(serialization.Encoding.PEM, pkcs8, nothing).decode()
    for text in (*texts, pem, pem.replace("\n", "\\n"), pem.replace("\n", "\r\n")):
        assert private_key(text).private_numbers() == OURS.private_numbers()
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    public = ALIPAYS.public_key().public_bytes(serialization.Encoding.PEM, spki).decode()
    assert public_key(public).public_numbers() == ALIPAYS.public_key().public_numbers()
    for read in (private_key, public_key):
        for bad in ("", "x", "!!", pem if read is public_key else public, pem[:200]):
            with pytest.raises(ValueError, match=r".*"):
                read(bad)


# People and organisations --------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*sandbox_people.DEMO, "load-1", "load-77"])
def test_the_numbers_of_residents_are_known_by_their_check_digit(name: str) -> None:
    person = sandbox_people.person_of(name)
    assert person is not None and is_resident_number(person.id_number)
    wrong = person.id_number[:-1] + ("0" if person.id_number[-1] != "0" else "1")
    assert not is_resident_number(wrong)


@pytest.mark.parametrize("number", ["810000199408230021", "330113199003074510", "11010519491231002X"])
def test_new_counties_and_residence_cards_are_known_too(number: str) -> None:
    """Hong Kong's card, and 临平, which lists of counties of old do not have."""
    assert is_resident_number(number)


@pytest.mark.parametrize(
    "number",
    [
        "",
        "330106800312001",
        "11010519491331002X",
        "１１０１０５１９４９１２３１００２X",
        "110105194912310027",
        "x" * 18,
    ],
)
def test_what_is_no_residents_number(number: str) -> None:
    assert not is_resident_number(number)


def info(**changes: Any) -> dict[str, Any]:
    person = sandbox_people.person_of("demo-good")
    assert person is not None
    found = {
        "userId": "1",
        "userName": "陈小芳",
        "idType": "ID_CARD",
        "idNo": person.id_number,
        "phone": "13700009050",
    }
    return {"userType": "PERSON", "personInfo": {**found, **changes}}


def test_a_resident_is_one_whatever_his_paper_is_called() -> None:
    for kind in (
        "ID_CARD",
        "GANG_AO_TAI_RESIDENCE_CART",
        "FOREIGN_PERMANENT_RESIDENT_ID_CARD",
        "1",
        None,
        ["x"],
    ):
        assert login_of(info(idType=kind)).person == login_of(info()).person
    lower = login_of(info(idNo="11010519491231002x")).person
    assert lower is not None and lower.id_number == "11010519491231002X"


@pytest.mark.parametrize(
    ("phone", "kept"),
    [
        ("13700009050", "13700009050"),
        ("+8613700009050", "13700009050"),
        *((phone, None) for phone in (None, "", "137****9050", 13700009050, "85251234567", ["13700009050"])),
    ],
)
def test_a_phone_is_kept_when_it_is_one_of_the_mainland(phone: Any, kept: str | None) -> None:
    assert login_of(info(phone=phone)).phone == kept


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"userType": "PERSON"},
        {"userType": "PERSON", "personInfo": []},
        {"userType": ["PERSON"], "personInfo": {}},
        {"userType": "LEGAL_PERSON", "personInfo": info()["personInfo"]},
        *(
            info(**{name: value})
            for name in ("userId", "userName", "idNo")
            for value in ("", None, 7, {"a": 1}, " ", "x" * 300)
        ),
        info(idNo="330106198506070020"),
        info(userName="a\nb"),
        *(
            {"userType": "LEGAL_PERSON", "legalPersonInfo": {"name": "单位", "unifiedSocialId": code}}
            for code in ("", "1", "91330106MA2B0O001X", 913301060000000000, "9" * 19)
        ),
        {"userType": "LEGAL_PERSON", "legalPersonInfo": {"unifiedSocialId": "91330106MA2B00001X"}},
    ],
)
def test_what_names_nobody_lets_nobody_in(data: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        login_of(data)


def test_a_legal_persons_code_is_taken_in_one_spelling_and_its_check_digit_is_the_offices_matter() -> None:
    found = {"name": "单位", "unifiedSocialId": " ９１３３０１０６ma2b00001x "}
    legal = login_of({"userType": "LEGAL_PERSON", "legalPersonInfo": found}).legal_person
    assert legal == LegalPerson("91330106MA2B00001X", "单位")


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=30), lambda inner: st.dictionaries(
    st.sampled_from(["userType", "personInfo", "legalPersonInfo", "userId", "userName", "idType", "idNo", "phone",
                     "name", "unifiedSocialId"]), inner, max_size=6) | st.lists(inner, max_size=2)))  # fmt: skip
@settings(max_examples=60)
def test_whatever_the_gateway_says_is_a_login_or_unreadable(data: Any) -> None:
    try:
        found = read_object(json.dumps(data).encode())
        login_of({"userType": "PERSON", **found})
    except Failed:
        pass


# The number that is kept ---------------------------------------------------------------------------


async def kept(citizen_id: Any) -> tuple[str, str] | None:
    row = await fetch_one("SELECT * FROM citizen_phones WHERE citizen_id = $1", citizen_id)
    return row and (KEYS.decrypt(row["phone_encrypted"], phones.PHONE), row["channel"])


@pytest.mark.usefixtures("database")
async def test_the_number_verified_last_stays_whichever_is_written_first() -> None:
    citizen_id = await a_citizen()
    assert await phones.masked(citizen_id, KEYS) is None
    for minute, phone in ((1, "13700000001"), (3, "13700000003"), (2, "13700000002")):
        at = NOON.replace(minute=minute)
        assert await phones.keep(citizen_id, phone, Channel.WECHAT, KEYS, at) is RealNameLevel.PHONE
    assert await kept(citizen_id) == ("13700000003", "wechat")
    assert await phones.masked(citizen_id, KEYS) == "137****0003"


@pytest.mark.usefixtures("database")
async def test_a_number_adds_nothing_to_who_is_known_by_name_and_nothing_is_kept_for_nobody() -> None:
    person = await a_person()
    assert await phones.keep(person, "13700000001", Channel.ZHELIBAN, KEYS, NOON) is RealNameLevel.REAL_NAME
    nobody = (await a_person()).__class__(int=1)
    await phones.keep(nobody, "13700000001", Channel.ZHELIBAN, KEYS, NOON)
    assert await kept(nobody) is None
    await execute("DELETE FROM citizen_phones")


@pytest.mark.parametrize("code", ["", "1370000905", "137000090500", "12345678901", "１３７００００９０５０"])
async def test_the_sandboxs_code_for_a_number_is_the_number(code: str) -> None:
    from citizens.channels import PhoneCodeInvalid

    assert await SandboxChannel().phone("13700009050") == "13700009050"
    with pytest.raises(PhoneCodeInvalid):
        await SandboxChannel().phone(code)
