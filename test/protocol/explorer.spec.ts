import { TWINS, wishesOf } from './broken-twins.js';
import { SMALL } from './configurations.js';
import { explore } from './explore.js';
import { print } from './trace.js';

const quick = Object.entries(TWINS).filter(([, { isSlow }]) => isSlow !== true);

describe('the protocol, explored exhaustively at small bounds', () => {
  it.each(Object.entries(SMALL))('keeps every promise, and heals from every state: %s', (_, configuration) => {
    const { violation, isComplete } = explore(configuration);

    expect(violation && print(violation)).toBeUndefined();
    expect(isComplete).toBe(true);
  });

  it.each(quick)('is refuted as soon as %s', (_, twin) => {
    const { violation } = explore(wishesOf(twin));

    expect(violation?.promise).toBe(twin.breaks);
    expect(violation?.trace.length).toBe(twin.steps + 1);
  });

  it('explores no more states than it is asked to, and says so', () => {
    const { states, isComplete } = explore({ ...SMALL['Redis is emptied'], statesMax: 1_000 } as never);

    expect(isComplete).toBe(false);
    expect(states).toBeLessThan(1_100);
  });

  it('tells a violation step by step, with what each step changes', () => {
    const { violation } = explore(wishesOf(TWINS['entries are acknowledged before they are stored'] as never));

    expect(violation && print(violation)).toBe(
      [
        '  0. in the beginning',
        '       Redis     r0: open | verified on r0, version 1.0, recorded 0 | sale: nobody has any',
        '       Postgres  epoch 1 on r0, max 1.0, recorded 0, held 0 of 1',
        '       api 1     was answered nothing',
        '  1. ann asks api 1: ACCEPTED',
        '       Redis     r0: open | verified on r0, version 1.1, recorded 0 | sale: ann-1 held (1.1) | stream: ann-1 unread',
        '       api 1     was answered up to 1.1 by r0',
        '  2. worker 1 reads ann-1',
        '       Redis     r0: open | verified on r0, version 1.1, recorded 0 | sale: ann-1 held (1.1) | stream: ann-1 acknowledged',
        '     BROKEN: an accepted order is on its way',
      ].join('\n'),
    );
  });
});
