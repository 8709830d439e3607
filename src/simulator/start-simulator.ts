import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { Agenda } from './agenda.js';
import { type BehaviourInput, behaviourSchema, Temper } from './behaviour.js';
import { Books, type Fact, type WebhookEvent } from './books.js';
import { CashDesk } from './cash-desk.js';
import { addGatewayRoutes } from './gateway-routes.js';
import { createHttp } from './http.js';
import { Journal } from './journal.js';
import { addPayRoutes } from './pay-routes.js';
import { WebhookSender } from './webhook-sender.js';

export interface SimulatorOptions {
  host: string;
  /** 0: any. */
  port: number;
  /** What links to the payment page begin with; undefined: where it listens. */
  publicUrl?: string | undefined;
  webhookUrl: string;
  /** Signs the webhooks. */
  webhookSecret: string;
  /** Where it keeps its journal. */
  directory: string;
  behaviour: BehaviourInput;
  logger: Logger;
}

export interface Simulator {
  /** Where it listens. */
  readonly url: string;
  /** From now on; payments that were asked for before keep their plan. Not remembered over a restart. */
  setBehaviour(behaviour: BehaviourInput): void;
  /** Answers what was asked, and ends. Webhooks that were not taken yet are told by the next start on the same directory. */
  close(): Promise<void>;
}

/**
 * A payment gateway that misbehaves as it is told, for development and tests.
 *
 * Promises:  nothing is answered or told before it stands in the journal: kill -9 loses no payment, charge, refund or webhook.
 * Does not:  move money, or check who calls it.
 */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { logger, host, port } = options;
  const temper = new Temper(behaviourSchema.parse(options.behaviour));
  const agenda = new Agenda();
  const books = new Books();
  const journal = new Journal<Fact>(options.directory, (fact) => books.apply(fact));
  const delivered = noteTold(books, journal);
  const { webhookUrl, webhookSecret: secret } = options;
  const sender = new WebhookSender({ url: webhookUrl, secret, agenda, logger, delivered });
  const desk = new CashDesk({ books, journal, agenda, temper, sender });

  const app = createHttp(logger);
  let closing = false;
  app.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close'); // a caller that keeps its connection would keep us
    await journal.written();
  });
  let url = '';
  addGatewayRoutes(app, { desk, books, temper, agenda, publicUrl: () => options.publicUrl ?? url });
  addPayRoutes(app, desk);
  await app.listen({ host, port });
  const listening = app.server.address() as AddressInfo;
  url = `http://${listening.family === 'IPv6' ? `[${listening.address}]` : listening.address}:${listening.port}`;
  desk.resume();

  return {
    url,
    setBehaviour: (behaviour) => (temper.behaviour = behaviourSchema.parse(behaviour)),
    close: async () => {
      closing = true;
      agenda.close(); // first: it lets go of the calls that hang
      await app.close();
      await sender.close();
      journal.close();
    },
  };
}

const noteTold =
  (books: Books, journal: Journal<Fact>) =>
  ({ id }: WebhookEvent): void => {
    if (!books.isUntold(id)) return; // a copy of it was here first
    const fact: Fact = { is: 'told', event: id };
    journal.append(fact);
    books.apply(fact);
  };
