import type { Lane } from './lane.js';
import type { Protocol } from './protocol.js';
import { rebuild } from './steps-of-a-rebuild.js';
import { type Bounds, type Emit, type Guard, type Look, REST, type System, withOne } from './system.js';

export interface Rules {
  bounds: Bounds;
  rules: Protocol;
}

/** Guards look at the lane, and close it, arm it again or rebuild it. Two of them may be anywhere at once. */
export function stepsOfGuards(system: System, { bounds, rules }: Rules, emit: Emit): void {
  system.guards.forEach((guard, index) => {
    const who = `guard ${index + 1}`;
    const steps = guard.at === 'rest' ? looking(system, { bounds, rules }) : [acting(system, guard, { bounds, rules })];
    for (const step of steps) {
      if (!step) continue;
      const [name, next, now] = step;
      emit('work', `${who} ${name}`, { ...next, guards: withOne(next.guards, index, now) });
    }
    if (guard.at !== 'rest') emit('crash', `${who} dies`, { ...system, guards: withOne(system.guards, index, REST) });
  });
}

/** What a guard does, what comes of it, and where it stands then. */
export type Step = [name: string, next: System, now: Guard];

const lookAt = ({
  state,
  epoch = 0,
  version = 0,
  recorded = 0,
  runId = '',
  serverRunId,
  lost,
  guardToken,
}: Lane): Look => ({
  state,
  epoch,
  version,
  recorded,
  runId,
  serverRunId,
  lost,
  guardToken,
  closedBecause: undefined,
});

/** A look that finds nothing to do is no step, unless the books may change before they are read. */
function looking(system: System, { bounds, rules }: Rules): Step[] {
  const look = lookAt(system.redis);
  const [name, next, now] = judge(system, look, rules);
  if (bounds.slowLooks && (bounds.guards > 1 || now !== REST)) {
    return [['reads Redis', system, { at: 'reading the books', look }]];
  }
  return now === REST ? [] : [[name, next, now]];
}

function acting(system: System, guard: Exclude<Guard, { at: 'rest' }>, { bounds, rules }: Rules): Step | undefined {
  const { redis, books } = system;
  if ('wentBack' in guard) return rebuild(system, guard, { bounds, rules });
  switch (guard.at) {
    case 'reading the books':
      return judge(system, guard.look, rules);
    case 'raising recorded':
      return ['raises recorded in Redis', { ...system, redis: rules.raiseRecorded(redis, guard) }, REST];
    case 'taking over': {
      const taken = rules.takeOver(books, guard.look, guard.judgedRunId);
      if (!taken) return ['finds other books than it judged', system, REST];
      const now: Guard = { at: 'arming', look: guard.look, token: taken.guardToken };
      return [`takes Redis ${guard.look.serverRunId} over`, { ...system, books: taken }, now];
    }
    case 'arming': {
      const compared = { ...guard.look, runId: guard.look.serverRunId };
      const [lane, isArmed] = rules.arm(redis, guard.token, compared);
      return [isArmed ? 'arms the lane' : 'may not arm the lane', { ...system, redis: lane }, REST];
    }
    case 'raising the token': {
      const raised = rules.raiseToken(books, guard.inRedis);
      return ['takes a new token', { ...system, books: raised }, { at: 'closing', token: raised.guardToken }];
    }
    case 'closing':
      return closing(system, guard.token, rules);
  }
}

function judge(system: System, look: Look, rules: Protocol): Step {
  const { books } = system;
  const verdict = rules.judgeLane(look, { ...books, neverLoaded: false });
  const name = `finds the lane ${verdict.is}`;
  switch (verdict.is) {
    case 'open': {
      const { epoch, recorded } = books;
      return [name, system, look.recorded < recorded ? { at: 'raising recorded', epoch, recorded } : REST];
    }
    case 'restarted':
      return [name, system, { at: 'taking over', look, judgedRunId: books.runId }];
    case 'lost':
    case 'new':
    case 'foreign':
      return [name, system, { at: 'raising the token', inRedis: look.guardToken }];
  }
}

/** A lane that is missing is written as closed. */
function closing(system: System, token: number, rules: Protocol): Step {
  const [lane, isClosed] = rules.close(system.redis, token);
  if (!isClosed) return ['finds the token of a newer guard', system, REST];
  const { serverRunId: runId, epoch: epochInRedis = 0, recorded: recordedInRedis = 0 } = lane;
  const now: Guard = { at: 'claiming', token, runId, epochInRedis, recordedInRedis, epochInBooks: 0, wentBack: false };
  return ['closes the lane', { ...system, redis: lane }, now];
}
