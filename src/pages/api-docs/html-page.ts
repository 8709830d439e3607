import { createHash } from 'node:crypto';
import type { FastifyReply } from 'fastify';

/** Changes with the program only; a page of the one before is right enough for as long. */
export const CACHED = 'public, max-age=300';

const STYLE = `
  :root { color-scheme: light dark; }
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; }
  h1 { font-size: 1.5rem; line-height: 1.25; }
  dt { font-weight: 600; margin-top: 1rem; }
  dd { margin: 0; }
  td { padding: 0.25rem 1rem 0.25rem 0; vertical-align: top; }
`;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** Nothing is loaded, and the page stands in no frame. */
const POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** Sends a page of text. @param body HTML. */
export function sendPage(reply: FastifyReply, title: string, body: string): FastifyReply {
  return reply
    .type('text/html; charset=utf-8')
    .header('cache-control', CACHED)
    .header('content-security-policy', POLICY)
    .send(
      `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
        `<title>${toHtml(title)} – Stampede</title><style>${STYLE}</style></head><body><main>${body}</main></body></html>`,
    );
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Plain text in which backticks set code apart. */
export const toHtml = (text: string): string =>
  text.replace(/[&<>"]/g, (char) => ENTITIES[char] ?? char).replace(/`([^`]+)`/g, '<code>$1</code>');
