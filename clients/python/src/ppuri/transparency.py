"""Checks receipts of ppuri, and a dump of its whole transparency log, offline.

It needs Python's standard library alone, so an auditor can run this file by itself:

    python transparency.py receipt.json --key 'localhost/ppuri+1a2b3c4d+A…'
    python transparency.py --log dump.jsonl --checkpoints FOLDER --key 'localhost/ppuri+1a2b3c4d+A…'

docs/receipts.md of ppuri has the formats. The tree is that of RFC 9162, checkpoints are C2SP signed notes with Ed25519 (RFC 8032).
"""

from __future__ import annotations

import argparse
import base64
import binascii
import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256, sha512
from pathlib import Path
from typing import Any, NoReturn

MOST_RECEIPT_BYTES = 65_536
MOST_LINE_BYTES = 65_536
MOST_NOTE_BYTES = 16_384
MOST_HASHES = 64

LEAF = re.compile(
    r"ppuri\.transfer/v1\n"
    r"leaf (0|[1-9][0-9]{0,14})\n"
    r"transfer ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\n"
    r"kind ([a-z_]{1,32})\n"
    r"currency ([A-Z]{3})\n"
    r"amount ([1-9][0-9]{0,18})\n"
    r"time (0|-?[1-9][0-9]{0,15})\n"
    r"debit ([0-9a-f]{64})\n"
    r"credit ([0-9a-f]{64})\n"
)


class VerificationError(Exception):
    """What was given is not valid; the message says why."""


def fail(why: str) -> NoReturn:
    raise VerificationError(why)


# --- The tree of RFC 9162, section 2.1


def leaf_hash(text: str) -> bytes:
    return sha256(b"\x00" + text.encode()).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root_from_proof(index: int, size: int, leaf: bytes, proof: list[bytes]) -> bytes | None:
    """The root that an inclusion proof leads to (2.1.3.2); None where it has too few or too many hashes."""
    if not 0 <= index < size:
        return None
    node, last, result = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return None
        if node & 1 or node == last:
            result = node_hash(sibling, result)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        node, last = node >> 1, last >> 1
    return result if last == 0 else None


class Tree:
    """The root of a log that grows: the hashes of its complete subtrees, largest first, and nothing else."""

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        done, subtree = self.size, leaf
        while done & 1:
            subtree = node_hash(self._subtrees.pop(), subtree)
            done >>= 1
        self._subtrees.append(subtree)
        self.size += 1

    def root(self) -> bytes:
        if not self._subtrees:
            return sha256(b"").digest()
        root = self._subtrees[-1]
        for subtree in reversed(self._subtrees[:-1]):
            root = node_hash(subtree, root)
        return root


