/** Remembers which methods every address knows, to tell a wrong method (405) from a wrong address (404), which the router does not. */
export class KnownRoutes {
  readonly #routes = new Map<string, { pattern: RegExp; methods: Set<string> }>();

  /** To be called for every route, HEAD routes included. `url` is the router's pattern, such as `/things/:id`. */
  add({ url, method }: { url: string; method: string | string[] }): void {
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
