import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { parse } from 'yaml';
import { IntakeMetrics } from '../../src/intake/intake-metrics.js';
import { GatewayMetrics } from '../../src/payment/gateway-metrics.js';

interface Rule {
  alert: string;
  expr: string;
  annotations: { summary: string; runbook: string };
}
interface Panel {
  title: string;
  type: string;
  datasource?: { uid: string };
  targets?: { expr: string; datasource: { uid: string } }[];
}

const read = (path: string) => readFileSync(path, 'utf8');
const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, found = '']) => found);

const { groups } = parse(read('deploy/prometheus/alerts.yml')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(read('deploy/grafana/dashboards/stampede.json')) as { panels: Panel[] };
const panels = dashboard.panels.filter(({ type }) => type !== 'row');
const shown = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const));

/** What our processes show, a histogram under three names, and what Prometheus makes itself. */
function knownMetrics(): Set<string> {
  const source = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => read(join('src', path)))
    .join('');
  const histograms = all(source, /new Histogram\(\{\s*name: '(stampede_\w+)'/g);
  const single = all(source, /'(stampede_\w+)'/g).filter((name) => !histograms.includes(name));
  const parts = histograms.flatMap((name) => [`${name}_bucket`, `${name}_sum`, `${name}_count`]);
  const register = new Registry();
  collectDefaultMetrics({ register });
  const ofNode = register.getMetricsAsArray().map(({ name }) => name);
  return new Set([...single, ...parts, ...ofNode, 'up', 'ALERTS']);
}

/** Every name of an expression that is neither a function, a keyword nor a label. */
const metricsOf = (expression: string) =>
  all(
    expression
      .replace(/\{[^}]*\}|\[[^\]]*\]/g, ' ')
      .replace(/\b(?:by|without|on|ignoring)\s*\([^)]*\)/g, ' ')
      .replace(/\b(?:and|or|unless|bool|offset)\b/g, ' '),
    /\b([a-zA-Z_]\w*)\b(?!\s*\()/g,
  );

/** Of a heading, as GitHub makes it. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');

describe('the dashboard and the alerts', () => {
  it.each([...shown, ...rules.map(({ alert, expr }) => [alert, expr] as const)])(
    '%s: asks only for metrics that the code has: %s',
    (_, expression) => {
      const asked = metricsOf(expression);
      const known = knownMetrics();
      expect(asked).not.toHaveLength(0);
      expect(asked.filter((name) => !known.has(name))).toEqual([]);
    },
  );

  it('ask the data source that is provisioned', () => {
    const { datasources } = parse(read('deploy/grafana/provisioning/datasources/prometheus.yml')) as {
      datasources: { uid: string }[];
    };
    const asked = panels.flatMap(({ datasource, targets = [] }) => [
      datasource,
      ...targets.map((one) => one.datasource),
    ]);
    expect(new Set(asked.map((one) => one?.uid))).toEqual(new Set(datasources.map(({ uid }) => uid)));
  });

  it('have no panel without a question, and none over another', () => {
    expect(panels.filter(({ targets = [] }) => targets.length === 0)).toEqual([]);
    const ids = dashboard.panels.map((panel) => (panel as unknown as { id: number }).id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('a counter that alarms', () => {
  it.each([
    'stampede_order_requests_total{outcome="store_unavailable"} 0',
    'stampede_order_requests_total{outcome="outcome_unknown"} 0',
    'stampede_order_requests_total{outcome="unavailable"} 0',
    'stampede_gateway_breaker_transitions_total{gateway="http",to="open"} 0',
    'stampede_gateway_breaker_transitions_total{gateway="http",to="closed"} 0',
  ])('is there before it rises for the first time: %s', async (line) => {
    const registry = new Registry();
    new IntakeMetrics(registry);
    new GatewayMetrics(registry, 'http');
    expect((await registry.metrics()).split('\n')).toContain(line);
  });
});

describe('every alert', () => {
  it.each(rules)('$alert has a runbook that exists: $annotations.runbook', ({ annotations }) => {
    const [path = '', anchor] = annotations.runbook.split('#');
    expect(all(read(path), /^#+ (.+)$/gm).map(anchorOf)).toContain(anchor);
  });

  it('stands in the table of docs/OPERATIONS.md, and no other does', () => {
    const section = read('docs/OPERATIONS.md').split('\n## Dashboards and alerts\n')[1]?.split('\n## ')[0] ?? '';
    expect(all(section, /^\| `([A-Z]\w+)`/gm).sort()).toEqual(rules.map(({ alert }) => alert).sort());
  });

  it('together they watch every metric that docs/OPERATIONS.md says to watch', () => {
    const table = read('docs/OPERATIONS.md').split('\n## Metrics to watch\n')[1]?.split('\n## ')[0] ?? '';
    const watched = rules.map(({ expr }) => expr).join(' ');
    expect(all(table, /^\| `(stampede_\w+)`/gm).filter((metric) => !watched.includes(metric))).toEqual([]);
  });
});
