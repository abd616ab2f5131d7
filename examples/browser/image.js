// Images as arrays of pixels: { height, width, pixels }, RGB interleaved.

const COEFFICIENT_BITS = 11;

/**
 * The pixels of an image file.
 *
 * @param {Blob} file
 * @throws {Error} If it cannot be read.
 */
export async function readImage(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(
        file, {colorSpaceConversion: 'none', premultiplyAlpha: 'none'});
  } catch (error) {
    throw new Error(`${file.name} is no image, or is damaged`);
  }
  const {height, width} = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', {willReadFrequently: true});
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const {data} = context.getImageData(0, 0, width, height);
  const pixels = new Uint8Array(3 * height * width);
  for (let i = 0; i < height * width; ++i)
    for (let c = 0; c < 3; ++c) pixels[3 * i + c] = data[4 * i + c];
  return {height, width, pixels};
}

/** Where each pixel of an axis of the result lies among those of the image,
 * with weights of 11 fractional bits. OpenCV gives the first and the last
 * pixel of a row all the weight; between rows the weights stay. */
function places(from, to, alongARow) {
  const half = 1 << (COEFFICIENT_BITS - 1), one = 2 * half;
  const fixed = (weight) => {  // to the nearest, of two the even one
    const scaled = Math.fround(weight * one), below = Math.floor(scaled);
    const rest = scaled - below;
    return below + (rest > 0.5 || (rest === 0.5 && below % 2) ? 1 : 0);
  };
  const inside = (x) => Math.min(Math.max(x, 0), from - 1);
  return Array.from({length: to}, (_, i) => {
    const place = Math.fround((i + 0.5) * (from / to) - 0.5);
    const before = Math.floor(place);
    let weight = Math.fround(place - before);
    if (alongARow && (before < 0 || before >= from - 1)) weight = 0;
    return {
      before: inside(before),
      after: inside(before + 1),
      beforeWeight: fixed(Math.fround(1 - weight)),
      afterWeight: fixed(weight),
    };
  });
}

/** Scaled bilinearly, to the pixels that OpenCV gives. */
export function resized(image, height, width) {
  if (height === image.height && width === image.width) return image;
  const columns = places(image.width, width, true);
  const line = (row) => {
    const from = 3 * row * image.width, to = new Int32Array(3 * width);
    columns.forEach((place, x) => {
      for (let c = 0; c < 3; ++c)
        to[3 * x + c] =
            image.pixels[from + 3 * place.before + c] * place.beforeWeight +
            image.pixels[from + 3 * place.after + c] * place.afterWeight;
    });
    return to;
  };
  const pixels = new Uint8Array(3 * height * width);
  places(image.height, height, false).forEach((place, y) => {
    const above = line(place.before), below = line(place.after);
    for (let x = 0; x < 3 * width; ++x) {
      const sum = (place.beforeWeight * (above[x] >> 4) >> 16) +
                  (place.afterWeight * (below[x] >> 4) >> 16);
      pixels[3 * width * y + x] = (sum + 2) >> 2;
    }
  });
  return {height, width, pixels};
}

/** Plane after plane, in the order of the channels that a model asks for. */
export function planes(image, channels) {
  const area = image.height * image.width;
  const result = new Uint8Array(3 * area);
  for (let c = 0; c < 3; ++c) {
    const from = channels === 'BGR' ? 2 - c : c;
    for (let i = 0; i < area; ++i)
      result[c * area + i] = image.pixels[3 * i + from];
  }
  return result;
}
