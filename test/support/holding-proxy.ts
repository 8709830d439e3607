import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy that can keep what a client sends and hand it on later, as a network or a paused process does. */
export class HoldingProxy {
  /** What the message has in it that is to be kept. */
  #awaited: string | undefined;
  /** What was kept, by the connection on which it came. */
  readonly #held = new Map<Socket, Buffer[]>();
  readonly #sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly targetPort: number,
  ) {
    server.on('connection', (client) => this.join(client));
  }

  static async before(targetPort: number): Promise<HoldingProxy> {
    const server = createServer();
    const proxy = new HoldingProxy(server, targetPort);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  /** The same place, by way of this proxy. */
  urlOf(url: string): string {
    const proxied = new URL(url);
    proxied.port = String((this.server.address() as { port: number }).port);
    return proxied.href;
  }

  /** Keeps every message that has these words in it, and whatever comes behind it on the same connection. */
  hold(words: string): void {
    this.#awaited = words;
  }

  get isHolding(): boolean {
    return this.#held.size > 0;
  }

  /** Hands on what was kept, and keeps nothing any more. */
  release(): void {
    for (const [target, kept] of this.#held) for (const bytes of kept) target.write(bytes);
    this.drop();
  }

  /** Loses what was kept, and keeps nothing any more. */
  drop(): void {
    this.#awaited = undefined;
    this.#held.clear();
  }

  async close(): Promise<void> {
    this.server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.server, 'close');
  }

  private join(client: Socket): void {
    const target = connect(this.targetPort, '127.0.0.1');
    client.on('data', (bytes) => this.pass(bytes, target));
    target.on('data', (bytes) => client.write(bytes));
    for (const [socket, other] of [
      [client, target],
      [target, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
  }

  private pass(bytes: Buffer, target: Socket): void {
    const isAwaited = this.#awaited !== undefined && bytes.includes(this.#awaited);
    const kept = this.#held.get(target) ?? (isAwaited ? [] : undefined);
    if (!kept) return void target.write(bytes);
    kept.push(bytes);
    this.#held.set(target, kept);
  }
}
