import type { OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common';
import type { PollingLoop } from './polling-loop.js';

/** Loops that run as long as the application: a module provides one of these for its own. */
export class BackgroundLoops implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(private readonly loops: readonly PollingLoop[]) {}

  onApplicationBootstrap(): void {
    for (const loop of this.loops) loop.start();
  }

  /** Waits for the passes in hand; stores are closed only afterwards. */
  async onModuleDestroy(): Promise<void> {
    await Promise.all(this.loops.map((loop) => loop.stop()));
  }
}
