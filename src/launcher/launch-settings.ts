import { isAbsolute, resolve } from 'node:path';
import { EXIT_CONFIGURATION, StartError } from '../platform/embedded/start-error.js';

/** What `npm start` itself needs to know; every other variable is passed on to the roles, which judge it. */
export interface LaunchSettings {
  /** Where data, secrets and logs live. */
  directory: string;
  host: string;
  port: number;
  /** Servers that somebody else runs; undefined: our own are started. */
  external: { databaseUrl: string; redisUrl: string } | undefined;
  production: boolean;
  /** Payments are those of the simulator: no gateway of somebody else's is named. */
  withSimulator: boolean;
}

const PORT_DEFAULT = 3000;

/** Throws a StartError (exit code 78) that names the variable, never its value. */
export function readLaunchSettings(env: NodeJS.ProcessEnv, clone: string): LaunchSettings {
  const { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl } = env;
  const production = env.NODE_ENV === 'production';
  if (!databaseUrl !== !redisUrl) {
    const [present, missing] = databaseUrl ? ['DATABASE_URL', 'REDIS_URL'] : ['REDIS_URL', 'DATABASE_URL'];
    throw mistake(`${missing} is missing: set it as well, or unset ${present} to use the embedded servers`);
  }
  if (production && !databaseUrl) {
    throw mistake('DATABASE_URL and REDIS_URL are missing: with NODE_ENV=production the embedded servers are not used');
  }
  if (env.JWT_SECRET && env.JWT_PUBLIC_KEY) {
    throw mistake('JWT_SECRET and JWT_PUBLIC_KEY are both set: unset one of them');
  }
  return {
    directory: directoryOf(env.STAMPEDE_DIR, clone),
    host: env.HOST || '127.0.0.1',
    port: portOf(env.PORT),
    external: databaseUrl && redisUrl ? { databaseUrl, redisUrl } : undefined,
    production,
    withSimulator: !production && !env.PAYMENT_GATEWAY_URL && env.PAYMENT_GATEWAY !== 'stripe',
  };
}

/** The data directory of a clone: `.stampede/`, or what STAMPEDE_DIR says. */
export function directoryOf(stampedeDir: string | undefined, clone: string): string {
  if (!stampedeDir) return resolve(clone, '.stampede');
  return isAbsolute(stampedeDir) ? stampedeDir : resolve(clone, stampedeDir);
}

function portOf(value: string | undefined): number {
  if (!value) return PORT_DEFAULT;
  const port = /^\d{1,5}$/.test(value) ? Number(value) : 0;
  if (port < 1 || port > 65_535) throw mistake('PORT must be a number from 1 to 65535');
  return port;
}

function mistake(message: string): StartError {
  return new StartError(message, EXIT_CONFIGURATION);
}
