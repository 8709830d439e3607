/** @import { Answer, Problem } from './types.mjs' */
import { NOBODY_ANSWERS, problemOf } from './problem.mjs';

/** Longer than the API takes to say that it does not know (1 s), and shorter than a person waits. */
const TIMEOUT_MS = 10_000;

/**
 * Asks the API, with the token of the session if there is one.
 *
 * Promises:  what goes wrong is a value, never thrown: a problem of the API, or that nobody answered.
 * Does not:  ask again. Whether that is right is known to those who ask.
 */
export class Api {
  #session;

  /** @param {import('./session.mjs').Session} session */
  constructor(session) {
    this.#session = session;
  }

  /**
   * @template T
   * @param {string} path
   * @returns {Promise<Answer<T>>}
   */
  get(path) {
    return this.#ask(path, {}, (response) => response.json());
  }

  /**
   * @param {string} path
   * @returns {Promise<Answer<string>>}
   */
  getText(path) {
    return this.#ask(path, {}, (response) => response.text());
  }

  /**
   * @template T
   * @param {string} path
   * @param {{ body?: object, key?: string }} [options] `key` is the idempotency key.
   * @returns {Promise<Answer<T>>}
   */
  post(path, { body, key } = {}) {
    const headers = {
      ...(body && { 'content-type': 'application/json' }),
      ...(key && { 'idempotency-key': key }),
    };
    const request = { method: 'POST', headers, ...(body && { body: JSON.stringify(body) }) };
    return this.#ask(path, request, (response) => response.json());
  }

  /**
   * An answer that goes on until it is aborted.
   *
   * @param {string} path
   * @param {AbortSignal} signal
   * @returns {Promise<Answer<ReadableStream<Uint8Array>>>}
   */
  stream(path, signal) {
    return this.#ask(path, { signal }, async (response) => /** @type {ReadableStream} */ (response.body));
  }

  /**
   * @template T
   * @param {string} path
   * @param {RequestInit} request
   * @param {(response: Response) => Promise<T>} read
   * @returns {Promise<Answer<T>>}
   */
  async #ask(path, request, read) {
    const { token } = this.#session;
    try {
      const response = await fetch(path, {
        cache: 'no-store',
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...request,
        headers: { ...request.headers, ...(token && { authorization: `Bearer ${token}` }) },
      });
      if (response.ok) return { ok: true, body: await read(response) };
      const problem = await problemOf(response);
      if (problem.status === 401 || problem.status === 403) this.#session.refuse(token, problem);
      return { ok: false, problem };
    } catch {
      return { ok: false, problem: NOBODY_ANSWERS };
    }
  }
}
