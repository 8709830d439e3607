import { Counter, Gauge, type Registry } from 'prom-client';
import type { HttpAdapter } from '../http/http-adapter.js';

/** What an API process has in hand, and what it has refused as too much: counted by the server itself, read when somebody asks. */
export function watchHttpLoad(registry: Registry, { work, connections, rates }: HttpAdapter['load']): void {
  const registers = [registry];
  new Gauge({
    name: 'stampede_http_requests_in_hand',
    help: 'Requests that were taken and are not answered; event streams do not count',
    registers,
    collect() {
      this.set(work.requests);
    },
  });
  new Gauge({
    name: 'stampede_http_connections',
    help: 'Connections of clients',
    registers,
    collect() {
      this.set(connections.open);
    },
  });
  new Counter({
    name: 'stampede_http_refused_total',
    help: 'What was refused as too much, by the limit: of work (requests, bytes), of connections, of one buyer (rate)',
    labelNames: ['limit'],
    registers,
    collect() {
      this.reset();
      this.inc({ limit: 'work' }, work.refused);
      this.inc({ limit: 'connections' }, connections.refused);
      this.inc({ limit: 'rate' }, rates?.refused ?? 0);
    },
  });
}
