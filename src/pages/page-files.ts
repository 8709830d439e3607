import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';

/** A file that browsers are given, as it stands in `browser/`. */
export interface PageFile {
  /** Where it is served. */
  path: string;
  type: string;
  /** Strong: of the bytes. */
  etag: string;
  body: Buffer;
}

const DIRECTORY = new URL('./browser/', import.meta.url);

const TYPES: Partial<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const PAGES: Partial<Record<string, string>> = { 'shop.html': '/', 'ops.html': '/ops' };

/** All of them, once: they are small (some 90 KiB together), and change only with the program. */
export function readPageFiles(): PageFile[] {
  return readdirSync(DIRECTORY).flatMap((name) => {
    const type = TYPES[extname(name)];
    if (!type) return []; // what only the type checker reads
    const body = readFileSync(new URL(name, DIRECTORY));
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    return [{ path: PAGES[name] ?? `/assets/${name}`, type, etag, body }];
  });
}
