// The file as the bytes that it is, a protobuf: ONNX Runtime's web edition
// tells nothing of metadata, and takes an input that may be left out for none.

const KEY = 'iptq_mm';
const METADATA_PROPS = 14, GRAPH = 7;  // of ModelProto
const ENTRY_KEY = 1, ENTRY_VALUE = 2;
const INITIALIZER = 5, TENSOR_NAME = 8;  // of GraphProto, of TensorProto
const BYTES = 2;  // kind of a field that tells its own length

const text = new TextDecoder();

/** The number at a place, seven bits a byte, and the place after it. */
function varint(bytes, at) {
  let value = 0;
  for (let factor = 1; at < bytes.length; factor *= 128) {
    const byte = bytes[at++];
    value += (byte & 127) * factor;
    if (byte < 128) return [value, at];
  }
  throw new RangeError('the file ends within a number');
}

/** The fields of a message: where each `begin`s, its `number`, and the bytes
 * `from`, `to` of what it holds. */
function* fields(message) {
  let at = 0;
  while (at < message.length) {
    const begin = at;
    let tag, size;
    [tag, at] = varint(message, at);
    const kind = tag & 7, number = Math.floor(tag / 8);
    if (kind === BYTES) [size, at] = varint(message, at);
    else if (kind === 0) size = varint(message, at)[1] - at;
    else if (kind === 1) size = 8;
    else if (kind === 5) size = 4;
    else throw new RangeError(`a field of kind ${kind}`);
    if (at + size > message.length) throw new RangeError('it ends too early');
    yield {begin, number, from: at, to: at + size};
    at += size;
  }
}

/** What the first field of a number holds. */
function held(message, number) {
  for (const field of fields(message))
    if (field.number === number)
      return message.subarray(field.from, field.to);
  return new Uint8Array();
}

/** A field that holds bytes. */
function field(number, size) {
  const bytes = [];
  for (let left of [number * 8 + BYTES, size]) {
    for (; left > 127; left = Math.floor(left / 128))
      bytes.push((left % 128) + 128);
    bytes.push(left);
  }
  return Uint8Array.from(bytes);
}

function joined(parts) {
  const result = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

/**
 * The file with an input that must be given, where it has a value of its own.
 *
 * @param {Uint8Array} file
 * @param {string} name Of the input.
 */
export function withInput(file, name) {
  for (const {begin, number, from, to} of fields(file)) {
    if (number !== GRAPH) continue;
    const graph = file.subarray(from, to);
    for (const value of fields(graph)) {
      if (value.number !== INITIALIZER) continue;
      const tensor = graph.subarray(value.from, value.to);
      if (text.decode(held(tensor, TENSOR_NAME)) !== name) continue;
      const size = graph.length - (value.to - value.begin);
      return joined([
        file.subarray(0, begin), field(GRAPH, size),
        graph.subarray(0, value.begin), graph.subarray(value.to),
        file.subarray(to),
      ]);
    }
  }
  return file;
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
  try {
    for (const {number, from, to} of fields(file)) {
      const entry = file.subarray(from, to);
      if (number === METADATA_PROPS &&
          text.decode(held(entry, ENTRY_KEY)) === KEY)
        return JSON.parse(text.decode(held(entry, ENTRY_VALUE)));
    }
  } catch (error) {
    throw new Error(`this is no ONNX file, or it is damaged (${error.message})`);
  }
  throw new Error('the file has no metadata iptq_mm: write it with ' +
                  'tools/export.py');
}
