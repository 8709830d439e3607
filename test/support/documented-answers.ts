import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type DiagnosticsChannel, request } from 'undici';
import { ApiDocument, type OpenApiDocument, type WireAnswer } from './api-document.js';

type Request = DiagnosticsChannel.RequestCreateMessage['request'];

/** Some are enough to see what is wrong. */
const SHOWN_MAX = 10;

/**
 * Listens to every answer that this process gets from a server over undici, whoever asked, and holds it against the server's own
 * document. So each test that uses the API proves the document.
 */
export class DocumentedAnswers {
  readonly #answers = new WeakMap<Request, { status: number; headers: WireAnswer['headers']; chunks: Buffer[] }>();
  readonly #mistakes = new Set<string>();
  #checked = 0;

  private constructor(
    private readonly origin: string,
    readonly api: ApiDocument,
  ) {
    subscribe('undici:request:headers', this.#begin);
    subscribe('undici:request:bodyChunkReceived', this.#goOn);
    subscribe('undici:request:trailers', this.#end);
  }

  static async of(url: string): Promise<DocumentedAnswers> {
    const { body } = await request(`${url}/openapi.json`);
    return new DocumentedAnswers(url, new ApiDocument((await body.json()) as OpenApiDocument));
  }

  /** How many answers were held against the document so far. */
  get checked(): number {
    return this.#checked;
  }

  check(answer: WireAnswer): void {
    this.#checked += 1;
    const mistake = this.api.mistakeIn(answer);
    if (mistake !== undefined) this.#mistakes.add(`${answer.method} ${answer.path}: ${answer.status} ${mistake}`);
  }

  /** Ends the listening. @throws when an answer was not as documented. */
  close(): void {
    unsubscribe('undici:request:headers', this.#begin);
    unsubscribe('undici:request:bodyChunkReceived', this.#goOn);
    unsubscribe('undici:request:trailers', this.#end);
    const mistakes = [...this.#mistakes];
    if (mistakes.length === 0) return;
    throw new Error(
      `${mistakes.length} answers differ from /openapi.json:\n${mistakes.slice(0, SHOWN_MAX).join('\n')}`,
    );
  }

  readonly #begin = (message: unknown): void => {
    const { request, response } = message as DiagnosticsChannel.RequestHeadersMessage;
    if (request.origin?.toString() !== this.origin || response.statusCode < 200) return;
    this.#answers.set(request, { status: response.statusCode, headers: headersOf(response.headers), chunks: [] });
  };

  readonly #goOn = (message: unknown): void => {
    const { request, chunk } = message as DiagnosticsChannel.RequestBodyChunkReceivedMessage;
    this.#answers.get(request)?.chunks.push(Buffer.from(chunk));
  };

  /** Not called for an answer that breaks off. */
  readonly #end = (message: unknown): void => {
    const { request } = message as DiagnosticsChannel.RequestTrailersMessage;
    const answer = this.#answers.get(request);
    if (!answer) return;
    const { method = 'GET', path } = request;
    this.check({ method, path, ...answer, body: Buffer.concat(answer.chunks).toString('utf8') });
  };
}

/** Names and values by turns. */
function headersOf(raw: readonly Buffer[]): WireAnswer['headers'] {
  const headers: WireAnswer['headers'] = {};
  for (let i = 0; i < raw.length; i += 2) headers[String(raw[i]).toLowerCase()] = String(raw[i + 1]);
  return headers;
}
