// ROS 2 messages in CDR, by the definition that the file carries (ros2msg: the .msg text and those it names).

import { parse } from '@foxglove/rosmsg';
import { MessageReader } from '@foxglove/rosmsg2-serialization';

/** @throws Error where the definition cannot be parsed */
export function cdrDecoder(definition: Uint8Array): (data: Uint8Array) => unknown {
  const reader = new MessageReader(parse(new TextDecoder().decode(definition), { ros2: true }));
  return (data) => reader.readMessage(data);
}
