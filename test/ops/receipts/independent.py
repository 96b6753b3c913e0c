"""Checks roots and proofs of inclusion with pymerkle: its own tree has the same, and its verifier accepts them, changed ones not."""

import json
import sys

from pymerkle import InmemoryTree, verify_consistency, verify_inclusion
from pymerkle.proof import InclusionProof, InvalidProof

log = json.load(sys.stdin)
tree = InmemoryTree(algorithm="sha256")
for text in log["leaves"]:
    tree.append_entry(text.encode())


def refused(check) -> bool:
    try:
        check()
    except InvalidProof:
        return True
    return False


for case in log["inclusion"]:
    index, size, root = case["index"] + 1, case["size"], bytes.fromhex(case["root"])
    assert tree.get_root(size) == root, f"the root of {size}"
    path = [tree.get_leaf(index), *map(bytes.fromhex, case["proof"])]
    own = tree.prove_inclusion(index, size)
    assert own.path == path, f"the proof of {index} in {size}"
    proof = InclusionProof("sha256", True, size, index, own.rule, path)
    verify_inclusion(path[0], root, proof, index=index, size=size)
    assert refused(lambda: verify_inclusion(path[0], bytes(32), proof, index=index, size=size))

for case in log["consistency"]:
    # Its proofs of consistency have another form than RFC 9162, 2.1.4; they hold between our roots, and between no others.
    sizes, roots = (case["from"], case["to"]), (bytes.fromhex(case["from_root"]), bytes.fromhex(case["to_root"]))
    proof = tree.prove_consistency(*sizes)
    verify_consistency(*roots, proof, prior_size=sizes[0], later_size=sizes[1])
    assert refused(lambda: verify_consistency(roots[0], bytes(32), proof))

print(f"{len(log['inclusion'])} proofs, {len(log['consistency'])} pairs of roots")
