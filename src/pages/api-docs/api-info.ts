import { readFileSync } from 'node:fs';
import type { ApiInfo } from '../../platform/http/openapi.js';

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** What the document says of the whole API, and of no operation alone. */
export const API_INFO: ApiInfo = {
  title: 'Stampede',
  version,
  description: `A flash-sale backend that never oversells and never loses an order it accepted.

- Times are RFC 3339 in UTC. Money is in integer minor units: \`priceMinor: 1999\` with \`USD\` is 19.99 USD. Identifiers are lower-case UUIDs.
- A token is a JWT with \`sub\`, \`exp\` and \`role\` (\`buyer\`, which is the default, or \`admin\`); an admin may do what a buyer may.
- Every answer that is no success is a problem document (RFC 9457), and its \`type\` is [one of a closed list](/problems). What is wrong is
  looked for in this order: address, method, credentials, content type, size, JSON, fields, key, sale.
- A path that does not exist is answered 404 \`not-found\`, a method that a path does not know 405 \`method-not-allowed\` with \`Allow\`.
- The HTTP parser itself answers 400, 408, 417 and 431, without a body, and closes the connection.
- Every GET also answers HEAD, except for event streams.
- A client ignores fields that it does not know: more may come.`,
};
