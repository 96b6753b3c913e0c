"""Checks the proof of a sprinkle: recomputes all shares and who got which from the revealed seed.

It needs nothing but the standard library and calls nobody:

    python -m ppuri.verify_sprinkle proof.json --commitment BASE64

It was written from docs/sprinkles.md and shares no code with the server or the verifier in TypeScript.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import hmac
import json
import re
import sys
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VERSION = "ppuri-sprinkle-1"
LARGEST_AMOUNT = (1 << 48) - 1
MOST_SHARES = 10_000


class NotAProof(Exception):
    """What was given cannot be a proof; the message names the field."""


@dataclass(frozen=True)
class Verdict:
    """What a proof comes to."""

    problems: list[str]
    """What is wrong; empty where every share follows from the seed, and the seed from the commitment."""
    shares: list[int] = field(default_factory=list)
    """The shares in the order of the claims, then those that nobody claimed."""
    claimed: int = 0
    hidden: int = 0
    """Claims whose users the proof does not name. Only they and the creator can check what those added to the draw. There are
    none where the sprinkle does not hide amounts, so any there speak against the server."""

    @property
    def is_proven(self) -> bool:
        return not self.problems


def verify_sprinkle(
    proof: object,
    *,
    commitment: str | None = None,
    user_id: int | None = None,
    nonce: str = "",
) -> Verdict:
    """Checks the answer of GetSprinkleProof, as parsed JSON.

    ``commitment`` is what was shown before the first claim, as base64: without it a proof proves its own arithmetic only.
    ``user_id`` and ``nonce`` (base64) are a claim of one's own. It raises nothing, whatever the JSON is.
    """
    try:
        return _check(_read(proof), commitment, user_id, nonce)
    except NotAProof as error:
        return Verdict([str(error)])


@dataclass(frozen=True)
class _Claim:
    user: int
    nonce: bytes
    units: int
    link: bytes
    in_line: bool


@dataclass(frozen=True)
class _Proof:
    sprinkle_id: str
    currency: str
    amount: int
    headcount: int
    mode: str
    floor: int
    ceiling: int
    commitment: bytes
    seed: bytes
    claims: list[_Claim]


def _check(proof: _Proof, commitment: str | None, user_id: int | None, nonce: str) -> Verdict:
    problems = []
    terms = (proof.sprinkle_id, proof.currency, proof.amount, proof.headcount, proof.mode, proof.floor, proof.ceiling)
    if _digest(VERSION, *terms, proof.seed.hex()) != proof.commitment:
        problems.append("the commitment does not belong to this seed and these terms")
    if commitment is not None and _decode(commitment) != proof.commitment:
        problems.append("the commitment is another one than was published")

    pool = _shares(proof)
    given: list[int] = []
    chain = proof.commitment
    seen: set[int] = set()
    for index, claim in enumerate(proof.claims):
        who = f"claim {index + 1}"
        if claim.user and claim.user in seen:
            problems.append(f"{who}: user {claim.user} claimed before")
        seen.add(claim.user)
        place = 0
        if claim.in_line:
            problems.append(f"{who}: the share was handed out in line and not picked")
        else:
            if claim.user and claim.link != _digest("link", index, claim.user, claim.nonce.hex()):
                problems.append(f"{who}: the link does not belong to this user and nonce")
            chain = _digest("chain", chain.hex(), claim.link.hex())
            place = _below(_numbers(proof.seed, f"claim {chain.hex()}"), len(pool))
        # The picked share leaves, and the first one takes its place.
        share = pool[place]
        pool[place] = pool[0]
        del pool[0]
        given.append(share)
        if share != claim.units:
            problems.append(f"{who}: {claim.units} was given, and the seed says {share}")

    if user_id is not None:
        own = [claim for claim in proof.claims if claim.user == user_id]
        if not own:
            problems.append(f"there is no claim of user {user_id}")
        elif own[0].nonce != _decode(nonce):
            problems.append(f"the claim of user {user_id} has another nonce than was sent")
    hidden = sum(not claim.user for claim in proof.claims)
    return Verdict(problems, given + pool, len(given), hidden)


def _shares(proof: _Proof) -> list[int]:
    if proof.mode == "equal":
        return [proof.amount // proof.headcount] * proof.headcount
    numbers = _numbers(proof.seed, "shares")
    extra = proof.floor - 1
    shares = [part + extra for part in _split(proof.amount - extra * proof.headcount, proof.headcount, numbers)]
    while any(share > proof.ceiling for share in shares):
        excess = sum(share - proof.ceiling for share in shares if share > proof.ceiling)
        shares = [min(share, proof.ceiling) for share in shares]
        room = [place for place, share in enumerate(shares) if share < proof.ceiling]
        for place, part in zip(room, _split(excess + len(room), len(room), numbers), strict=True):
            shares[place] += part - 1
    return shares


def _split(total: int, count: int, numbers: Iterator[int]) -> list[int]:
    """Parts of at least 1 between count - 1 distinct points of 1 to total - 1 (Robert Floyd, CACM 30(9), 1987)."""
    points: list[int] = []
    taken: set[int] = set()
    for last in range(total - count + 1, total):
        point = 1 + _below(numbers, last)
        if point in taken:
            point = last
        taken.add(point)
        points.insert(bisect_left(points, point), point)
    return [after - before for before, after in zip([0, *points], [*points, total], strict=True)]


def _numbers(seed: bytes, label: str) -> Iterator[int]:
    """Numbers of 48 bits: ten from each HMAC-SHA-512 of the label and a counter."""
    counter = 0
    while True:
        block = hmac.digest(seed, f"{label}\n{counter}\n".encode(), "sha512")
        for start in range(0, 60, 6):
            yield int.from_bytes(block[start : start + 6], "big")
        counter += 1


def _below(numbers: Iterator[int], limit: int) -> int:
    """A number from 0 to limit - 1; those of the incomplete last run are passed over."""
    complete = (1 << 48) // limit * limit
    return next(number for number in numbers if number < complete) % limit


def _digest(*lines: str | int) -> bytes:
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).digest()


def _decode(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _read(json_value: object) -> _Proof:
    proof = _object(json_value, "the proof")
    if proof.get("version") != VERSION:
        raise NotAProof(f"version must be {VERSION}")
    currency, amount = _money(proof.get("amount"), "amount")
    floor = _money(proof.get("share_floor"), "share_floor")[1]
    ceiling = _money(proof.get("share_ceiling"), "share_ceiling")[1]
    headcount = _number(proof.get("headcount"), "headcount", MOST_SHARES)
    modes = {"SPRINKLE_MODE_RANDOM": "random", "SPRINKLE_MODE_EQUAL": "equal"}
    named = proof.get("mode")
    mode = modes.get(named) if isinstance(named, str) else None
    if mode is None:
        raise NotAProof("mode is none of the contract's")
    fits = floor * headcount <= amount <= ceiling * headcount
    if not fits or (mode == "equal" and floor != ceiling):
        raise NotAProof("amount cannot be split in such a way")
    claims = proof.get("claims", [])
    if not isinstance(claims, list) or len(claims) > headcount:
        raise NotAProof("claims must be a list of headcount items or fewer")
    return _Proof(
        sprinkle_id=_text(proof.get("sprinkle_id"), "sprinkle_id", r"[0-9a-f-]{36}"),
        currency=currency,
        amount=amount,
        headcount=headcount,
        mode=mode,
        floor=floor,
        ceiling=ceiling,
        commitment=_bytes(proof.get("commitment"), "commitment", 32, 32),
        seed=_bytes(proof.get("seed"), "seed", 32, 32),
        claims=[_claim(claim, f"claims[{index}]") for index, claim in enumerate(claims)],
    )


def _claim(json_value: object, name: str) -> _Claim:
    claim = _object(json_value, name)
    user = str(claim.get("user_id", "0"))
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", user, re.ASCII):
        raise NotAProof(f"{name}.user_id must be the id of a user")
    in_line = claim.get("in_line") is True
    return _Claim(
        user=int(user),
        nonce=_bytes(claim.get("nonce", ""), f"{name}.nonce", 0, 16),
        units=_number(claim.get("minor_units"), f"{name}.minor_units", LARGEST_AMOUNT),
        link=_bytes(claim.get("link", ""), f"{name}.link", 0 if in_line else 32, 32),
        in_line=in_line,
    )


def _money(json_value: object, name: str) -> tuple[str, int]:
    money = _object(json_value, name)
    currency = _text(money.get("currency_code"), f"{name}.currency_code", r"[A-Z]{3}")
    return currency, _number(money.get("minor_units"), f"{name}.minor_units", LARGEST_AMOUNT)


def _object(json_value: object, name: str) -> dict[str, Any]:
    if not isinstance(json_value, dict):
        raise NotAProof(f"{name} must be an object")
    return json_value


def _text(json_value: object, name: str, pattern: str) -> str:
    if not isinstance(json_value, str) or not re.fullmatch(pattern, json_value, re.ASCII):
        raise NotAProof(f"{name} is missing or malformed")
    return json_value


def _number(json_value: object, name: str, most: int) -> int:
    is_number = isinstance(json_value, (int, str)) and not isinstance(json_value, bool)
    # A huge integer has no decimal text within Python's own limit.
    if isinstance(json_value, int) and abs(json_value) > LARGEST_AMOUNT:
        is_number = False
    text = str(json_value) if is_number else ""
    if not re.fullmatch(r"[1-9][0-9]{0,15}", text, re.ASCII) or int(text) > most:
        raise NotAProof(f"{name} must be a whole number from 1 to {most}")
    return int(text)


def _bytes(json_value: object, name: str, least: int, most: int) -> bytes:
    decoded = _decode(_text(json_value, name, r"[A-Za-z0-9+/]{0,64}={0,2}"))
    if decoded is None or not least <= len(decoded) <= most:
        raise NotAProof(f"{name} is malformed or has a wrong length")
    return decoded


def main() -> int:
    parser = argparse.ArgumentParser(description="Checks the proof of a sprinkle.")
    parser.add_argument(
        "file", type=Path, help="the answer of GetSprinkleProof, as JSON; with --lines one on each line"
    )
    parser.add_argument("--commitment", help="what was shown before the first claim, as base64")
    parser.add_argument("--user", type=int, help="you")
    parser.add_argument("--nonce", default="", help="what you sent with your claim, as base64")
    parser.add_argument("--lines", action="store_true", help="checks many proofs")
    options = parser.parse_args()
    text = options.file.read_text(encoding="utf-8")
    bad = 0
    proofs = text.splitlines() if options.lines else [text]
    for number, proof in enumerate(proofs, 1):
        try:
            parsed = json.loads(proof)
        except (ValueError, RecursionError):
            parsed = None
        verdict = verify_sprinkle(parsed, commitment=options.commitment, user_id=options.user, nonce=options.nonce)
        bad += not verdict.is_proven
        for problem in verdict.problems:
            print(f"line {number}: {problem}" if options.lines else problem)
        if verdict.hidden and not options.lines:
            print(f"{verdict.hidden} claims are without their users: what those added only they can check.")
    print(f"{len(proofs) - bad} of {len(proofs)} proven")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
