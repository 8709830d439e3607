import type { Logger } from 'pino';

/** Nothing was begun yet. Without this, a program whose launcher is killed while it starts would stay behind. */
export function leaveWithLauncher(): void {
  process.once('disconnect', leave);
}

/**
 * From now on SIGTERM, SIGINT, and the end of the launcher that started this process stop it in order: exit code 0 when `close`
 * has ended, 1 when it fails or takes longer.
 */
export function stopOnSignal(close: () => Promise<void>, logger: Logger, { withinMs }: { withinMs: number }): void {
  let stopping = false;
  const stop = (because: string) => {
    if (stopping) return;
    stopping = true;
    logger.info({ because }, 'stopping');
    setTimeout(() => process.exit(1), withinMs).unref();
    close().then(
      () => process.exit(0),
      (err: unknown) => {
        logger.error({ err }, 'could not stop in order');
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);
  process.off('disconnect', leave).once('disconnect', () => stop('disconnect'));
}

function leave(): void {
  process.exit(1);
}
