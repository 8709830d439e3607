import { createHmac, timingSafeEqual } from 'node:crypto';

/** In lower case, as Node hands it over. */
export const SIGNATURE_HEADER = 'stampede-signature';

/** Both sides' clocks may differ, and a webhook may travel; what is older may be a recording. */
const OFF_BY_SECONDS_MAX = 300;

const V1 = /^v1=([0-9a-f]{64})$/i;

const hmac = (secret: string, time: string, body: Buffer | string): Buffer =>
  createHmac('sha256', secret).update(`${time}.`).update(body).digest();

/** The value of the header: `t=<unix seconds>,v1=<hex hmac-sha256(secret, t + "." + body)>`. */
export function signWebhook(secret: string, body: Buffer | string, at = new Date()): string {
  const time = String(Math.floor(at.getTime() / 1_000));
  return `t=${time},v1=${hmac(secret, time, body).toString('hex')}`;
}

/**
 * Whether one of the secrets has signed this body, within 300 s of now. There may be several `v1`, as while a secret is
 * replaced, and what begins otherwise is left to later versions. A time that is no number is stale; whether it was signed is
 * looked at first, so that nobody who lacks a secret learns more than that.
 */
export function checkWebhook(
  secrets: readonly string[],
  signed: { header: string; body: Buffer },
  now = new Date(),
): 'good' | 'invalid-signature' | 'stale-signature' {
  const parts = signed.header.split(',').map((part) => part.trim());
  const [time, ...others] = parts.filter((part) => part.startsWith('t=')).map((part) => part.slice(2));
  if (time === undefined || others.length > 0) return 'invalid-signature'; // none, or two headers joined into one

  const given = parts.flatMap((part) => V1.exec(part)?.[1] ?? []).map((hex) => Buffer.from(hex, 'hex'));
  const isOurs = secrets.some((secret) => {
    const wanted = hmac(secret, time, signed.body);
    return given.some((signature) => timingSafeEqual(signature, wanted));
  });
  if (!isOurs) return 'invalid-signature';

  const offBySeconds = /^\d{1,12}$/.test(time) ? Math.abs(now.getTime() / 1_000 - Number(time)) : Infinity;
  return offBySeconds <= OFF_BY_SECONDS_MAX ? 'good' : 'stale-signature';
}
