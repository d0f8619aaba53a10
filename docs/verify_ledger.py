"""Check an exported ledger or audit against its published roots, without trusting whoever runs the database.

Needs Python 3.11 and the package `cryptography`, nothing of the service. See docs/ledger.md. Exit codes:
0 all is as it was sealed, 1 it is not (the faults are named, the first one first), 2 the files can't be read.
"""

from argparse import ArgumentParser
from base64 import b64decode
from contextlib import suppress
from hashlib import sha256
from itertools import groupby, islice
from json import dumps, loads
from struct import Struct, error
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

BOOKS = {"ledger": ("账本", "xinyi-seal/1"), "audit": ("审计记录", "xinyi-audit-seal/1")}
SIGNED = "format number first_entry last_entry records root previous sealed_at public_key".split()
LEAF = Struct(">cq16s32s")  # a kind, entry, id, SHA-256 of the record's line
KINDS = {b"R": "redemption", b"V": "reversal", b"A": "audit record"}


def signature_of(seal):  # the signed text, and whether it is signed
    text = dumps({name: seal[name] for name in SIGNED}, separators=(",", ":")).encode()
    with suppress(InvalidSignature, ValueError):
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(seal["public_key"]))
        return text, key.verify(bytes.fromhex(seal["signature"]), text) is None
    return text, False


def root_of(leaves):  # RFC 9162, section 2.1.1
    if len(leaves) < 2:
        return sha256(b"".join(b"\0" + leaf for leaf in leaves)).digest()
    middle = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + root_of(leaves[:middle]) + root_of(leaves[middle:])).digest()


def parts_of(path):  # for each seal its number, its leaves, and the leaves of its records as they are now
    for number, lines in groupby(open(path, "rb"), lambda line: int(line.split()[0])):
        raw, rows = b64decode(next(lines).partition(b" ")[2]), (line[:-1].split(b" ", 4) for line in lines)
        leaves = [raw[i : i + LEAF.size] for i in range(0, len(raw), LEAF.size)]
        heads = ((kind, int(entry), UUID(id_.decode()).bytes, text) for _, kind, entry, id_, text in rows)
        yield number, leaves, [LEAF.pack(*head, sha256(text).digest()) for *head, text in heads]


def compare(sealed, present):  # what happened to the records of one seal
    def name(leaf):
        kind, entry, id_, _ = LEAF.unpack(leaf)
        return f"{KINDS.get(kind)} {UUID(bytes=id_)} (entry {entry})"

    # By entry and kind: a forged redemption may have the entry of a true reversal.
    was, now = ({leaf[1:9] + leaf[:1]: leaf for leaf in leaves} for leaves in (sealed, present))
    yield from (f"{name(leaf)} is there twice" for leaf in present if leaf != now[leaf[1:9] + leaf[:1]])
    place = {leaf[9:25]: leaf for leaf in sealed}
    for at in sorted(at for at in was | now if was.get(at) != now.get(at)):
        before, after = was.get(at), now.get(at)
        origin = place.get((after or b"")[9:25])
        how = "added" if not origin else f"moved, sealed as {name(origin)}" if origin != before else "edited"
        yield f"{name(after or before)} was {how if after else 'removed'}"


def faults(options, book, form, witnessed, seen):
    follows, parts = [1, 1, "00" * 32], parts_of(options.export)
    number, _, new = next(parts, (0, [], []))
    for seal in (seal for page in open(options.roots) for seal in loads(page)["items"]):
        its, (text, is_signed) = seal["number"], signature_of(seal)
        while number < its:
            number, sealed, present = next(parts, (float("inf"), [], []))
        checks = {
            "does not follow the one before it": [its, seal["first_entry"], seal["previous"]] != follows,
            "has no good signature": not is_signed,
            f"is none of the {book}": seal["format"] != form,
            "is not as it was witnessed: history was rewritten": witnessed.pop(its, seal) != seal,
            f"is not in the export: the {book} was cut": number > its,
            "has other leaves than were signed": number == its and root_of(sealed).hex() != seal["root"],
        }
        where = f"seal {its} (entries {seal['first_entry']} to {seal['last_entry']}, {seal['sealed_at']})"
        yield from (f"{where} {what}" for what, is_wrong in checks.items() if is_wrong)
        yield from compare(sealed, present) if number == its else ()
        follows = [its + 1, seal["last_entry"] + 1, sha256(text).hexdigest()]
        seen["records"] += seal["records"]
        seen |= {"seals": its, f"last seal of key {seal['public_key']}": its}
    yield from (f"seal {each}, which was witnessed, is gone: the {book} was cut" for each in witnessed)
    seen["not sealed yet"] = len(new)


parser = ArgumentParser(description=__doc__)
parser.add_argument("roots", help="pages of /api/v1/ledger/roots or /api/v1/audit/roots, one a line")
parser.add_argument("export", help="ledger.txt or audit.txt of `python -m server export-ledger`")
parser.add_argument("--witness", action="append", default=[], help="a file of seals handed over; repeatable")
parser.add_argument("--book", default="ledger", choices=BOOKS, help="what the two files are of")
name, form = BOOKS[book := (options := parser.parse_args()).book]
try:
    witnessed = {s["number"]: s for f in options.witness for s in map(loads, open(f)) if s["format"] == form}
    seen = {"seals": 0, "records": 0, "witnessed": len(witnessed)}
    found = list(islice(faults(options, book, form, witnessed, seen), 20))
except (OSError, ValueError, KeyError, TypeError, error) as problem:
    parser.error(f"give the files as they were written ({type(problem).__name__}: {problem})")
good = f"{name}核验通过 / The {book} verifies: " + ", ".join(f"{what} {n}" for what, n in seen.items())
print(*found, f"{name}与封存不符 / The {book} is NOT as it was sealed." if found else good, sep="\n")
raise SystemExit(bool(found))
