"""The Sparkplug payload in Google's protocol buffers: the peer that our own bytes are held to."""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message as ProtobufMessage

_TYPES = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "uint64": _TYPES.TYPE_UINT64,
    "uint32": _TYPES.TYPE_UINT32,
    "string": _TYPES.TYPE_STRING,
    "bool": _TYPES.TYPE_BOOL,
    "float": _TYPES.TYPE_FLOAT,
    "double": _TYPES.TYPE_DOUBLE,
    "bytes": _TYPES.TYPE_BYTES,
}
_MESSAGES = {
    "PropertyValue": [
        (1, "type", "uint32", ""),
        (2, "is_null", "bool", ""),
        (3, "int_value", "uint32", ""),
        (4, "long_value", "uint64", ""),
        (8, "string_value", "string", ""),
    ],
    "PropertySet": [(1, "keys", "string", "*"), (2, "values", "PropertyValue", "*")],
    "Metric": [
        (1, "name", "string", ""),
        (2, "alias", "uint64", ""),
        (3, "timestamp", "uint64", ""),
        (4, "datatype", "uint32", ""),
        (5, "is_historical", "bool", ""),
        (6, "is_transient", "bool", ""),
        (7, "is_null", "bool", ""),
        (9, "properties", "PropertySet", ""),
        (10, "int_value", "uint32", ""),
        (11, "long_value", "uint64", ""),
        (12, "float_value", "float", ""),
        (13, "double_value", "double", ""),
        (14, "boolean_value", "bool", ""),
        (15, "string_value", "string", ""),
        (16, "bytes_value", "bytes", ""),
    ],
    "Payload": [
        (1, "timestamp", "uint64", ""),
        (2, "metrics", "Metric", "*"),
        (3, "seq", "uint64", ""),
        (4, "uuid", "string", ""),
        (5, "body", "bytes", ""),
    ],
}
"""Field numbers of the Sparkplug 3.0.0 specification, section 6.4."""


def _message_class() -> type[ProtobufMessage]:
    file = descriptor_pb2.FileDescriptorProto(name="spb.proto", package="spb", syntax="proto2")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, field, kind, many in fields:
            label = _TYPES.LABEL_REPEATED if many else _TYPES.LABEL_OPTIONAL
            if kind in _SCALARS:
                message.field.add(name=field, number=number, label=label, type=_SCALARS[kind])
            else:
                message.field.add(
                    name=field,
                    number=number,
                    label=label,
                    type=_TYPES.TYPE_MESSAGE,
                    type_name=f".spb.{kind}",
                )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = pool.FindMessageTypeByName("spb.Payload")
    return message_factory.GetMessageClass(found)


PayloadMessage = _message_class()
