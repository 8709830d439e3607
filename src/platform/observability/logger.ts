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
    serializers: { err: withoutSecrets },
  });
}

/**
 * Drivers hang what they were doing on their errors (a command with its arguments, a row), and quote addresses with their
 * passwords. Of an error only what it is and where it came from is written.
 */
function withoutSecrets(error: Error & { code?: unknown }): object {
  const clean = (text: string) => text.replace(/\b(\w+:\/\/)[^\s@/]*@/g, '$1…@');
  return { type: error.name, code: error.code, message: clean(error.message), stack: clean(error.stack ?? '') };
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
