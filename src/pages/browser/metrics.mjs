/** @typedef {{ labels: Record<string, string>, value: number }} Sample */

/**
 * The samples of one metric.
 *
 * @param {string} text Prometheus' text format
 * @param {string} name
 * @returns {Sample[]}
 */
export function samplesOf(text, name) {
  const line = new RegExp(`^${name}(?:\\{([^}]*)\\})? (\\S+)`, 'gm');
  return [...text.matchAll(line)].map(([, labels = '', value]) => ({
    labels: Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, word]) => [key, word])),
    value: Number(value),
  }));
}

/**
 * @param {Sample[]} samples
 * @returns {number | null} null when there is none
 */
export const sum = (samples) => (samples.length === 0 ? null : samples.reduce((total, { value }) => total + value, 0));
