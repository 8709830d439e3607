import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findNeighbours, rememberBehaviour } from '../../load-tests/run/neighbours.mjs';
import { SCENARIOS } from '../../load-tests/run/scenarios.mjs';
import { startSimulator } from '../../src/simulator/start-simulator.js';
import { silent } from '../support/lane-parts.js';
import { privateDirectory, removeDirectory } from '../support/private-directory.js';

const BASE_URL = 'http://127.0.0.1:3000';

describe('load scripts', () => {
  it('are all listed, and no other', () => {
    const files = readdirSync('load-tests').filter((file) => file.endsWith('.ts'));

    expect(Object.keys(SCENARIOS).sort()).toEqual(files.map((file) => file.replace(/\.ts$/, '')).sort());
  });

  it('are all explained in load-tests/README.md, and no other', () => {
    const readme = readFileSync('load-tests/README.md', 'utf8');
    const section = /## What each script proves\n(.*?)\n## /s.exec(readme)?.[1] ?? '';
    const rows = section.matchAll(/^\| `([a-z-]+)` /gm);

    expect([...rows].map(([, name]) => name).sort()).toEqual(Object.keys(SCENARIOS).sort());
  });

  it('name in their sale the variable that is no number', () => {
    expect(() => SCENARIOS.soak?.sale({ STOCK: 'many' })).toThrow('STOCK must be a whole number');
  });
});

describe('what runs beside the API', () => {
  let directory: string;
  beforeEach(() => {
    directory = privateDirectory();
  });
  afterEach(() => removeDirectory(directory));

  it('is found where npm start has left its ports', () => {
    for (const [role, port] of Object.entries({ simulator: 20_001, persistence: 20_002, money: 20_003 })) {
      writeFileSync(join(directory, `${role}.port`), `${port}\n`);
    }

    expect(findNeighbours({}, { baseUrl: BASE_URL, directory })).toEqual({
      simulatorUrl: 'http://127.0.0.1:20001',
      metricsUrls:
        'api=http://127.0.0.1:3000/metrics,persistence=http://127.0.0.1:20002/metrics,money=http://127.0.0.1:20003/metrics',
    });
  });

  it('is only the API where nothing was started by npm start', () => {
    expect(findNeighbours({}, { baseUrl: BASE_URL, directory })).toEqual({
      simulatorUrl: undefined,
      metricsUrls: 'api=http://127.0.0.1:3000/metrics',
    });
  });

  it('is what the environment says, whatever was left there', () => {
    writeFileSync(join(directory, 'simulator.port'), '20001\n');
    const env = { SIMULATOR_URL: 'http://gateway', METRICS_URLS: 'api=http://api/metrics' };

    expect(findNeighbours(env, { baseUrl: BASE_URL, directory })).toEqual({
      simulatorUrl: 'http://gateway',
      metricsUrls: 'api=http://api/metrics',
    });
  });

  it('behaves after a run as it did before', async () => {
    const simulator = await startSimulator({
      host: '127.0.0.1',
      port: 0,
      webhookUrl: 'http://127.0.0.1:9/',
      webhookSecret: 'nobody listens to what is signed with it',
      directory,
      behaviour: { pays: { probability: 0.5, delayMs: [1, 2] }, fails: { probability: 0.25 } },
      logger: silent,
    });
    const behaviour = async (): Promise<unknown> => (await fetch(`${simulator.url}/behaviour`)).json();
    const before = await behaviour();

    const gateway = await rememberBehaviour(simulator.url);
    simulator.setBehaviour({ hangs: { probability: 1 } });
    await gateway.restore();

    expect(await behaviour()).toEqual(before);
    await simulator.close();
    await expect(rememberBehaviour(simulator.url)).rejects.toThrow();
  });
});
