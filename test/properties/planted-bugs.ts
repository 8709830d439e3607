import { pathToFileURL } from 'node:url';
import { readScript } from '../../src/platform/redis/lua-script.js';

const script = (name: string) => readScript(new URL(`../../src/stock/${name}.lua`, pathToFileURL(__filename)));

/** The scripts themselves, without a bug that we know of. */
export const RESERVE_STOCK = script('reserve-stock');
export const RELEASE_STOCK = script('release-stock');

/** Mistakes that somebody might make in a script: a piece of it, and what stands there instead. */
type Bugs = Record<string, [from: string, to: string]>;

/** Refuted by `decidesAsTheModelDoes`. */
export const WRONG_DECISIONS: Bugs = {
  'a repeated key is not looked for': ['if earlier then', 'if false then'],
  'a repeated key is answered whatever its units are': ['if tonumber(units) ~= request.units then', 'if false then'],
  'a repeated key is found inside a longer one': [
    "';' .. request.key .. ' ', 1, true)",
    "request.key .. ' ', 1, true)",
  ],
  'a key is taken for a pattern': ["';' .. request.key .. ' ', 1, true)", "';' .. request.key .. ' ')"],
  'a halted sale does not answer a repeated key': ['if earlier then', 'if earlier and not refused_because then'],
  'the units left are those before the call': [
    'if available < request.units then',
    "if tonumber(redis.call('HGET', sale_key, 'available')) < request.units then",
  ],
  'the orders of a buyer are those before the call': [
    "local record = redis.call('HGET', buyers, request.buyer) or '0;'",
    "local record = replies[request.buyer] or redis.call('HGET', buyers, request.buyer) or '0;' replies[request.buyer] = record",
  ],
  'units are taken before the limit is looked at': [
    "then return { 'LIMIT_REACHED' } end",
    "then available = available - request.units return { 'LIMIT_REACHED' } end",
  ],
  'the limit leaves one unit less': ['held + request.units > per_user', 'held + request.units >= per_user'],
  'the limit looks at one order only': ['held + request.units > per_user', 'request.units > per_user'],
  'a buyer may have one order more': ['semicolons - 1 >= ORDERS_MAX', 'semicolons - 1 > ORDERS_MAX'],
  'the last unit is not sold': ['if available < request.units', 'if available <= request.units'],
  'an order that is too large takes what is left': [
    "if available < request.units then return { 'SOLD_OUT' } end",
    "if available < 1 then return { 'SOLD_OUT' } end",
  ],
  'units are not taken': ["redis.call('HSET', sale_key, 'available', integer(available))", ''],
  'versions are not raised': [
    'version = available - request.units, version + 1',
    'version = available - request.units, version',
  ],
  'the version of the lane is not raised': ["redis.call('HSET', lane_key, 'version', integer(version))", ''],
  'a version is written as Lua likes it': ['local its_version = integer(version)', "local its_version = version .. ''"],
  'an accepted order is not put on the stream': ["redis.call('XADD', orders,", 'type({}, orders,'],
  'an order is put on the stream at another moment': [
    "'version', its_version, 'at', decided_at)",
    "'version', its_version, 'at', decided_at + 1)",
  ],
  'an accepted order is not noted for its buyer': ["redis.call('HSET', buyers,", 'type({}, buyers,'],
  'a paused sale sells': ["(paused == '1' and 'PAUSED')", "(paused == '2' and 'PAUSED')"],
  'a sale that was ended by hand sells': ["(ended == '1' and 'ENDED')", "(ended == '2' and 'ENDED')"],
  'a sale sells before it starts': ["(now < tonumber(starts_at) and 'NOT_STARTED')", 'false'],
  'a sale sells after its end': ["(now >= tonumber(ends_at) and 'ENDED')", 'false'],
  'a closed lane decides': ["state == 'open' and run_id", 'run_id'],
  'a lane decides on a Redis that nobody has verified': ['run_id == this_run_id and', ''],
  'a loss is not looked for': ['if version >= seen_version and not', 'if not'],
  'a loss before the restart is not looked for': ['and not (ended_at and ended_at < seen_version)', ''],
  'a loss is not noted': [", 'lost', integer(math.max(lost, seen_version))", ''],
  'a smaller loss hides a larger one': ['integer(math.max(lost, seen_version))', 'integer(seen_version)'],
  'a loss does not close the lane': ["'state', 'closed', 'lost'", "'lost'"],
  'a loss is noted only while the lane decides': [
    'if version >= seen_version and not',
    'if not lane.is_open or version >= seen_version and not',
  ],
  'the loss of everything is not noted': [
    'local version = lane.version or 0',
    'local version = lane.version or seen_version',
  ],
  'a full backlog takes one order more': ['if version >= version_max', 'if version > version_max'],
  'a full backlog is not looked at': ["if version >= version_max then return { 'OVERLOADED' } end", ''],
  'a full backlog does not see the orders before in the call': [
    'if version >= version_max',
    'if lane.version >= version_max',
  ],
  'a full backlog refuses a known key': ['if earlier then', 'if earlier and version < version_max then'],
  'a full backlog hides that the sale is sold out': [
    "if available < request.units then return { 'SOLD_OUT' } end",
    "if version >= version_max then return { 'OVERLOADED' } end if available < request.units then return { 'SOLD_OUT' } end --",
  ],
  'a refusal is written down': [
    "then return { 'SOLD_OUT' } end",
    "then redis.call('HSET', sale_key, 'available', integer(available)) return { 'SOLD_OUT' } end",
  ],
};

