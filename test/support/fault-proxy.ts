import { connect, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

/** What becomes of bytes that pass. `lose-requests` and `lose-replies` keep the connection open, as a black hole does. */
export type Fault = 'none' | 'lose-requests' | 'lose-replies';

/** A TCP proxy that loses what it is told to lose. */
export class FaultProxy {
  fault: Fault = 'none';
  readonly #sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly targetPort: number,
  ) {
    server.on('connection', (client) => this.join(client));
  }

  static async before(targetPort: number): Promise<FaultProxy> {
    const server = createServer();
    const proxy = new FaultProxy(server, targetPort);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  /** Ends all connections, as a reset does; new ones may come. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.server.close();
    this.cut();
    await once(this.server, 'close');
  }

  private join(client: Socket): void {
    const target = connect(this.targetPort, '127.0.0.1');
    client.on('data', (bytes) => this.fault !== 'lose-requests' && target.write(bytes));
    target.on('data', (bytes) => this.fault !== 'lose-replies' && client.write(bytes));
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
}
