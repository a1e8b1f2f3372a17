// From a message's bytes to its fields: JSON, CDR by its definition, or Protobuf by its descriptors.

import { DataError } from '../../src/base/errors.js';
import { cdrDecoder } from './cdr.js';
import type { McapChannel } from './mcap.js';
import { protobufDecoder } from './protobuf.js';

export type Decoder = (data: Uint8Array) => unknown;

/** @throws DataError naming the encodings that are read, where the channel has another or its schema is damaged */
export function decoderOf(channel: McapChannel, path: string): Decoder {
  const { topic, messageEncoding, schemaEncoding, schemaData, schemaName } = channel;
  const where = `${path}: ${topic}`;
  const pair = `${messageEncoding} with ${schemaEncoding || 'no'} schema`;
  try {
    if (messageEncoding === 'json') {
      const text = new TextDecoder();
      return (data) => JSON.parse(text.decode(data));
    }
    if (messageEncoding === 'cdr' && schemaEncoding === 'ros2msg') return cdrDecoder(schemaData);
    if (messageEncoding === 'protobuf' && schemaEncoding === 'protobuf') return protobufDecoder(schemaData, schemaName);
  } catch (error) {
    const found = (error as Error).message;
    throw new DataError({ where, what: `schema of ${schemaName} cannot be read`, found }, { cause: error });
  }
  throw new DataError({
    where,
    what: `encoding of ${schemaName || 'its messages'}`,
    expected: 'json, cdr with ros2msg schema, or protobuf with protobuf schema',
    found: pair,
    fix:
      schemaEncoding === 'ros2idl'
        ? 'Record again where the .msg definitions are installed: the bag then carries them instead of IDL'
        : 'Convert the file with the tool that wrote it',
  });
}
