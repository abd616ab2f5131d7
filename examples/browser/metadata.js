// What a file of tools/export.py says of itself. ONNX Runtime's web edition
// does not tell; the entry is found in the file, which is a protobuf.

const KEY = 'iptq_mm';
const METADATA_PROPS = 14;  // of ModelProto
const ENTRY_KEY = 1, ENTRY_VALUE = 2;

/** The length-delimited fields of a message: [number, bytes]. */
function* fields(bytes) {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let factor = 1; at < bytes.length; factor *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    throw new RangeError('the file ends within a number');
  };
  while (at < bytes.length) {
    const tag = varint(), kind = tag & 7;
    if (kind === 2) {
      const size = varint();
      yield [Math.floor(tag / 8), bytes.subarray(at, at + size)];
      at += size;
    } else if (kind === 0) {
      varint();
    } else if (kind === 1 || kind === 5) {
      at += kind === 1 ? 8 : 4;
    } else {
      throw new RangeError(`a field of kind ${kind}`);
    }
  }
}

/**
 * The description in a file.
 *
 * @param {Uint8Array} file
 * @returns {object} `inputs`, `outputs`, `size`, `normalization`, `resize`,
 *     `classes`, ...; see docs/deployment.md.
 * @throws {Error} If it is no file of tools/export.py.
 */
export function description(file) {
  const text = new TextDecoder();
  try {
    for (const [number, entry] of fields(file)) {
      if (number !== METADATA_PROPS) continue;
      const pair = Object.fromEntries(fields(entry));
      if (text.decode(pair[ENTRY_KEY]) === KEY)
        return JSON.parse(text.decode(pair[ENTRY_VALUE]));
    }
  } catch (error) {
    throw new Error(`this is no ONNX file, or it is damaged (${error.message})`);
  }
  throw new Error('the file has no metadata iptq_mm: write it with ' +
                  'tools/export.py');
}
