import type { RouteOptions } from 'fastify';

/** A route as the server was told of it. `url` is the router's pattern, such as `/things/:id`. */
export type KnownRoute = Pick<RouteOptions, 'url' | 'method' | 'config'>;

/**
 * Remembers every route: which methods an address knows, to tell a wrong method (405) from a wrong address (404), which the router
 * does not; and what the routes say of themselves.
 */
export class KnownRoutes {
  readonly #routes = new Map<string, { pattern: RegExp; methods: Set<string> }>();
  readonly all: KnownRoute[] = [];

  /** To be called for every route, HEAD routes included. */
  add(known: KnownRoute): void {
    this.all.push(known);
    const { url, method } = known;
    let route = this.#routes.get(url);
    if (!route) this.#routes.set(url, (route = { pattern: patternOf(url), methods: new Set() }));
    for (const each of [method].flat()) route.methods.add(each);
  }

  /** The methods known at the address of a request, sorted; none if there is nothing at it. */
  methodsAt(url: string): string[] {
    const [path = ''] = url.split('?', 1);
    const methods = [...this.#routes.values()]
      .filter(({ pattern }) => pattern.test(path))
      .flatMap((route) => [...route.methods]);
    return [...new Set(methods)].sort();
  }
}

function patternOf(url: string): RegExp {
  const segments = url.split('/').map((segment) => {
    if (segment === '*') return '.*';
    return segment.includes(':') ? '[^/]+' : segment.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  });
  return new RegExp(`^${segments.join('/')}$`);
}
