import { Corner } from '../support/corner.js';
import {
  CARELESS_CHECKS,
  plant,
  RELEASE_STOCK,
  RESERVE_STOCK,
  WRONG_DECISIONS,
  WRONG_RELEASES,
} from './planted-bugs.js';
import { ScriptProcesses } from './processes.js';
import { decidesAsTheModelDoes, refusesMalformedCalls } from './reserve-properties.js';
import { isRefuted } from './runs.js';
import { scenarios } from './stock-commands.js';

/** About five times what the best hidden of them needs. */
const RUNS_MAX = 400;

describe('the properties of reserving and giving back stock', () => {
  let corner: Corner;
  beforeAll(async () => (corner = await Corner.open()));
  afterAll(() => corner.close());

  it.each(Object.entries(WRONG_DECISIONS))('are refuted when %s', async (_, bug) => {
    const scripts = { reserve: plant(bug), release: RELEASE_STOCK };
    const property = decidesAsTheModelDoes(corner, scenarios, { processes: () => new ScriptProcesses(scripts) });

    expect(await isRefuted(property, RUNS_MAX)).toBe(true);
  });

  it.each(Object.entries(WRONG_RELEASES))('are refuted when %s', async (_, bug) => {
    const scripts = { reserve: RESERVE_STOCK, release: plant(bug, RELEASE_STOCK) };
    const property = decidesAsTheModelDoes(corner, scenarios, { processes: () => new ScriptProcesses(scripts) });

    expect(await isRefuted(property, RUNS_MAX)).toBe(true);
  });

  it.each(Object.entries(CARELESS_CHECKS))('are refuted when %s', async (_, bug) => {
    expect(await isRefuted(refusesMalformedCalls(corner, plant(bug)), RUNS_MAX)).toBe(true);
  });
});