# --- Ed25519 (RFC 8032, section 5.1.7), in the plain formulas of its appendix

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_SQRT_M1 = pow(2, (_P - 1) // 4, _P)
_Point = tuple[int, int, int, int]


def _add(a: _Point, b: _Point) -> _Point:
    first, second = (a[1] - a[0]) * (b[1] - b[0]) % _P, (a[1] + a[0]) * (b[1] + b[0]) % _P
    third, fourth = 2 * a[3] * b[3] * _D % _P, 2 * a[2] * b[2] % _P
    e, f, g, h = second - first, fourth - third, fourth + third, second + first
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _multiply(scalar: int, point: _Point) -> _Point:
    result: _Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = _add(result, point)
        point, scalar = _add(point, point), scalar >> 1
    return result


def _decompress(encoded: bytes) -> _Point | None:
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= _P:
        return None
    x2 = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(x2, (_P + 3) // 8, _P)
    if (x * x - x2) % _P:
        x = x * _SQRT_M1 % _P
    if (x * x - x2) % _P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


_BASE_Y = 4 * pow(5, -1, _P) % _P
_BASE = _decompress(_BASE_Y.to_bytes(32, "little"))


def ed25519_verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    if len(public_key) != 32 or len(signature) != 64:
        return False
    point, commitment = _decompress(public_key), _decompress(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if point is None or commitment is None or _BASE is None or s >= _L:
        return False
    h = int.from_bytes(sha512(signature[:32] + public_key + message).digest(), "little") % _L
    left, right = _multiply(s, _BASE), _add(commitment, _multiply(h, point))
    return (left[0] * right[2] - right[0] * left[2]) % _P == 0 and (left[1] * right[2] - right[1] * left[2]) % _P == 0


# --- Signed notes and checkpoints


@dataclass(frozen=True)
class PublicKey:
    """A public key of a log, from its text `name+id+key`."""

    name: str
    key_id: bytes
    raw: bytes

    @staticmethod
    def parse(text: str) -> PublicKey:
        name, _, rest = text.partition("+")
        key_id, _, encoded = rest.partition("+")
        raw = strict_base64(encoded)
        if not is_name(name) or raw is None or len(raw) != 33 or raw[0] != 1:
            fail("the public key is not of the form name+id+key")
        if sha256(name.encode() + b"\n" + raw).digest()[:4].hex() != key_id:
            fail("the id in the public key is not that of the key")
        return PublicKey(name, bytes.fromhex(key_id), raw[1:])


@dataclass(frozen=True)
class Checkpoint:
    origin: str
    size: int
    root: bytes


def is_name(name: str) -> bool:
    return 0 < len(name) <= 255 and "+" not in name and not re.search(r"\s", name) and name.isprintable()


def strict_base64(text: str) -> bytes | None:
    """The bytes of base64 in the one form that encoding gives."""
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (ValueError, binascii.Error):
        return None
    return raw if base64.b64encode(raw).decode() == text else None


def read_checkpoint(note: str, keys: Iterable[PublicKey]) -> Checkpoint:
    """The checkpoint in a note that one of these keys signed. Signatures by other keys are passed over."""
    text, blank, signatures = note.partition("\n\n")
    if len(note) > MOST_NOTE_BYTES or not blank:
        fail("the checkpoint is no signed note")
    text += "\n"
    if not signatures.endswith("\n"):
        fail("the checkpoint has no signature")
    known, signed = {(key.name, key.key_id): key for key in keys}, False
    for line in signatures[:-1].split("\n"):
        parts = line.split(" ")
        raw = strict_base64(parts[2]) if len(parts) == 3 and parts[0] == "\u2014" else None
        if raw is None or len(raw) <= 4 or not is_name(parts[1]):
            fail("a signature line of the checkpoint is malformed")
        key = known.get((parts[1], raw[:4]))
        if key is None:
            continue
        if not ed25519_verify(key.raw, text.encode(), raw[4:]):
            fail(f"the signature of the checkpoint by {key.name} is wrong")
        signed = True
    if not signed:
        fail("no known key signed the checkpoint")
    lines = text.split("\n")
    root = strict_base64(lines[2]) if len(lines) == 4 else None
    if root is None or len(root) != 32 or not is_name(lines[0]) or not re.fullmatch(r"0|[1-9][0-9]{0,14}", lines[1]):
        fail("the checkpoint is not: name, size, root")
    return Checkpoint(lines[0], int(lines[1]), root)


# --- Receipts


@dataclass(frozen=True)
class Side:
    party: str
    user_id: int
    wallet_id: str


@dataclass(frozen=True)
class VerifiedReceipt:
    leaf: int
    transfer_id: str
    kind: str
    currency: str
    amount: int
    """In the smallest unit of the currency."""
    time: int
    """In microseconds since 1970."""
    sides: tuple[Side, ...]
    checkpoint: Checkpoint


def verify_receipt(data: bytes | str, keys: Iterable[PublicKey]) -> VerifiedReceipt:
    """Checks the JSON of a receipt. Raises VerificationError where anything does not hold."""
    receipt = parse_json(data, MOST_RECEIPT_BYTES)
    if isinstance(receipt, dict) and "receipt" in receipt:
        fields_of(receipt, "receipt")
        receipt = receipt["receipt"]
    fields = fields_of(receipt, "leaf", "leaf_index", "sides", "inclusion_proof", "checkpoint")
    text = text_of(fields, "leaf")
    leaf = LEAF.fullmatch(text)
    if leaf is None:
        fail("leaf is not the text of a leaf")
    index = int(leaf[1])
    if number_of(fields, "leaf_index") != index:
        fail("leaf_index is not the number in leaf")
    sides = tuple(read_side(side, {"debit": leaf[7], "credit": leaf[8]}) for side in list_of(fields, "sides", 2))
    if len({side.party for side in sides}) != len(sides):
        fail("sides has a side twice")
    proof = [bytes_of(value, 32, "inclusion_proof") for value in list_of(fields, "inclusion_proof", MOST_HASHES)]
    checkpoint = read_checkpoint(text_of(fields, "checkpoint"), keys)
    if root_from_proof(index, checkpoint.size, leaf_hash(text), proof) != checkpoint.root:
        fail("the proof does not lead from the leaf to the root of the checkpoint")
    return VerifiedReceipt(index, leaf[2], leaf[3], leaf[4], int(leaf[5]), int(leaf[6]), sides, checkpoint)


def party_hash(salt: bytes, user_id: int | str, account_id: str) -> str:
    return sha256(f"{salt.hex()} {user_id or ''} {account_id}".encode()).hexdigest()


def read_side(value: object, hashes: dict[str, str]) -> Side:
    fields = fields_of(value, "party", "user_id", "wallet_id", "salt")
    party = {"RECEIPT_PARTY_DEBIT": "debit", "RECEIPT_PARTY_CREDIT": "credit"}.get(text_of(fields, "party"))
    if party is None:
        fail("party is neither side")
    side = Side(party, number_of(fields, "user_id"), text_of(fields, "wallet_id"))
    if party_hash(bytes_of(fields.get("salt"), 16, "salt"), side.user_id, side.wallet_id) != hashes[party]:
        fail(f"the leaf's hash of its {party} side is not that of this user and wallet")
    return side


# --- JSON of anybody


def parse_json(data: bytes | str, most: int) -> Any:
    if len(data) > most:
        fail(f"it is larger than {most} bytes")
    try:
        return json.loads(data, object_pairs_hook=once)
    except (ValueError, RecursionError):
        fail("it is not JSON")


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        fail("it has a field twice")
    return dict(pairs)


def fields_of(value: object, *names: str) -> dict[str, Any]:
    """The fields of an object under their snake_case names; clients print camelCase."""
    if not isinstance(value, dict):
        fail("a part of it is not an object")
    known = {form: name for name in names for form in (name, re.sub(r"_(\w)", lambda m: m[1].upper(), name))}
    unknown = next((name for name in value if name not in known), None)
    if unknown is not None:
        fail(f"it has an unknown field {json.dumps(unknown[:40])}")
    return once([(known[name], field) for name, field in value.items()])


def text_of(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    # Half of a surrogate pair is no text that could be hashed.
    if not isinstance(value, str) or any("\ud800" <= letter <= "\udfff" for letter in value):
        fail(f"{name} is not a text")
    return value


def number_of(fields: dict[str, Any], name: str) -> int:
    value = fields.get(name, "0")
    digits = str(value) if type(value) is int and value < 2**63 else value
    if not isinstance(digits, str) or not re.fullmatch(r"0|[1-9][0-9]{0,18}", digits):
        fail(f"{name} is not a whole number")
    return int(digits)


def list_of(fields: dict[str, Any], name: str, most: int) -> list[Any]:
    value = fields.get(name, [])
    return value if isinstance(value, list) and len(value) <= most else fail(f"{name} is not a list of at most {most}")


def bytes_of(value: object, length: int, name: str) -> bytes:
    raw = strict_base64(value) if isinstance(value, str) else None
    return raw if raw is not None and len(raw) == length else fail(f"{name} is not {length} bytes in base64")


# --- The whole log


@dataclass
class LogReport:
    """What a dump was found to be."""

    leaves: int = 0
    checkpoints: int = 0
    first_bad_leaf: int | None = None
    reason: str = ""


class SavedLog:
    """A folder in which a worker saved checkpoints, and the hashes of the leaves between them."""

    def __init__(self, folder: str) -> None:
        self._notes = sorted(Path(folder).glob("checkpoint-" + "[0-9]" * 15))
        self._spans: list[tuple[int, int, Path]] = []
        for path in sorted(Path(folder).glob("leaves-" + "[0-9]" * 15)):
            end, (count, rest) = int(path.name[-15:]), divmod(path.stat().st_size, 32)
            if rest or count > end:
                fail(f"{path.name} is not a list of at most {end} hashes")
            self._spans.append((end - count, end, path))

    def notes(self) -> Iterator[str]:
        for path in self._notes:
            with path.open("rb") as file:
                yield decoded(file.read(MOST_NOTE_BYTES + 1), path.name)

    def size(self) -> int:
        """How many leaves the log had when something was last saved."""
        return max([end for _, end, _ in self._spans], default=0)

    def hashes(self) -> Iterator[tuple[int, bytes]]:
        """The saved leaves with their numbers, in order."""
        for start, end, path in self._spans:
            with path.open("rb") as file:
                for leaf in range(start, end):
                    yield leaf, file.read(32)


def verify_log(lines: Iterable[bytes], keys: list[PublicKey], saved: SavedLog | None = None) -> LogReport:
    """Checks a dump of the log against the checkpoints in it, and against checkpoints and leaves that were saved elsewhere.

    A dump has a line of JSON for each leaf, in order, and before them one for each checkpoint of the database. Where leaves
    and what was stored of them agree but a checkpoint does not, the first bad leaf is at least the size of the last checkpoint
    that does; saved leaves tell which it is.
    """
    report, tree, agreed = LogReport(), Tree(), 0
    expected: dict[int, set[bytes]] = {}
    # Ed25519 in Python takes milliseconds: the same note in the dump and in a file is checked once.
    seen: set[str] = set()

    def expect(note: str) -> None:
        if note not in seen:
            seen.add(note)
            checkpoint = read_checkpoint(note, keys)
            expected.setdefault(checkpoint.size, set()).add(checkpoint.root)
            report.checkpoints += 1

    def bad(leaf: int, reason: str) -> LogReport:
        report.first_bad_leaf, report.reason = leaf, reason
        return report

    for note in saved.notes() if saved else ():
        expect(note)
    hashes = saved.hashes() if saved else iter(())
    kept = next(hashes, None)
    for line in lines:
        entry = parse_json(line, MOST_LINE_BYTES)
        if not isinstance(entry, dict):
            fail("a line of the dump is not an object")
        if "checkpoint" in entry:
            expect(text_of(entry, "checkpoint"))
            continue
        found = leaf_of(entry, tree.size)
        if found is None:
            return bad(tree.size, "the transfer is missing")
        if found.hex() != entry.get("stored_hash"):
            return bad(tree.size, "the transfer is not what the log has stored")
        while kept and kept[0] < tree.size:
            kept = next(hashes, None)
        if kept and kept[0] == tree.size and kept[1] != found:
            return bad(tree.size, "the transfer is not what was saved elsewhere")
        tree.append(found)
        report.leaves = tree.size
        if tree.size in expected:
            if expected[tree.size] != {tree.root()}:
                return bad(agreed, f"a checkpoint of {tree.size} leaves has another root; that of {agreed} is right")
            agreed = tree.size
    most = max([*expected, saved.size() if saved else 0], default=0)
    if most > tree.size:
        return bad(tree.size, f"it is missing: the log had {most} leaves")
    return report


def leaf_of(entry: dict[str, Any], leaf: int) -> bytes | None:
    if number_of(entry, "leaf") != leaf:
        fail(f"the dump goes on with leaf {entry.get('leaf')!r:.40}, not {leaf}")
    transfer = entry.get("transfer")
    if transfer is None:
        return None
    fields = fields_of(
        transfer,
        "id",
        "kind",
        "currency",
        "amount",
        "time",
        "debit_user_id",
        "debit_account_id",
        "credit_user_id",
        "credit_account_id",
    )
    debit, credit = (
        party_hash(
            bytes_of(entry.get(f"{side}_salt"), 16, "salt"),
            text_of(fields, f"{side}_user_id"),
            text_of(fields, f"{side}_account_id"),
        )
        for side in ("debit", "credit")
    )
    rest = (text_of(fields, name) for name in ("id", "kind", "currency", "amount", "time"))
    text = "ppuri.transfer/v1\nleaf {}\ntransfer {}\nkind {}\ncurrency {}\namount {}\ntime {}\ndebit {}\ncredit {}\n"
    return leaf_hash(text.format(leaf, *rest, debit, credit))


def read_lines(path: str) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while line := file.readline(MOST_LINE_BYTES + 1):
            if len(line) > MOST_LINE_BYTES:
                fail("a line of the dump is too long")
            yield line


def decoded(data: bytes, name: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        fail(f"{name} is not text")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Checks a receipt of ppuri, or a dump of its whole log.")
    parser.add_argument("receipt", nargs="?", help="the JSON of a receipt")
    parser.add_argument("--log", help="a dump of the log, of npm run verify -- --dump FILE")
    parser.add_argument("--checkpoints", help="a folder of saved checkpoints")
    parser.add_argument("--key", action="append", required=True, help="a public key of the log: name+id+key")
    options = parser.parse_args(arguments)
    if (options.receipt is None) == (options.log is None):
        parser.error("give a receipt or --log")
    try:
        keys = [PublicKey.parse(text) for text in options.key]
        if options.receipt is not None:
            return print_receipt(options.receipt, keys)
        saved = SavedLog(options.checkpoints) if options.checkpoints else None
        return print_report(verify_log(read_lines(options.log), keys, saved))
    except VerificationError as error:
        print(f"not valid: {error}", file=sys.stderr)
    except OSError as error:
        print(f"cannot read {error.filename}: {error.strerror}", file=sys.stderr)
    return 1


def print_receipt(path: str, keys: list[PublicKey]) -> int:
    with open(path, "rb") as file:
        found = verify_receipt(file.read(MOST_RECEIPT_BYTES + 1), keys)
    print(f"valid: transfer {found.transfer_id}, {found.kind} of {found.amount} {found.currency} (smallest units)")
    print(f"  posted {found.time} microseconds after 1970")
    for side in found.sides:
        print(f"  {'paid by' if side.party == 'debit' else 'paid to'} user {side.user_id}, wallet {side.wallet_id}")
    print(f"  leaf {found.leaf} of the log {found.checkpoint.origin} of {found.checkpoint.size} leaves")
    return 0


def print_report(report: LogReport) -> int:
    if report.first_bad_leaf is not None:
        print(f"first bad leaf: {report.first_bad_leaf}: {report.reason}", file=sys.stderr)
        return 1
    print(f"valid: {report.leaves} leaves, {report.checkpoints} checkpoints")
    return 0


if __name__ == "__main__":
    sys.exit(main())
