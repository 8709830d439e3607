import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { OperationDescription } from '../../platform/http/operation.js';
import { Problem, type ProblemType, problemTypes } from '../../platform/http/problem.js';
import { NOT_FOUND } from '../../platform/http/problems.js';
import { CACHED, sendPage, toHtml } from './html-page.js';

const typeShape = z
  .object({
    slug: z.string(),
    status: z.int().min(400).max(599),
    title: z.string(),
    when: z.string().meta({ description: 'When it is answered' }),
    next: z.string().meta({ description: 'What to do next' }),
  })
  .meta({ id: 'ProblemType', examples: [NOT_FOUND] });

const TAG = 'Documentation';

const LIST: OperationDescription = {
  id: 'listProblemTypes',
  tag: TAG,
  summary: 'Every problem type there is, as a page or as JSON',
  answers: { 200: { description: 'The types', body: z.object({ problems: z.array(typeShape) }), text: 'text/html' } },
  asksStores: false,
};

const READ: OperationDescription = {
  id: 'getProblemType',
  tag: TAG,
  summary: 'What a problem type means, and what to do about it, as a page or as JSON',
  params: { slug: z.string().meta({ examples: [NOT_FOUND.slug] }) },
  answers: { 200: { description: 'The type', body: typeShape, text: 'text/html' } },
  problems: [NOT_FOUND],
  asksStores: false,
};

/** `GET /problems` and `/problems/{slug}`: where the `type` of a problem document leads. A page, or JSON for who asks for that alone. */
export function registerProblemPages(server: FastifyInstance): void {
  const problems = problemTypes().sort((one, other) => one.status - other.status || one.slug.localeCompare(other.slug));

  server.get('/problems', { config: { access: 'public', operation: LIST } }, (request, reply) => {
    reply.header('vary', 'accept');
    if (wantsJson(request)) return reply.header('cache-control', CACHED).send({ problems });
    return sendPage(reply, 'Problems', `<h1>Problems</h1><table>${problems.map(rowOf).join('')}</table>`);
  });

  const config = { access: 'public' as const, operation: READ };
  server.get<{ Params: { slug: string } }>('/problems/:slug', { config }, (request, reply) => {
    const type = problems.find(({ slug }) => slug === request.params.slug);
    if (!type) throw new Problem(NOT_FOUND, 'There is no such problem type. `/problems` lists all.');
    reply.header('vary', 'accept');
    if (wantsJson(request)) return reply.header('cache-control', CACHED).send(type);
    return sendPage(reply, type.title, articleOf(type));
  });
}

const wantsJson = ({ headers: { accept = '' } }: FastifyRequest): boolean =>
  accept.includes('json') && !accept.includes('text/html');

const rowOf = ({ slug, status, title }: ProblemType): string =>
  `<tr><td>${status}</td><td><a href="/problems/${slug}"><code>${slug}</code></a></td><td>${toHtml(title)}</td></tr>`;

const articleOf = ({ slug, status, title, when, next }: ProblemType): string =>
  `<h1>${toHtml(title)}</h1><p>Status ${status}, type <code>/problems/${slug}</code></p>` +
  `<dl><dt>When</dt><dd>${toHtml(when)}</dd><dt>What to do next</dt><dd>${toHtml(next)}</dd></dl>` +
  `<p><a href="/problems">All problems</a> · <a href="/docs">The API</a></p>`;
