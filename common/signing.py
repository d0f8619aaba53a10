"""Signatures that outsiders can check: Ed25519 (RFC 8032), behind one place so that SM2 can take it (rule 15)."""

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SEED_BYTES = 32


@dataclass(frozen=True)
class Signer:
    """Signs with the key that a secret of 32 bytes is."""

    key: Ed25519PrivateKey

    @classmethod
    def of(cls, seed: bytes) -> "Signer":
        """The signer of a secret; the same secret is always the same key."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def public_key(self) -> bytes:
        """32 bytes with which everybody can check."""
        return self.key.public_key().public_bytes_raw()

    def sign(self, data: bytes) -> bytes:
        """A signature of 64 bytes."""
        return self.key.sign(data)


def is_signed(public_key: bytes, signature: bytes, data: bytes) -> bool:
    """Whether the owner of the public key signed exactly this."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True
