import { isOpen, LaneGate } from '../../src/stock/lane-gate.js';
import { laneKeys } from '../../src/stock/stock-keys.js';
import type { Progress } from '../support/crowd.js';
import { eventually } from '../support/eventually.js';
import { inRedis, query } from '../support/stores.js';
import type { Role, TestSystem } from '../support/system.js';

/** The lane of every sale here, and the group that stores its orders. */
export const LANE = 0;
export const GROUP = 'persistence';
export const { orders: ORDERS } = laneKeys(LANE);

/** What a fault can see of the race that it strikes. */
export interface RunningRace {
  saleId: string;
  progress: Progress;
}

/** With a client for each of them it is a matter of milliseconds; on a machine that is busy besides, of seconds. */
const MORE_WITHIN_MS = 30_000;
const REBUILT_WITHIN_MS = 30_000;

/** Resolves when `count` more requests were accepted. */
export async function moreAccepted({ progress }: RunningRace, count: number): Promise<void> {
  const before = progress.accepted;
  await eventually(() => progress.accepted >= before + count, { withinMs: MORE_WITHIN_MS });
}

/** Resolves when `count` more requests were answered in a way that they have to be sent again. */
export async function moreResent({ progress }: RunningRace, count: number): Promise<void> {
  const before = progress.resent;
  await eventually(() => progress.resent >= before + count, { withinMs: MORE_WITHIN_MS });
}

/** @returns the epoch of the lane, as Postgres has it. */
export async function epochOf({ databaseUrl }: TestSystem): Promise<number> {
  const [fence] = await query<{ epoch: number }>(databaseUrl, 'SELECT epoch FROM lanes WHERE lane = $1', [LANE]);
  return fence?.epoch ?? 0;
}

/** Whether the lane decides, as Redis has it. */
export function isLaneOpen(system: TestSystem): Promise<boolean> {
  return inRedis(system.redisUrl, async (redis) => isOpen(await new LaneGate(redis).read(LANE)));
}

/** @returns the number of orders of a sale that Postgres has. */
export async function storedOf({ databaseUrl }: TestSystem, saleId: string): Promise<number> {
  const [row] = await query<{ count: number }>(
    databaseUrl,
    'SELECT count(*)::integer AS count FROM orders WHERE sale_id = $1',
    [saleId],
  );
  return row?.count ?? 0;
}

/** Has an operator ask for a rebuild, and resolves when its epoch has begun. */
export async function rebuildOnWish(system: TestSystem, { saleId }: RunningRace): Promise<void> {
  const before = await epochOf(system);
  await askForRebuild(system, saleId);
  await eventually(async () => (await epochOf(system)) > before, { withinMs: REBUILT_WITHIN_MS });
}

export async function askForRebuild(system: TestSystem, saleId: string): Promise<void> {
  await system.admin('POST', `/v1/admin/sales/${saleId}/rebuild`);
}

/** Stream ids that a worker was given and has not acknowledged. */
export function pendingOf(system: TestSystem, role: Role): Promise<string[]> {
  return inRedis(system.redisUrl, async (redis) => {
    const pending = (await redis.xpending(ORDERS, GROUP, '-', '+', 10_000)) as [id: string, consumer: string][];
    return pending.filter(([, consumer]) => consumer.includes(`-${system.pidOf(role)}-`)).map(([id]) => id);
  });
}