/** Refuted by `refusesMalformedCalls`. */
export const CARELESS_CHECKS: Bugs = {
  'units may be 0, or a thousand': ["'^[1-9]%d?%d?$'", "'^%d+$'"],
  'units may be a fraction': ["'^[1-9]%d?%d?$'", "'^[1-9][%d.]?%d?$'"],
  'units are what tonumber makes of them': [
    "tonumber(valid(ARGV[i + 3], '^[1-9]%d?%d?$', 'units'))",
    'tonumber(ARGV[i + 3])',
  ],
  'a buyer may be anything without a space': ["'^[%w._:@|-]+$', 'buyer'", "'^%S+$', 'buyer'"],
  'a buyer may have a space': ["'^[%w._:@|-]+$', 'buyer'", "'^[%w._:@| -]+$', 'buyer'"],
  'only the beginning of a key is looked at': ["'^[%w._-]+$', 'idempotency key'", "'^[%w._-]+', 'idempotency key'"],
  'only the end of a key is looked at': ["'^[%w._-]+$', 'idempotency key'", "'[%w._-]+$', 'idempotency key'"],
  'a name may be longer than can be stored': ['#value > LENGTH_MAX or', ''],
  'an order id may be anything with digits in it': [
    "valid(ARGV[i], UUID, 'order id')",
    "valid(ARGV[i], '^[%x-]+$', 'order id')",
  ],
  'a sale id may be anything': ["valid(sale_id, UUID, 'sale id')", ''],
  'what is missing is made up': ['if not value or', "value = value or '1' if"],
};

/** Of release-stock.lua; refuted by `decidesAsTheModelDoes` as well. */
export const WRONG_RELEASES: Bugs = {
  'units come back twice': ["if mark ~= 'held' then", 'if false then'],
  'units come back that were never taken': [
    "if not first then return { 'MISSING' } end",
    "if not first then return { 'RELEASED', integer(version) } end",
  ],
  'units are not on sale again': ["redis.call('HSET', sale_key, 'available', integer(available))", ''],
  'a buyer keeps what was given back': ['integer(held - units) .. before', 'integer(held) .. before'],
  'a release is not a decision': ["redis.call('HSET', lane_key, 'version', integer(version))", ''],
  'all releases of a call have one version': [
    'available, version = available + units, version + 1',
    'available, version = available + units, lane.version + 1',
  ],
  'a closed lane gives back': ["state == 'open' and run_id", 'run_id'],
  'a lane gives back on a Redis that nobody has verified': ['run_id == this_run_id and', ''],
  'a loss is not looked for when units come back': [
    'local lost = has_lost(lane_key, lane, seen_version, seen_run_id)',
    'local lost = false',
  ],
};

/** @throws when the script does not have that piece exactly once any more: then the bug is to be planted anew. */
export function plant([from, to]: [string, string], source = RESERVE_STOCK): string {
  if (source.split(from).length !== 2) throw new Error(`the script does not have exactly one '${from}'`);
  return source.replace(from, () => to);
}
