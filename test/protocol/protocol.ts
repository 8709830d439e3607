import { judgeLane } from '../../src/stock/lane-verdict.js';
import * as books from './books.js';
import * as lane from './lane.js';
import * as stream from './lane-stream.js';
import * as guarded from './lane-under-guard.js';

/** What a rebuild does first. */
const afterClaiming = (): 'draining' | 'starting the epoch' => 'draining';

/** What a rebuild writes: every order, whatever its status, with what was recorded of its release. */
const snapshot = ({ rows }: books.Books): lane.Order[] =>
  rows.map(({ status: _, ...order }) => order).sort((a, b) => a.version - b.version);

/**
 * Every script and every transaction of the protocol by its name, and the verdict of the guard as the product has it. A
 * broken twin has another function in place of one of them.
 */
export const protocol = { ...books, ...lane, ...stream, ...guarded, judgeLane, afterClaiming, snapshot };

export type Protocol = typeof protocol;
