import type { LoggerService } from '@nestjs/common';
import { type Logger, pino } from 'pino';

/** JSON lines to stdout, one object each. What may hold a credential is censored wherever it stands. */
export function createLogger(level: string, role: string): Logger {
  return pino({
    level,
    base: { role, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: ['authorization', '*.authorization', 'headers.cookie', 'token', '*.token', 'password', '*.password'],
      censor: '…',
    },
    serializers: { err: withoutUrls },
  });
}

/** Messages of drivers may quote the address they could not reach, password and all. */
function withoutUrls(error: Error): object {
  const serialized = pino.stdSerializers.err(error);
  const clean = (text: string) => text.replace(/\b(\w+:\/\/)[^\s@/]*@/g, '$1…@');
  return { ...serialized, message: clean(serialized.message), stack: clean(serialized.stack) };
}

/** Nest's own messages, as lines like all others. Its start-up chatter is `debug`. */
export class NestLog implements LoggerService {
  constructor(private readonly logger: Logger) {}
  log(message: unknown, context?: string): void {
    this.logger.debug({ context }, String(message));
  }
  warn(message: unknown, context?: string): void {
    this.logger.warn({ context }, String(message));
  }
  error(message: unknown, stack?: string, context?: string): void {
    this.logger.error({ context, stack }, String(message));
  }
}
