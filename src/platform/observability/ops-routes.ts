import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import { z } from 'zod';
import type { AccessRule } from '../http/access.js';
import type { OperationDescription } from '../http/operation.js';
import { type Health, healthShape } from './health.js';

const TAG = 'Operations';

const LIVE: OperationDescription = {
  id: 'getLiveness',
  tag: TAG,
  summary: 'Whether the process answers',
  answers: { 200: { description: 'It does', body: z.object({ status: z.literal('up') }) } },
  asksStores: false,
};

const READY: OperationDescription = {
  id: 'getReadiness',
  tag: TAG,
  summary: 'Whether the process can work',
  description: 'What is down is named only where nobody but operators can ask.',
  answers: {
    200: { description: 'It can', body: healthShape },
    503: { description: 'Something it needs is down, or it is about to stop', body: healthShape },
  },
  asksStores: false,
};

const METRICS: OperationDescription = {
  id: 'getMetrics',
  tag: TAG,
  summary: 'What Prometheus collects',
  answers: { 200: { description: 'Prometheus text', text: 'text/plain' } },
  asksStores: false,
};

export interface OpsRoutes {
  registry: Registry;
  checkHealth: () => Promise<Health>;
  isDraining: () => boolean;
}

/** `GET /health/live` and `/health/ready`. `detailed` says whether the answer names what is down. */
export function registerHealth(server: FastifyInstance, ops: OpsRoutes, { detailed }: { detailed: boolean }): void {
  const access = 'public';
  server.get('/health/live', { config: { access, operation: LIVE } }, () => ({ status: 'up' }));
  server.get('/health/ready', { config: { access, operation: READY } }, async (_, reply) => {
    const { status, dependencies } = await ops.checkHealth();
    const isReady = status === 'up' && !ops.isDraining();
    reply.code(isReady ? 200 : 503);
    return { status: isReady ? 'up' : 'down', ...(detailed && { dependencies }) };
  });
}

/** `GET /metrics`: Prometheus text. */
export function registerMetrics(server: FastifyInstance, { registry }: OpsRoutes, access: AccessRule): void {
  server.get('/metrics', { config: { access, operation: METRICS } }, async (_, reply) => {
    reply.type(registry.contentType);
    return registry.metrics();
  });
}
