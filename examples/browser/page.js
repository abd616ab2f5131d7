// The page: two files in, a picture and a table out.
import {draw} from './draw.js';
import {readImage} from './image.js';
import {Model} from './model.js';

const TOP = 5;  // classes of a classifier

const [modelInput, imageInput, least, status, result, picture, table] =
    ['model', 'image', 'least', 'status', 'result', 'picture', 'found'].map(
        (id) => document.getElementById(id));

let model = null, image = null, found = [];

function say(text, failed = false) {
  status.textContent = text;
  status.classList.toggle('failed', failed);
}

/** Runs what a person asked for; what fails is said, and nothing is lost. */
async function attempt(what, action) {
  modelInput.disabled = imageInput.disabled = true;
  say(what);
  const began = performance.now();
  try {
    const done = await action();
    say(`${done} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
  } catch (error) {
    console.info(error);
    say(error.message, true);
  }
  modelInput.disabled = false;
  imageInput.disabled = model === null;
}

function show() {
  const wanted = model.detects
      ? found.filter(({score}) => score >= Number(least.value))
      : found.slice(0, TOP);
  draw(picture, image, wanted);
  picture.setAttribute('aria-label', `${wanted.length} found`);
  table.replaceChildren(...wanted.map(({label, score, integers}) => {
    const row = document.createElement('tr');
    for (const text of [model.className(label), score.toFixed(3), integers])
      row.append(Object.assign(document.createElement('td'),
                               {textContent: text}));
    return row;
  }));
  result.hidden = false;
}

async function look(file) {
  const read = await readImage(file);
  found = await model.find(read);
  image = read;
  show();
  return `${file.name}: ${read.height} x ${read.width} pixels`;
}

modelInput.addEventListener('change', () => {
  const [file] = modelInput.files;
  if (!file) return;
  result.hidden = true;
  attempt(`Loading ${file.name}: half a minute for a detector.`, async () => {
    model = await Model.open(file);
    const {part, classes} = model.about;
    return `${file.name}: ${model.detects ? part : 'classifier'}, ` +
           `${classes ? classes.length : 'no names of'} classes. ` +
           'Open an image.';
  });
});

imageInput.addEventListener('change', () => {
  const [file] = imageInput.files;
  if (file) attempt(`Looking at ${file.name}.`, () => look(file));
});

least.addEventListener('input', () => {
  if (found.length) show();
});
