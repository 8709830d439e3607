import type { Logger } from 'pino';

/**
 * Until `stopOnSignal`, when nothing was begun yet: leaves at once. Without this, a program whose launcher is killed while it
 * starts would stay behind, and process 1 of a container, for which a signal does nothing by default, would wait for its SIGKILL.
 */
export function leaveOnSignal(): void {
  process.once('disconnect', leave).once('SIGTERM', leave).once('SIGINT', leave);
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
  process.off('disconnect', leave).off('SIGTERM', leave).off('SIGINT', leave);
  process
    .once('SIGTERM', stop)
    .once('SIGINT', stop)
    .once('disconnect', () => stop('disconnect'));
}

function leave(): void {
  process.exit(1);
}
