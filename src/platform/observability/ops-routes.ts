import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import type { AccessRule } from '../http/access.js';
import type { Health } from './health.js';

export interface OpsRoutes {
  registry: Registry;
  checkHealth: () => Promise<Health>;
  isDraining: () => boolean;
}

/** `GET /health/live` and `/health/ready`. `detailed` says whether the answer names what is down. */
export function registerHealth(server: FastifyInstance, ops: OpsRoutes, { detailed }: { detailed: boolean }): void {
  const config = { access: 'public' as const };
  server.get('/health/live', { config }, () => ({ status: 'up' }));
  server.get('/health/ready', { config }, async (_, reply) => {
    const { status, dependencies } = await ops.checkHealth();
    const isReady = status === 'up' && !ops.isDraining();
    reply.code(isReady ? 200 : 503);
    return { status: isReady ? 'up' : 'down', ...(detailed && { dependencies }) };
  });
}

/** `GET /metrics`: Prometheus text. */
export function registerMetrics(server: FastifyInstance, { registry }: OpsRoutes, access: AccessRule): void {
  server.get('/metrics', { config: { access } }, async (_, reply) => {
    reply.type(registry.contentType);
    return registry.metrics();
  });
}
