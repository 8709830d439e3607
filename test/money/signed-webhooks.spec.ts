import { createHmac } from 'node:crypto';
import { SignedWebhooks } from '../../src/payment/signed-webhooks.js';
import { signWebhook } from '../../src/platform/http/webhook-signature.js';

const SECRET = 'a secret of the webhooks that is long enough';
const OLDER_SECRET = 'an older secret of the webhooks, long enough';
const reader = new SignedWebhooks([SECRET, OLDER_SECRET]);

const DATA = {
  paymentId: 'pay_1',
  orderId: '01931f5a-7c00-7000-8000-000000000001',
  amountMinor: 1999,
  currency: 'USD',
};
const EVENT = { id: 'evt_1', type: 'payment.succeeded', createdAt: '2026-11-25T09:00:00Z', data: DATA };
const NOTHING = { paymentId: null, orderId: null, amountMinor: null, currency: null };
const BODY = JSON.stringify(EVENT);

const read = (body: string | Buffer, header?: string | string[]) =>
  reader.read(Buffer.from(body), header === undefined ? {} : { 'stampede-signature': header });
const readSigned = (body: string | Buffer) => read(body, signWebhook(SECRET, Buffer.from(body)));

const secondsAgo = (seconds: number) => new Date(Date.now() - seconds * 1_000);
const v1 = (secret: string, time: string) =>
  `v1=${createHmac('sha256', secret).update(`${time}.${BODY}`).digest('hex')}`;
const now = String(Math.floor(Date.now() / 1_000));
const hexNow = `0x${Number(now).toString(16)}`;
const good = v1(SECRET, now);

describe('a signed webhook', () => {
  it.each([
    ['the first secret', signWebhook(SECRET, BODY)],
    ['the older one', signWebhook(OLDER_SECRET, BODY)],
    ['both, as while a secret is replaced', `t=${now},${v1('another', now)},${good}`],
    ['a secret in a scheme of later versions as well', `t=${now},v2=00,${good}`],
    [
      'the first secret, written in capitals and with spaces',
      `${good.replace(/(?<==).*/, (x) => x.toUpperCase())} , t=${now}`,
    ],
    ['the first secret 295 s ago', signWebhook(SECRET, BODY, secondsAgo(295))],
    ['the first secret 295 s ahead', signWebhook(SECRET, BODY, secondsAgo(-295))],
  ])('is believed when it was signed with %s', (_, header) => {
    const { id, type } = EVENT;
    expect(read(BODY, header)).toEqual({ event: { id, type, ...DATA } });
  });

  it.each<[string, string | string[] | undefined]>([
    ['no signature', undefined],
    ['an empty one', ''],
    ['a list of them', [signWebhook(SECRET, BODY)]],
    ['no time', good],
    ['two times', `t=${now},t=${now},${good}`],
    ['no v1', `t=${now}`],
    ['an empty v1', `t=${now},v1=`],
    ['the signature of somebody else', signWebhook('a secret of somebody else', BODY)],
    ['the signature of another body', signWebhook(SECRET, `${BODY} `)],
    ['a signature that was cut', `t=${now},${good.slice(0, -2)}`],
    ['a signature with more behind it', `t=${now},${good}00`],
    ['a signature that is no hex', `t=${now},v1=${'z'.repeat(64)}`],
    ['a signature of another time', `t=${Number(now) - 1},${good}`],
    ['a time that is no number, signed by nobody', `t=now,${good}`],
  ])('is invalid with %s', (_, header) => {
    expect(read(BODY, header)).toEqual({ refusedBecause: 'invalid-signature' });
  });

  it.each([
    ['305 s ago', signWebhook(SECRET, BODY, secondsAgo(305))],
    ['305 s ahead', signWebhook(SECRET, BODY, secondsAgo(-305))],
    ['at a time that is no number', `t=now,${v1(SECRET, 'now')}`],
    ['at a time in another notation', `t=${hexNow},${v1(SECRET, hexNow)}`],
    ['at no time', `t=,${v1(SECRET, '')}`],
    ['at a negative time', `t=-${now},${v1(SECRET, `-${now}`)}`],
    ['at a time in milliseconds', `t=${now}000,${v1(SECRET, `${now}000`)}`],
  ])('is stale when it was signed %s', (_, header) => {
    expect(read(BODY, header)).toEqual({ refusedBecause: 'stale-signature' });
  });

  it('is invalid when one byte of it was changed', () => {
    const header = signWebhook(SECRET, BODY);
    expect(read(BODY.replace('1999', '1998'), header)).toEqual({ refusedBecause: 'invalid-signature' });
  });

  it.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['invalid UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['null', 'null'],
    ['a list', `[${BODY}]`],
    ['a text', '"event"'],
    ['no id', JSON.stringify({ ...EVENT, id: undefined })],
    ['an empty id', JSON.stringify({ ...EVENT, id: '' })],
    ['an id of 256 characters', JSON.stringify({ ...EVENT, id: 'x'.repeat(256) })],
    ['an id with a newline', JSON.stringify({ ...EVENT, id: 'evt\n1' })],
    ['an id with a newline at its end', JSON.stringify({ ...EVENT, id: 'evt_1\n' })],
    ['a NUL', JSON.stringify({ ...EVENT, id: 'evt\0' })],
    ['an id that is a number', JSON.stringify({ ...EVENT, id: 1 })],
    ['no type', JSON.stringify({ ...EVENT, type: undefined })],
    ['the same key twice', BODY.replace('{"id"', '{"id":"evt_0","id"')],
    ['a prototype', BODY.replace('{"id"', '{"__proto__":{},"id"')],
  ])('is no event when it holds %s', (_, body) => {
    expect(readSigned(body)).toEqual({ refusedBecause: 'no-event' });
  });

  it.each<[string, unknown, object]>([
    ['no data', undefined, NOTHING],
    ['data that is a list', [DATA], NOTHING],
    ['data that is null', null, NOTHING],
    ['an amount that is a text', { ...DATA, amountMinor: '1999' }, { ...DATA, amountMinor: null }],
    ['a negative amount', { ...DATA, amountMinor: -1 }, { ...DATA, amountMinor: null }],
    ['a broken amount', { ...DATA, amountMinor: 1.5 }, { ...DATA, amountMinor: null }],
    ['an amount beyond all integers', { ...DATA, amountMinor: 2 ** 53 }, { ...DATA, amountMinor: null }],
    ['an order id in capitals', { ...DATA, orderId: DATA.orderId.toUpperCase() }, { ...DATA, orderId: null }],
    ['an order id that is none', { ...DATA, orderId: "' OR 1=1" }, { ...DATA, orderId: null }],
    ['a currency in small letters', { ...DATA, currency: 'usd' }, { ...DATA, currency: null }],
    ['a payment id that is too long', { ...DATA, paymentId: 'p'.repeat(256) }, { ...DATA, paymentId: null }],
    ['fields that we do not know', { ...DATA, card: '4242' }, DATA],
  ])('is an event all the same with %s', (_, data, expected) => {
    expect(readSigned(JSON.stringify({ ...EVENT, type: 'dispute.opened', data }))).toEqual({
      event: { id: 'evt_1', type: 'dispute.opened', ...expected },
    });
  });
});
