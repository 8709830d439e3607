/** The replies of a transaction. @throws its first error, or that Redis discarded it. */
export function repliesOf(replies: [error: Error | null, reply: unknown][] | null): unknown[] {
  if (!replies) throw new Error('Redis discarded a transaction');
  const failed = replies.find(([error]) => error)?.[0];
  if (failed) throw failed;
  return replies.map(([, reply]) => reply);
}
