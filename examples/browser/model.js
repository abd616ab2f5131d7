// An integer-only file in ONNX Runtime's web edition: its own functions, by
// fixed-width SIMD and one thread. Integers do not depend on the machine.
import * as ort from './node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs';

import {description, withInput} from './file.js';
import {planes, resized} from './image.js';

ort.env.wasm.numThreads = 1;
ort.env.wasm.proxy = true;  // in a worker: the page goes on answering
ort.env.logLevel = 'error';

/**
 * What became of each pixel value, channel by channel, where the model takes
 * a normalized image. Each operation is one of float32, as in IPTQ-MM.
 */
function quantized({mean, std}, scale) {
  const round = Math.fround, inverse = round(1 / scale);
  return mean.map((_, c) => Int8Array.from({length: 256}, (_, pixel) => {
    const x = round(round(pixel - round(mean[c])) / round(std[c]));
    const q = Math.floor(round(round(x * inverse) + 0.5));
    return Math.min(Math.max(q, -127), 127);
  }));
}

/** A file of tools/export.py. */
export class Model {
  /**
   * @param {Blob} file
   * @throws {Error} If it is none.
   */
  static async open(file) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const about = description(bytes);
    // Its plan of a sequential run takes ONNX Runtime minutes here.
    const options = {
      executionMode: 'parallel',
      graphOptimizationLevel: 'disabled',
      logSeverityLevel: 3,  // errors
    };
    const session = await ort.InferenceSession.create(
        withInput(bytes, 'size'), options);
    return new Model(about, session);
  }

  constructor(about, session) {
    this.about = about;
    this.session = session;
    const names = about.outputs.map((port) => port.name);
    this.detects = names.includes('boxes');
    if (!this.detects && !names.includes('logits'))
      throw new Error(`the file gives ${names.join(', ')}: export a ` +
                      'classifier or a whole detector');
  }

  className(label) {
    return this.about.classes?.[label] ?? String(label);
  }

  /** An image as large as the model takes it. */
  #scaled(image) {
    const {size, resize} = this.about;
    if (size) return resized(image, size[0], size[1]);
    if (!resize?.scale) return image;
    const [longest, shortest] = resize.scale;
    const {height, width} = image;
    const factor = Math.min(longest / Math.max(height, width),
                            shortest / Math.min(height, width));
    const side = (x) => Math.max(1, Math.floor(x * factor + 0.5));
    return resized(image, side(height), side(width));
  }

  /**
   * What is in an image.
   *
   * @returns {Promise<object[]>} Best first: `label`, `score` (0 to 1),
   *     `integers` (what examples/onnxruntime_python prints) and, of a
   *     detector, `box` in pixels and maybe `mask`, a flag for each pixel.
   */
  async find(image) {
    const outputs = await this.session.run(this.#inputs(image));
    const data = Object.fromEntries(
        Object.entries(outputs).map(([name, tensor]) => [name, tensor.data]));
    return this.detects ? this.#detections(data, image) : this.#classes(data);
  }

  #inputs(image) {
    const {inputs, normalization} = this.about;
    const {height, width} = image, seen = this.#scaled(image);
    const [{name, scale}] = inputs, area = seen.height * seen.width;
    const shape = [1, 3, seen.height, seen.width];
    const pixels = planes(seen, normalization?.channels ?? 'RGB');
    const tensor = () => {
      if (name === 'pixels') return new ort.Tensor('uint8', pixels, shape);
      const tables = quantized(normalization, scale);
      return new ort.Tensor(
          'int8',
          Int8Array.from(pixels,
                         (pixel, i) => tables[Math.floor(i / area)][pixel]),
          shape);
    };
    const original = BigInt64Array.of(BigInt(height), BigInt(width));
    return {
      [name]: tensor(),
      ...this.detects && {size: new ort.Tensor('int64', original, [2])},
    };
  }

  #classes({logits}) {
    const scale = this.about.outputs[0].scale;
    const order = [...logits.keys()].sort((a, b) => logits[b] - logits[a]);
    const shares = order.map(
        (i) => Math.exp((logits[i] - logits[order[0]]) * scale));
    const sum = shares.reduce((a, b) => a + b);
    return order.map((label, i) => ({
      label, score: shares[i] / sum, integers: `${label} ${logits[label]}`,
    }));
  }

  #detections({boxes, scores, labels, masks}, image) {
    const area = image.height * image.width;
    return Array.from(scores, (score, i) => {
      const box = Array.from(boxes.subarray(4 * i, 4 * i + 4));
      const mask = masks?.subarray(i * area, (i + 1) * area);
      const inside = mask ? mask.reduce((a, b) => a + b, 0) : 0;
      const label = Number(labels[i]);
      return {
        label,
        score: score / 2 ** 30,
        integers: [label, score, ...box, inside].join(' '),
        box: box.map((x) => x >> 8),
        mask,
      };
    });
  }
}
