import { isUtf8 } from 'node:buffer';
import { Problem } from './problem.js';
import { MALFORMED_JSON } from './problems.js';

/**
 * Reads JSON so that every reader of the same bytes sees the same value.
 *
 * JSON.parse alone lets through what other programs read differently or refuse: duplicate keys (which one
 * counts?), NUL (Postgres refuses it), lone surrogates (no UTF-8), `__proto__` (a prototype, once it is copied).
 */

/** No body of any API nests deeper than a handful of levels; recursive readers behind us stay far from their limits. */
const DEPTH_MAX = 32;

const COLON = 0x3a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The value of a JSON body. Throws a Problem (malformed-json) for everything that is not strict JSON in UTF-8, an empty body included. */
export function parseStrictJson(body: Buffer): unknown {
  if (!isUtf8(body)) throw malformed('The body is not valid UTF-8.');
  const text = body.toString('utf8');
  const value = parse(text);

  const { colons, depth, escapes } = punctuationOf(text);
  if (depth > DEPTH_MAX) throw malformed(`The body nests deeper than ${DEPTH_MAX} levels.`);
  if (colons <= 1 && !escapes && !text.includes('__proto__')) return value; // one plain key: none of the checks below can fail
  if (countKeys(value) !== colons) throw malformed('The body has the same key twice.');
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed('The body is not JSON.'); // a byte order mark ends here too: it is no white space of JSON
  }
}

/** Counts in text that is known to be valid JSON, where a colon outside of strings always follows a key. */
function punctuationOf(text: string): { colons: number; depth: number; escapes: boolean } {
  let [colons, depth, level] = [0, 0, 0];
  let [inString, escapes] = [false, false];
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === BACKSLASH) {
      escapes = true;
      i++;
    } else if (char === QUOTE) inString = !inString;
    else if (inString) continue;
    else if (char === COLON) colons++;
    else if (char === 0x7b || char === 0x5b) depth = Math.max(depth, ++level);
    else if (char === 0x7d || char === 0x5d) level--;
  }
  return { colons, depth, escapes };
}

/**
 * The number of keys in the value, after looking at each of them and at every string. The text had one colon per
 * key that was written, the value has one key per key that survived: a difference means that a key was repeated.
 */
function countKeys(value: unknown): number {
  if (typeof value === 'string') checkText(value);
  if (typeof value !== 'object' || value === null) return 0;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + countKeys(item), 0);
  let keys = 0;
  for (const [key, field] of Object.entries(value)) {
    checkText(key);
    if (key === '__proto__') throw malformed('The body has a key that is not allowed.');
    if (key === 'constructor' && isObject(field) && Object.hasOwn(field, 'prototype')) {
      throw malformed('The body has a key that is not allowed.');
    }
    keys += 1 + countKeys(field);
  }
  return keys;
}

function checkText(text: string): void {
  if (text.includes('\0')) throw malformed('The body holds a NUL character.');
  if (!text.isWellFormed()) throw malformed('The body holds half of a surrogate pair.');
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

const malformed = (detail: string): Problem => new Problem(MALFORMED_JSON, detail);
