"""Personal data at rest: encryption and keyed hashes behind one place (rule 15, 密码法).

Two suites do the same job: `international` (AES-256-GCM, HMAC-SHA-256) and `national` (SM4-GCM,
HMAC-SM3). The suite is named inside what is stored, so that data of either can still be read after
the configuration has changed.
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


@dataclass(frozen=True)
class Suite:
    """One family of algorithms; `mark` is the first byte of everything it encrypts."""

    mark: bytes
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
    "international": Suite(b"\x01", _aes_encrypt, _aes_decrypt, _hmac_sha256),
    "national": Suite(b"\x02", _sm4_encrypt, _sm4_decrypt, _hmac_sm3),
}


@dataclass(frozen=True)
class PersonalDataKeys:
    """Encrypts and hashes personal data. `keys` by id, the first for new data; secrets of ≥ 32 bytes.

    The suite of the hashes goes with the hash key and stays as it is for an installation's life: people
    are found again by them. The suite of the encryption can change at any time.

    Stored form: suite mark, length and text of the key id, nonce, sealed text with its tag. `context`
    (for instance `natural_persons.name`) is bound in, so that a value can't be moved to another column.
    """

    suite: str
    keys: dict[str, bytes]
    hash_key: bytes
    hash_suite: str = "international"

    def encrypt(self, text: str, context: str) -> bytes:
        """Seal a text for the database."""
        suite = SUITES[self.suite]
        key_id = next(iter(self.keys))
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = suite.encrypt(self.keys[key_id], nonce, text.encode(), context.encode())
        return suite.mark + bytes([len(key_id)]) + key_id.encode() + nonce + sealed

    def decrypt(self, stored: bytes, context: str) -> str:
        """Open what `encrypt` sealed, with whichever suite and key it names.

        Raises:
            ValueError: unknown suite or key, or the text was changed or moved.
        """
        suite = next((suite for suite in SUITES.values() if stored[:1] == suite.mark), None)
        id_end = 2 + (stored[1] if len(stored) > 1 else 0)
        key = self.keys.get(stored[2:id_end].decode(errors="replace"))
        if suite is None or key is None:
            raise ValueError("sealed with a suite or key that is not configured")
        nonce, sealed = stored[id_end : id_end + NONCE_BYTES], stored[id_end + NONCE_BYTES :]
        try:
            return suite.decrypt(key, nonce, sealed, context.encode()).decode()
        except InvalidTag:
            raise ValueError("the sealed text was changed") from None

    def keyed_hash(self, text: str, context: str) -> bytes:
        """32 bytes that find a value again without holding it; the same in every process and year."""
        return SUITES[self.hash_suite].keyed_hash(self.hash_key, context.encode() + b"\0" + text.encode())

    def hasher(self, context: str) -> Callable[[bytes], bytes]:
        """`keyed_hash` of one context for very many ASCII or UTF-8 texts, without what repeats."""
        suite, key, prefix = SUITES[self.hash_suite], self.hash_key, context.encode() + b"\0"
        return lambda text: suite.keyed_hash(key, prefix + text)
