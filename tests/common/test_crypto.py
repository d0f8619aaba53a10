"""Personal data at rest: sealed to its column, by either family of algorithms, and found by a keyed hash."""

import pytest
from cryptography.hazmat.primitives import hashes
from hypothesis import given, settings
from hypothesis import strategies as st

from common.crypto import DATA_KEY, NONCE_BYTES, SEALED_KEY_BYTES, SUITES, PersonalDataKeys

KEY, OLD_KEY, HASH_KEY = b"k" * 32, b"o" * 32, b"h" * 32
CONTEXT = "natural_persons.name"


def keys(suite: str = "international", hash_suite: str = "international", **by_id: bytes) -> PersonalDataKeys:
    return PersonalDataKeys(suite, by_id or {"1": KEY}, HASH_KEY, hash_suite)


@pytest.mark.parametrize("suite", SUITES)
@settings(deadline=None, max_examples=50)
@given(text=st.text(max_size=80))
def test_what_was_sealed_can_be_read_with_the_key(suite: str, text: str) -> None:
    assert keys(suite).decrypt(keys(suite).encrypt(text, CONTEXT), CONTEXT) == text


@pytest.mark.parametrize("suite", SUITES)
def test_the_same_text_is_never_sealed_the_same_way(suite: str) -> None:
    assert len({keys(suite).encrypt("王大友", CONTEXT) for _ in range(50)}) == 50


@pytest.mark.parametrize("suite", SUITES)
def test_every_changed_byte_is_noticed(suite: str) -> None:
    sealed = keys(suite).encrypt("王大友", CONTEXT)
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(ValueError, match=r"."):
            keys(suite).decrypt(bytes(changed), CONTEXT)


@pytest.mark.parametrize("suite", SUITES)
def test_every_cut_is_noticed(suite: str) -> None:
    sealed = keys(suite).encrypt("王大友", CONTEXT)
    for length in range(len(sealed)):
        with pytest.raises(ValueError, match=r"."):
            keys(suite).decrypt(sealed[:length], CONTEXT)


@pytest.mark.parametrize("suite", SUITES)
def test_a_value_moved_to_another_column_is_noticed(suite: str) -> None:
    with pytest.raises(ValueError, match="changed"):
        keys(suite).decrypt(keys(suite).encrypt("王大友", CONTEXT), "natural_persons.id_number")


def test_both_families_can_be_read_whichever_is_configured() -> None:
    """Rule 15: SM4 in place of AES by configuration, and what lies there stays readable."""
    for writer in SUITES:
        sealed = keys(writer).encrypt("王大友", CONTEXT)
        assert sealed[:1] == SUITES[writer].mark
        for reader in SUITES:
            assert keys(reader).decrypt(sealed, CONTEXT) == "王大友"


def test_the_first_key_seals_and_the_others_still_open() -> None:
    before = keys(old=OLD_KEY).encrypt("王大友", CONTEXT)
    rotated = keys(new=KEY, old=OLD_KEY)
    assert rotated.decrypt(before, CONTEXT) == "王大友"
    after = rotated.encrypt("王大友", CONTEXT)
    assert after[2:5] == b"new"
    with pytest.raises(ValueError, match="not configured"):
        keys(old=OLD_KEY).decrypt(after, CONTEXT)


def test_sm4_gcm_is_that_of_rfc_8998() -> None:
    plain = b"".join(bytes([byte]) * 8 for byte in (0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF, 0xEE, 0xAA))
    sealed = SUITES["national"].encrypt(
        bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"),
        bytes.fromhex("00001234567800000000ABCD"),
        plain,
        bytes.fromhex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2"),
    )
    assert sealed.hex().upper() == (
        "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735"
        "D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D"
        "83DE3541E4C2B58177E065A9BF7B62EC"
    )


def test_a_nonce_is_twelve_bytes() -> None:
    assert NONCE_BYTES == 12
    empty = keys().encrypt("", CONTEXT)
    assert len(empty) == 1 + 1 + len("1") + (12 + 32 + 16) + (12 + 16)


@pytest.mark.parametrize("suite", SUITES)
def test_every_value_has_a_data_key_of_its_own_that_only_the_master_key_opens(suite: str) -> None:
    one, other = (keys(suite).encrypt("王大友", CONTEXT) for _ in range(2))
    begin, end = 3, 3 + SEALED_KEY_BYTES
    data_keys = {
        SUITES[suite].decrypt(KEY, sealed[begin : begin + 12], sealed[begin + 12 : end], DATA_KEY)
        for sealed in (one, other)
    }
    assert len(data_keys) == 2
    with pytest.raises(ValueError, match="changed"):
        keys(suite).decrypt(one[:end] + other[end:], CONTEXT)


@pytest.mark.parametrize("suite", SUITES)
def test_what_was_sealed_before_there_were_envelopes_is_still_read_and_not_current(suite: str) -> None:
    nonce = b"n" * 12
    sealed = SUITES[suite].encrypt(KEY, nonce, "王大友".encode(), CONTEXT.encode())
    bare = SUITES[suite].bare_mark + b"\x011" + nonce + sealed
    assert keys(suite).decrypt(bare, CONTEXT) == "王大友"
    assert not keys(suite).is_current(bare)


def test_current_is_what_a_new_value_would_be_sealed_with() -> None:
    sealed = keys().encrypt("王大友", CONTEXT)
    assert keys().is_current(sealed)
    assert not keys("national").is_current(sealed)
    assert not keys(new=KEY, **{"1": OLD_KEY}).is_current(sealed)
    # An id that begins with another one is another key's.
    assert not keys(**{"11": KEY}).is_current(sealed)


@pytest.mark.parametrize(
    ("suite", "algorithm"), [("international", hashes.SHA256()), ("national", hashes.SM3())]
)
def test_the_keyed_hash_is_the_hmac_of_its_family(suite: str, algorithm: hashes.HashAlgorithm) -> None:
    # HMAC by its definition (RFC 2104): both hashes work in blocks of 64 bytes.
    def digest(*parts: bytes) -> bytes:
        hashing = hashes.Hash(algorithm)
        hashing.update(b"".join(parts))
        return hashing.finalize()

    key = HASH_KEY.ljust(64, b"\0")
    inner, outer = bytes(byte ^ 0x36 for byte in key), bytes(byte ^ 0x5C for byte in key)
    found = keys(hash_suite=suite).keyed_hash("1", "c")
    assert found == digest(outer, digest(inner, b"c\x001")) and len(found) == 32


def test_a_keyed_hash_depends_on_key_text_and_context_and_on_nothing_else() -> None:
    found = keys().keyed_hash("330106198003120010", "id")
    assert found == keys(another=OLD_KEY).keyed_hash("330106198003120010", "id")
    # People are found again whichever algorithm encrypts.
    assert found == keys("national").keyed_hash("330106198003120010", "id")
    others = {
        keys().keyed_hash("330106198003120011", "id"),
        keys().keyed_hash("330106198003120010", "phone"),
        PersonalDataKeys("international", {"1": KEY}, b"x" * 32).keyed_hash("330106198003120010", "id"),
        keys(hash_suite="national").keyed_hash("330106198003120010", "id"),
        # The border between context and text counts.
        keys().keyed_hash("d330106198003120010", "i"),
    }
    assert len(others) == 5 and found not in others
