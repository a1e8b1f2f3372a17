// Protobuf messages, by the FileDescriptorSet that the file carries. Names stay as the .proto has them.

import protobuf from 'protobufjs';
import 'protobufjs/ext/descriptor.js';

/** @throws Error where the descriptors cannot be parsed or lack the message */
export function protobufDecoder(descriptors: Uint8Array, name: string): (data: Uint8Array) => unknown {
  const type = protobuf.Root.fromDescriptor(descriptors, { keepCase: true }).lookupType(name);
  // A field that is not in the bytes has its default in proto3, and so stands in the object.
  return (data) => type.toObject(type.decode(data), { longs: Number, enums: Number, defaults: true, arrays: true });
}
