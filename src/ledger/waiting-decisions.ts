import { VERSION_POSITION } from '../order-stream/accepted-order.js';
import { VERSIONS_PER_EPOCH } from '../stock/version.js';

/**
 * SQL for the number of decisions of lane `l` in its present epoch that wait for an operator: open dead letters of orders that
 * Redis has accepted and Postgres cannot store. What was never a decision, or one of an earlier epoch, is not counted.
 */
export const WAITING_DECISIONS = `(
  SELECT count(DISTINCT d.order_id) FROM dead_letters d WHERE d.lane = l.lane AND d.state = 'open'
  AND CASE WHEN d.reason IN ('refused-by-database', 'orphan')
           THEN (d.fields ->> ${VERSION_POSITION})::bigint / ${VERSIONS_PER_EPOCH} = l.epoch ELSE false END)`;
