import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyContextConfig, FastifyRequest } from 'fastify';
import type { Caller, Role } from './access-token.js';
import type { OperationDescription } from './operation.js';

/** Who may call a route. An admin may do what a buyer may. */
export type AccessRule = 'public' | Role;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A route that does not say who may call it is for admins. */
    access?: AccessRule;
    /** The handler gets the bytes of the body as a Buffer, of whatever content type, unparsed: for signatures over the raw body. */
    rawBody?: boolean;
    /** What the OpenAPI document says of the route; `page` for pages and their parts, which are for browsers and no part of the API. */
    operation?: OperationDescription | 'page';
  }
  interface FastifyRequest {
    /** Who calls; null on a public route, where nobody is asked. Set before the body is read. */
    caller: Caller | null;
  }
}

/** The caller of a route that is not public. Throws on a public route: asking there is a bug. */
export function callerOf(request: FastifyRequest): Caller {
  if (request.caller === null) throw new Error('Bug: a public route has no caller');
  return request.caller;
}

type Handler = (...args: never[]) => unknown;

/** What handlers say of themselves; what their controller says does not change that. */
const configs = new WeakMap<Handler, FastifyContextConfig>();

function configure(handler: Handler, part: FastifyContextConfig): void {
  const config = { ...configs.get(handler), ...part };
  configs.set(handler, config);
  RouteConfig(config)(handler);
}

/** Says who may call a Nest handler, or all handlers of a controller that do not say so themselves. */
export const Access =
  (access: AccessRule, config: Omit<FastifyContextConfig, 'access'> = {}): ClassDecorator & MethodDecorator =>
  (target: object, _key?: string | symbol, method?: PropertyDescriptor) => {
    const handlers = method
      ? [method.value as Handler]
      : handlersOf(target as { prototype: object }).filter((handler) => !configs.get(handler)?.access);
    for (const handler of handlers) configure(handler, { ...config, access });
  };

/** Describes a Nest handler. */
export const Operation =
  (operation: OperationDescription): MethodDecorator =>
  (_target, _key, method) =>
    configure(method.value as Handler, { operation });

const handlersOf = ({ prototype }: { prototype: object }): Handler[] =>
  Object.values(Object.getOwnPropertyDescriptors(prototype))
    .map(({ value }): unknown => value)
    .filter((value) => typeof value === 'function') as Handler[];

/** The caller of a Nest handler, as `callerOf` returns it. */
export const CurrentCaller = createParamDecorator((_: unknown, context: ExecutionContext): Caller =>
  callerOf(context.switchToHttp().getRequest()),
);
