import { rowOf } from './books.js';
import type { Guard, System } from './system.js';

/** The same state, told as simply as can be: states that can never behave differently are one. */
export function simplify(system: System, isForgetful: boolean): System {
  return renameTokens(isForgetful ? system : withoutTheStored(system));
}

/** What is in the books stays there, unless Postgres itself forgets: nobody has to remember that it was promised. */
function withoutTheStored(system: System): System {
  const { books, world, apis } = system;
  const isStored = (orderId: string) => rowOf(books, orderId) !== undefined;
  const promised = world.promised.filter((orderId) => !isStored(orderId));
  const isSame = promised.length === world.promised.length;
  const isKnown = apis.some(({ knows }) => knows !== undefined && isStored(knows));
  if (isSame && !isKnown) return system;
  return {
    ...system,
    world: isSame ? world : { ...world, promised },
    apis: isKnown
      ? apis.map((api) => (api.knows !== undefined && isStored(api.knows) ? { ...api, knows: undefined } : api))
      : apis,
  };
}

/**
 * Guards may take tokens for ever, and only which of two is the newer matters. The smallest tokens that keep their order tell
 * as much, and with these there are finitely many states. 0 stays 0: no guard was here.
 */
function renameTokens(system: System): System {
  const { books, redis } = system;
  if (books.guardToken === 0 && redis.guardToken === 0) return system;
  const tokens = new Set<number>([0]);
  eachToken(system, (token) => tokens.add(token));
  if (Math.max(...tokens) < tokens.size) return system;
  const sorted = [...tokens].sort((a, b) => a - b);
  return renamed(system, (token) => sorted.indexOf(token));
}

function eachToken({ books, redis, copies, guards }: System, tell: (token: number) => void): void {
  tell(books.guardToken);
  tell(redis.guardToken);
  for (const { guardToken } of copies) tell(guardToken);
  for (const guard of guards) {
    if ('token' in guard) tell(guard.token);
    if ('inRedis' in guard) tell(guard.inRedis);
    if ('look' in guard) tell(guard.look.guardToken);
  }
}

function renamed(system: System, to: (token: number) => number): System {
  const withName = <T extends { guardToken: number }>(part: T): T => {
    const guardToken = to(part.guardToken);
    return guardToken === part.guardToken ? part : { ...part, guardToken };
  };
  const ofGuard = (guard: Guard): Guard => ({
    ...guard,
    ...('token' in guard ? { token: to(guard.token) } : {}),
    ...('inRedis' in guard ? { inRedis: to(guard.inRedis) } : {}),
    ...('look' in guard ? { look: withName(guard.look) } : {}),
  });
  const { books, redis, copies, guards } = system;
  return {
    ...system,
    books: withName(books),
    redis: withName(redis),
    copies: copies.length > 0 ? copies.map(withName) : copies,
    guards: guards.map((guard) => (guard.at === 'rest' ? guard : ofGuard(guard))),
  };
}
