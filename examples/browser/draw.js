// Pictures of what was found.

const COLOURS = [[230, 25, 75], [60, 180, 75], [255, 225, 25], [0, 130, 200],
                 [245, 130, 48], [145, 30, 180], [70, 240, 240], [240, 50, 230]];

/**
 * An image with boxes and masks.
 *
 * @param {HTMLCanvasElement} canvas Becomes as large as the image.
 * @param {object} image Of image.js.
 * @param {object[]} found Of `Model.find`, what is to be drawn of it.
 */
export function draw(canvas, image, found) {
  const {height, width, pixels} = image;
  Object.assign(canvas, {height, width});
  const context = canvas.getContext('2d');
  const picture = context.createImageData(width, height);
  for (let i = 0; i < height * width; ++i) {
    for (let c = 0; c < 3; ++c) picture.data[4 * i + c] = pixels[3 * i + c];
    picture.data[4 * i + 3] = 255;
  }
  // The best are drawn last, above the others.
  const boxes = [...found.entries()].filter(([, {box}]) => box).reverse();
  for (const [i, {mask}] of boxes)
    for (let at = 0; mask && at < mask.length; ++at)
      for (let c = 0; mask[at] && c < 3; ++c)
        picture.data[4 * at + c] = (picture.data[4 * at + c] >> 1) +
                                   (COLOURS[i % COLOURS.length][c] >> 1);
  context.putImageData(picture, 0, 0);
  for (const [i, {box: [left, top, right, bottom]}] of boxes) {
    context.strokeStyle = `rgb(${COLOURS[i % COLOURS.length]})`;
    context.strokeRect(left + 0.5, top + 0.5, right - left, bottom - top);
  }
}
