/** @import { Problem } from './types.mjs' */

/**
 * The token of this window. It comes in the fragment of the address (`#token=…`), which a browser never sends, or is
 * pasted; it is kept until the window is closed.
 *
 * Emits `change` when there is another token, or none any more.
 */
export class Session extends EventTarget {
  /** Why the last token is not used any more. @type {Problem | null} */
  refusal = null;
  #name;
  /** @type {string | null} */
  #token;

  /** @param {string} name under which it is kept: the two pages have tokens of their own */
  constructor(name) {
    super();
    this.#name = `stampede.${name}`;
    this.#token = fromAddress() ?? sessionStorage.getItem(this.#name);
    if (this.#token) sessionStorage.setItem(this.#name, this.#token);
    addEventListener('hashchange', () => {
      const token = fromAddress();
      if (token) this.adopt(token);
    });
  }

  get token() {
    return this.#token;
  }

  /** Who the token says we are, for the eye only: only the API can tell whether it is true. */
  get subject() {
    try {
      const [, payload = ''] = (this.#token ?? '').split('.');
      const bytes = Uint8Array.from(atob(payload.replace(/-/g, '+').replace(/_/g, '/')), (char) => char.charCodeAt(0));
      return String(JSON.parse(new TextDecoder().decode(bytes)).sub);
    } catch {
      return 'unknown';
    }
  }

  /** @param {string} token */
  adopt(token) {
    sessionStorage.setItem(this.#name, token);
    this.#set(token, null);
  }

  leave() {
    sessionStorage.removeItem(this.#name);
    this.#set(null, null);
  }

  /**
   * The API does not take this token. Says nothing about another one that came meanwhile.
   *
   * @param {string | null} token
   * @param {Problem} problem
   */
  refuse(token, problem) {
    if (token !== this.#token) return;
    sessionStorage.removeItem(this.#name);
    this.#set(null, problem);
  }

  /**
   * @param {string | null} token
   * @param {Problem | null} refusal
   */
  #set(token, refusal) {
    this.#token = token;
    this.refusal = refusal;
    this.dispatchEvent(new Event('change'));
  }
}

/** What the address hands over, which is taken out of it at once: it must not be seen, copied or kept. */
function fromAddress() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token !== null) history.replaceState(history.state, '', location.pathname + location.search);
  return token?.trim() || null;
}
