"""Signs what the test gives, in JSON on stdin, and prints the signatures."""

import base64
import json
import sys

import ppuri

given = json.load(sys.stdin)


def key_of(key: dict[str, str]) -> ppuri.SigningKey:
    if "pem" in key:
        return ppuri.ed25519_key(key["keyId"], key["pem"])
    return ppuri.HmacKey(key["keyId"], base64.b64decode(key["secret"]))


def signed(request: dict[str, object]) -> dict[str, str]:
    return ppuri.sign_request(
        method=str(request["method"]),
        path=str(request["path"]),
        query=str(request["query"]),
        headers=dict(request["headers"]),  # type: ignore[call-overload]
        body=base64.b64decode(str(request["body"])),
        key=key_of(request["key"]),  # type: ignore[arg-type]
        created=int(str(request["created"])),
        nonce=str(request["nonce"]),
    )


vectors = [
    base64.b64encode(key_of(vector["key"]).sign(vector["base"].encode())).decode() for vector in given["vectors"]
]
print(json.dumps({"vectors": vectors, "requests": [signed(request) for request in given["requests"]]}))
