/** A metric of one step, such as `answer_ms{scenario:at_400}` (breakpoint.ts). */
const OF_STEP = /^(\w+)\{scenario:at_(\d+)\}$/;

/**
 * What a run that finds the limit has found.
 *
 * @returns {{ perSecond?: number, brokenAt?: number, because: string[] }} the highest step at which all was well, with all
 * before it; the step at which it was not, and the thresholds that broke there. No `brokenAt`: no step broke.
 */
export function findLimit({ metrics }) {
  const reached = new Map();
  for (const [metric, { values, thresholds = {} }] of Object.entries(metrics)) {
    const [, name, rate] = OF_STEP.exec(metric) ?? [];
    if (!name) continue;
    const step = reached.get(Number(rate)) ?? { came: 0, because: [] };
    if (name === 'buyers_came') step.came = values.count;
    for (const [rule, { ok }] of Object.entries(thresholds)) if (!ok) step.because.push(describe(name, rule, values));
    reached.set(Number(rate), step);
  }
  return judge([...reached].filter(([, { came }]) => came > 0).sort(([a], [b]) => a - b));
}

/** Whether a threshold judges a step, and not the run. */
export const isOfStep = (metric) => OF_STEP.test(metric);

function judge(steps) {
  const broken = steps.findIndex(([, { because }]) => because.length > 0);
  const well = broken < 0 ? steps : steps.slice(0, broken);
  const [brokenAt, { because } = { because: [] }] = steps[broken] ?? [];
  return { perSecond: well.at(-1)?.[0], brokenAt, because };
}

function describe(name, rule, values) {
  const value = values['p(95)'] ?? values.count;
  return `${name} ${rule}, but it was ${Math.round(value)}`;
}
