// What is in a ZIP file, read by its central directory (APPNOTE 4.3.12), names to contents.
import { inflateRawSync } from "node:zlib";

export function unzip(b) {
  const end = b.lastIndexOf(Buffer.from("PK\x05\x06", "latin1"));
  const files = new Map();
  let at = b.readUInt32LE(end + 16);
  for (let left = b.readUInt16LE(end + 10); left > 0; left--) {
    const [method, size, name, extra, note, from] = [10, 20, 28, 30, 32, 42].map((o, i) =>
      i === 1 || i === 5 ? b.readUInt32LE(at + o) : b.readUInt16LE(at + o),
    );
    const begin = from + 30 + b.readUInt16LE(from + 26) + b.readUInt16LE(from + 28);
    const packed = b.subarray(begin, begin + size);
    files.set(b.toString("utf8", at + 46, at + 46 + name), method ? inflateRawSync(packed) : packed);
    at += 46 + name + extra + note;
  }
  return files;
}
