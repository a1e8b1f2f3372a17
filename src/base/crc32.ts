// CRC-32 (ISO 3309, as in zip, gzip and zlib) without Node, for what runs in a browser.

/** A checksum function with the table it needs. `before` is the checksum of the bytes that came before these. */
export function createCrc32(): (bytes: Uint8Array, before?: number) => number {
  const table = Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
    return value;
  });
  return (bytes, before = 0) => {
    let value = ~before;
    for (let at = 0; at < bytes.length; at++) value = table[(value ^ bytes[at]) & 0xff] ^ (value >>> 8);
    return ~value >>> 0;
  };
}
