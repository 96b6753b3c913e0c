"""The classes of the messages, made of their descriptors in a pool of their own.

Protobuf's default pool is one for the whole process and refuses a second file of the same name, so a program could not
also import another package that brings wallet.v2, buf/validate or google/api.
"""

from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message_factory import GetMessageClass

from ._gen.descriptors import DESCRIPTORS


def _load() -> DescriptorPool:
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(DESCRIPTORS).file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool


POOL = _load()


def message(name: str) -> Any:
    """The class of a message, by its full name."""
    return GetMessageClass(POOL.FindMessageTypeByName(name))


def enum(name: str) -> Any:
    """An enum, by its full name, as protoc's Python code has enums."""
    return EnumTypeWrapper(POOL.FindEnumTypeByName(name))
