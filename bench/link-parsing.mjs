// How many links a second one core parses. Run: node --conditions=@stowage/source bench/link-parsing.mjs (or plainly, after a build).
// The goal is 1,000,000 a second; each figure is the median of seven rounds after two that warm up.
import { formatLink, parseLink, tryParseLink } from '@stowage/core';

const COUNT = 200_000;
const ROUNDS = 7;
const WARM_UP = 2;

const kinds = {
  'short s3 keys': (i) => `s3://cars_2020_20_10/images/${i}.jpg`,
  'deep keys, spaces, % and dots': (i) => `azure://boats/images/original/P/a/kn/.cache/the boat %20 ${i}?v=1#top.jpeg`,
  'unicode keys': (i) => `google://planes/самолёты/飛行機/${i} 😀.png`,
  'https, left as they are': (i) => `https://example.org/pictures/${i}.jpg?size=large`,
  'https of stores, rewritten': (i) => `https://cars.s3.eu-central-1.amazonaws.com/images/the%20car%20${i}.jpg`,
  faults: (i) => `s3://cars/a/../${i}`,
};

console.log(`${COUNT.toLocaleString('en')} links a round, median of ${ROUNDS} rounds, node ${process.version}`);
for (const [kind, make] of Object.entries(kinds)) {
  const links = Array.from({ length: COUNT }, (_, i) => flat(make(i)));
  const options = { rewriteStoreUrls: kind.includes('rewritten') };
  const expected = kind === 'faults' ? 0 : COUNT;
  report(kind, 'tryParseLink', links, (link) => (tryParseLink(link, options).ok ? 1 : 0), expected);
  if (kind === 'short s3 keys') {
    report(
      kind,
      'formatLink',
      links.map((link) => parseLink(link)),
      (link) => (formatLink(link).length > 0 ? 1 : 0),
      COUNT,
    );
  }
}

/** A string as a reader of lines gives it, not a rope that the first look at it flattens. */
function flat(text) {
  return Buffer.from(text).toString();
}

function report(kind, name, inputs, run, expected) {
  const rates = [];
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    const start = performance.now();
    let good = 0;
    for (const input of inputs) good += run(input);
    const seconds = (performance.now() - start) / 1_000;
    if (good !== expected) throw new Error(`${kind}: ${good} of ${inputs.length} parsed, expected ${expected}`);
    if (round >= WARM_UP) rates.push(inputs.length / seconds);
  }
  const median = rates.sort((a, b) => a - b)[Math.floor(rates.length / 2)];
  console.log(`${name.padEnd(13)} ${kind.padEnd(32)} ${Math.round(median).toLocaleString('en').padStart(12)} a second`);
}
