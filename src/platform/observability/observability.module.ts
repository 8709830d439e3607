import {
  Global,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost, ModuleRef } from '@nestjs/core';
import { fastify, type FastifyInstance } from 'fastify';
import pg from 'pg';
import { Registry } from 'prom-client';
import { ROLE, type Role, SETTINGS } from '../../config/config.module.js';
import type { Settings } from '../../config/settings.js';
import type { HttpAdapter } from '../http/http-adapter.js';
import { RedisConnections } from '../redis/redis-connections.js';
import { checkHealth } from './health.js';
import { watchHttpLoad } from './http-metrics.js';
import { createRegistry } from './metrics.js';
import { type OpsRoutes, registerHealth, registerMetrics } from './ops-routes.js';

/**
 * Health and metrics: on the public listener of an API process, and on a listener of their own when METRICS_PORT is set,
 * which is the only one of a worker. In production the public listener shows details to nobody, and metrics to admins.
 */
@Global()
@Module({
  providers: [{ provide: Registry, inject: [pg.Pool], useFactory: createRegistry }],
  exports: [Registry],
})
export class ObservabilityModule implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  #listener: FastifyInstance | undefined;

  constructor(
    private readonly host: HttpAdapterHost<HttpAdapter>,
    private readonly references: ModuleRef,
  ) {}

  onModuleInit(): void {
    if (this.references.get<Role>(ROLE, { strict: false }) === 'worker') return;
    const { NODE_ENV, METRICS_PORT } = this.settings;
    const server = this.host.httpAdapter.getInstance<FastifyInstance>();
    watchHttpLoad(this.references.get(Registry), this.host.httpAdapter.load);
    const isProduction = NODE_ENV === 'production';
    registerHealth(server, this.ops(), { detailed: !isProduction && METRICS_PORT === undefined });
    if (METRICS_PORT === undefined) registerMetrics(server, this.ops(), isProduction ? 'admin' : 'public');
  }

  async onApplicationBootstrap(): Promise<void> {
    const { METRICS_PORT, HOST } = this.settings;
    if (METRICS_PORT === undefined) return;
    this.#listener = fastify();
    registerHealth(this.#listener, this.ops(), { detailed: true });
    registerMetrics(this.#listener, this.ops(), 'public');
    await this.#listener.listen({ port: METRICS_PORT, host: HOST });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#listener?.close();
  }

  private ops(): OpsRoutes {
    const pool = this.references.get(pg.Pool, { strict: false });
    const redis = this.references.get(RedisConnections, { strict: false });
    const adapter = this.host.httpAdapter as HttpAdapter | undefined; // a worker has none
    return {
      registry: this.references.get(Registry),
      checkHealth: () => checkHealth(pool, redis.commands),
      isDraining: () => adapter?.isDraining ?? false,
    };
  }

  private get settings(): Settings {
    return this.references.get<Settings>(SETTINGS, { strict: false });
  }
}
