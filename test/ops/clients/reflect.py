# Reads a server's contracts by reflection with Python's own client, as any Python program would, and calls an RPC that it
# knows only from there. Prints what it found as JSON.
import json
import os
import sys

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from signing import sign


class OfVersion:
    """A channel that asks another version of the reflection service; its messages are the same on the wire."""

    def __init__(self, channel, version):
        self.channel, self.version = channel, version

    def stream_stream(self, path, *args, **kwargs):
        return self.channel.stream_stream(path.replace("v1alpha", self.version), *args, **kwargs)


def describe(database):
    """Every service with its RPCs, and every message that they lead to with its fields."""
    pool = DescriptorPool(database)
    services, messages, files = {}, {}, set()

    def see(message):
        if message.full_name in messages:
            return
        messages[message.full_name] = [field.name for field in message.fields]
        see_file(message.file)
        for field in message.fields:
            if field.message_type:
                see(field.message_type)

    def see_file(file):
        if file.name not in files:
            files.add(file.name)
            assert database.FindFileByName(file.name).name == file.name
            for imported in file.dependencies:
                see_file(imported)

    for name in database.get_services():
        if name.startswith("grpc.reflection."):
            continue
        service = pool.FindServiceByName(name)
        services[name] = [method.name for method in service.methods]
        for method in service.methods:
            see(method.input_type)
            see(method.output_type)
    return {"services": services, "messages": messages, "files": sorted(files)}, pool


def call(channel, pool, service, method, fields, headers):
    """Calls an RPC with messages that are made from what reflection told."""
    method = pool.FindServiceByName(service).FindMethodByName(method)
    request = message_factory.GetMessageClass(method.input_type)(**fields)
    answer = message_factory.GetMessageClass(method.output_type)
    path = f"/{service}/{method.name}"
    body = request.SerializeToString()
    signed = sign(os.environ["KEY_ID"], os.environ["SECRET"], "POST", path, headers, body)
    rpc = channel.unary_unary(path, request_serializer=lambda _: body, response_deserializer=answer.FromString)
    return MessageToDict(rpc(request, metadata=list(signed.items()), timeout=60), preserving_proto_field_name=True)


with grpc.insecure_channel(sys.argv[1]) as channel:
    found = {}
    for version in ("v1", "v1alpha"):
        found[version], pool = describe(ProtoReflectionDescriptorDatabase(OfVersion(channel, version)))
    user = {"x-user-id": sys.argv[2]}
    found["wallet"] = call(channel, pool, "wallet.v2.WalletService", "ListWallets", {}, user)
    found["health"] = call(channel, pool, "grpc.health.v1.Health", "Check", {"service": "wallet.v2.WalletService"}, {})
    print(json.dumps(found))
