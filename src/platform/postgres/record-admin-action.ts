import type { PoolClient } from 'pg';
import { v7 as uuidv7 } from 'uuid';

export interface AdminAction {
  /** Subject of the operator's token. */
  actor: string;
  /** What was done, such as `sale.rebuild`. */
  action: string;
  /** To what: an id, or a kind and an id. */
  subject: string;
  detail?: object;
}

/** Notes what an operator did, in the transaction that does it: both are committed, or neither. */
export async function recordAdminAction(tx: PoolClient, { actor, action, subject, detail = {} }: AdminAction) {
  await tx.query('INSERT INTO admin_actions (action_id, actor, action, subject, detail) VALUES ($1, $2, $3, $4, $5)', [
    uuidv7(),
    actor,
    action,
    subject,
    JSON.stringify(detail),
  ]);
}
