"""Personal data at rest: encryption and keyed hashes behind one place (rule 15, 密码法).

Two suites do the same job: `international` (AES-256-GCM, HMAC-SHA-256) and `national` (SM4-GCM,
HMAC-SM3). The suite is named inside what is stored, so that data of either can still be read after
the configuration has changed.

Every value has a random data key of its own, and lies with it in an envelope: the master key of the configuration
seals nothing but data keys. So no two values share a key whose nonces could meet, and the work of the master key,
32 bytes at a time, is what a hardware module can do instead one day.
"""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.hmac import HMAC

NONCE_BYTES = 12
TAG_BYTES = 16
DATA_KEY_BYTES = 32
SEALED_KEY_BYTES = NONCE_BYTES + DATA_KEY_BYTES + TAG_BYTES
# Bound into a sealed data key, so that it is taken for nothing else.
DATA_KEY = b"data key"


@dataclass(frozen=True)
class Suite:
    """One family of algorithms; `mark` is the first byte of everything it encrypts.

    `bare_mark` is that of values from before there were envelopes: sealed with the master key itself, still read.
    """

    mark: bytes
    bare_mark: bytes
    encrypt: Callable[[bytes, bytes, bytes, bytes], bytes]
    decrypt: Callable[[bytes, bytes, bytes, bytes], bytes]
    keyed_hash: Callable[[bytes, bytes], bytes]


def _aes_encrypt(key: bytes, nonce: bytes, plain: bytes, context: bytes) -> bytes:
    return AESGCM(key[:32]).encrypt(nonce, plain, context)


def _aes_decrypt(key: bytes, nonce: bytes, sealed: bytes, context: bytes) -> bytes:
    return AESGCM(key[:32]).decrypt(nonce, sealed, context)


def _sm4_encrypt(key: bytes, nonce: bytes, plain: bytes, context: bytes) -> bytes:
    encryptor = Cipher(algorithms.SM4(key[:16]), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(context)
    return encryptor.update(plain) + encryptor.finalize() + encryptor.tag


def _sm4_decrypt(key: bytes, nonce: bytes, sealed: bytes, context: bytes) -> bytes:
    body, tag = sealed[:-TAG_BYTES], sealed[-TAG_BYTES:]
    decryptor = Cipher(algorithms.SM4(key[:16]), modes.GCM(nonce, tag)).decryptor()
    decryptor.authenticate_additional_data(context)
    return decryptor.update(body) + decryptor.finalize()


def _hmac_sha256(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


def _hmac_sm3(key: bytes, data: bytes) -> bytes:
    digest = HMAC(key, SM3())
    digest.update(data)
    return digest.finalize()


SUITES = {
    "international": Suite(b"\x11", b"\x01", _aes_encrypt, _aes_decrypt, _hmac_sha256),
    "national": Suite(b"\x12", b"\x02", _sm4_encrypt, _sm4_decrypt, _hmac_sm3),
}


@dataclass(frozen=True)
class PersonalDataKeys:
    """Encrypts and hashes personal data. `keys` by id, the first for new data; secrets of ≥ 32 bytes.

    The suite of the hashes goes with the hash key and stays as it is for an installation's life: people
    are found again by them. The suite of the encryption can change at any time.

    Stored form: suite mark, length and text of the key id; nonce, data key and tag, sealed with the master key of that
    id; nonce, text and tag, sealed with the data key. `context` (for instance `natural_persons.name`) is bound in, so
    that a value can't be moved to another column.
    """

    suite: str
    keys: dict[str, bytes]
    hash_key: bytes
    hash_suite: str = "international"

    @property
    def key_id(self) -> str:
        """Of the key that new data is sealed with."""
        return next(iter(self.keys))

    def encrypt(self, text: str, context: str) -> bytes:
        """Seal a text for the database, with the first of the keys."""
        suite, master_key = SUITES[self.suite], self.keys[self.key_id]
        data_key = secrets.token_bytes(DATA_KEY_BYTES)
        sealed_key = _seal(suite, master_key, data_key, DATA_KEY)
        return self._head() + sealed_key + _seal(suite, data_key, text.encode(), context.encode())

    def decrypt(self, stored: bytes, context: str) -> str:
        """Open what `encrypt` sealed, with whichever suite and key it names.

        Raises:
            ValueError: unknown suite or key, or the text was changed or moved.
        """
        mark = stored[:1]
        suite = next((suite for suite in SUITES.values() if mark in (suite.mark, suite.bare_mark)), None)
        key = self.keys.get(self.key_id_of(stored))
        id_end = 2 + (stored[1] if len(stored) > 1 else 0)
        if suite is None or key is None:
            raise ValueError("sealed with a suite or key that is not configured")
        begin = id_end if mark == suite.bare_mark else id_end + SEALED_KEY_BYTES
        try:
            if mark == suite.mark:
                key = _open(suite, key, stored[id_end:begin], DATA_KEY)
            return _open(suite, key, stored[begin:], context.encode()).decode()
        except InvalidTag:
            raise ValueError("the sealed text was changed") from None

    def is_current(self, stored: bytes) -> bool:
        """Whether a value is sealed as a new one would be: in an envelope, with the suite and the first key of today."""
        return stored.startswith(self._head())

    @staticmethod
    def key_id_of(stored: bytes) -> str:
        """The id of the master key that a value names."""
        return stored[2 : 2 + (stored[1] if len(stored) > 1 else 0)].decode(errors="replace")

    def _head(self) -> bytes:
        key_id = self.key_id.encode()
        return SUITES[self.suite].mark + bytes([len(key_id)]) + key_id

    def keyed_hash(self, text: str, context: str) -> bytes:
        """32 bytes that find a value again without holding it; the same in every process and year."""
        return SUITES[self.hash_suite].keyed_hash(self.hash_key, context.encode() + b"\0" + text.encode())

    def hasher(self, context: str) -> Callable[[bytes], bytes]:
        """`keyed_hash` of one context for very many ASCII or UTF-8 texts, without what repeats."""
        suite, key, prefix = SUITES[self.hash_suite], self.hash_key, context.encode() + b"\0"
        return lambda text: suite.keyed_hash(key, prefix + text)


def _seal(suite: Suite, key: bytes, plain: bytes, context: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + suite.encrypt(key, nonce, plain, context)


def _open(suite: Suite, key: bytes, sealed: bytes, context: bytes) -> bytes:
    return suite.decrypt(key, sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context)
