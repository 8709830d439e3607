import type { ConstantArrivalRateScenario } from 'k6/options';

/** A VU takes 0.6 MB of memory. When none is free, a buyer stays away; the summary says how many did. */
const VUS_READY_MAX = 1_000;
const VUS_MAX = 5_000;
/** A buyer who is answered at once keeps a VU for less than that. */
const STAY_SECONDS = 2;
/** How much longer the last buyers may stay when they are not answered at once: longer than they try (`order-until-decided.ts`). */
const PATIENCE_SECONDS = 60;
/** A process that is killed is back within that time; whoever comes meanwhile keeps a VU. */
const AWAY_SECONDS = 8;

export interface Arrivals {
  /** The exported function that is one buyer. */
  exec: string;
  perSecond: number;
  seconds: number;
  /** Of the run; 0 when it is not said. */
  startsAtSeconds?: number;
  /** How long a buyer usually stays. */
  staySeconds?: number;
  /** How much longer the last ones may; then they are cut off. */
  patienceSeconds?: number;
}

/** Buyers who come at a steady rate, whether those before them are served or not. */
export function arrivals(plan: Arrivals): ConstantArrivalRateScenario {
  const { exec, perSecond, seconds, startsAtSeconds = 0 } = plan;
  const { staySeconds = STAY_SECONDS, patienceSeconds = PATIENCE_SECONDS } = plan;
  return {
    executor: 'constant-arrival-rate',
    exec,
    rate: perSecond,
    duration: `${seconds}s`,
    startTime: `${startsAtSeconds}s`,
    preAllocatedVUs: Math.min(Math.ceil(perSecond * staySeconds), VUS_READY_MAX),
    maxVUs: Math.min(Math.ceil(perSecond * (staySeconds + AWAY_SECONDS)), VUS_MAX),
    gracefulStop: `${Math.ceil(staySeconds + patienceSeconds)}s`,
  };
}
