import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** Takes a port of 127.0.0.1, any when none is given, until `close`. */
export async function takePort(port = 0): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const taken = await takePort();
  await taken.close();
  return taken.port;
}
