import { h, write } from './dom.mjs';
import { number } from './format.mjs';

const [WIDTH, HEIGHT] = [600, 140];

/** At one sample every two seconds, four minutes. */
const SAMPLES_MAX = 120;

/**
 * A line of the last samples, drawn as SVG: one shape on one scale is no work for a library, and it takes the page's colours.
 */
export class Chart {
  /** @type {(number | null)[]} null: not known */
  #samples = [];
  #line = svg('path', { class: 'line' });
  #area = svg('path', { class: 'area' });
  #now = h('strong', {}, '–');
  #top = h('span', { class: 'top' });
  #picture;
  #title;

  /**
   * @param {string} title
   * @param {string} unit
   */
  constructor(title, unit) {
    this.#title = title;
    this.#picture = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img' });
    const half = svg('path', { class: 'grid', d: `M0 ${HEIGHT / 2}H${WIDTH}M0 0.5H${WIDTH}` });
    this.#picture.append(half, this.#area, this.#line);
    this.element = h(
      'figure',
      { class: 'card chart' },
      h('figcaption', {}, h('span', {}, title), this.#now, h('span', { class: 'fine' }, unit)),
      h('div', { class: 'plot' }, this.#top, this.#picture),
    );
    this.#draw();
  }

  /** @param {number | null} value */
  add(value) {
    this.#samples = [...this.#samples, value].slice(-SAMPLES_MAX);
    this.#draw();
  }

  #draw() {
    const known = this.#samples.filter((value) => value !== null);
    const highest = Math.max(0, ...known);
    const top = roundUp(highest);
    const now = this.#samples.at(-1) ?? null;
    write(this.#now, now === null ? '–' : number(round(now)));
    write(this.#top, number(top));
    this.#picture.setAttribute(
      'aria-label',
      `${this.#title}: now ${now === null ? 'not known' : round(now)}, at most ${round(highest)} in the last four minutes`,
    );
    const runs = this.#runs(top);
    this.#line.setAttribute('d', runs.map((points) => `M${points.join('L')}`).join(''));
    this.#area.setAttribute(
      'd',
      runs.map((points) => `M${points[0]?.split(' ')[0]} ${HEIGHT}L${points.join('L')}V${HEIGHT}Z`).join(''),
    );
  }

  /**
   * Points `x y` of each stretch without a gap; the newest sample stands at the right.
   *
   * @param {number} top
   */
  #runs(top) {
    /** @type {string[][]} */
    const runs = [[]];
    this.#samples.forEach((value, index) => {
      if (value === null) return runs.push([]);
      const x = WIDTH - ((this.#samples.length - 1 - index) * WIDTH) / (SAMPLES_MAX - 1);
      return runs.at(-1)?.push(`${x.toFixed(1)} ${(HEIGHT - 2 - (value / top) * (HEIGHT - 6)).toFixed(1)}`);
    });
    return runs.filter((points) => points.length > 0);
  }
}

/** @param {number} value */
const round = (value) => (value < 10 ? Math.round(value * 10) / 10 : Math.round(value));

/** The next of 10, 20, 50, 100, 200 … @param {number} value */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(10, value)));
  return power * ([1, 2, 5].find((step) => step * power >= value) ?? 10);
}

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} attributes
 */
function svg(tag, attributes) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
