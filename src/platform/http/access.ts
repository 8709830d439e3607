import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyContextConfig, FastifyRequest } from 'fastify';
import type { Caller, Role } from './access-token.js';

/** Who may call a route. An admin may do what a buyer may. */
export type AccessRule = 'public' | Role;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A route that does not say who may call it is for admins. */
    access?: AccessRule;
    /** The handler gets the bytes of the body as a Buffer, of whatever content type, unparsed: for signatures over the raw body. */
    rawBody?: boolean;
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

/** Handlers that say themselves who may call them; what their controller says does not change that. */
const outspoken = new WeakSet<object>();

type Handler = (...args: never[]) => unknown;

/** Says who may call a Nest handler, or all handlers of a controller that do not say so themselves. */
export const Access =
  (access: AccessRule, config: Omit<FastifyContextConfig, 'access'> = {}): ClassDecorator & MethodDecorator =>
  (target: object, _key?: string | symbol, method?: PropertyDescriptor) => {
    const rule = RouteConfig({ ...config, access });
    if (method) {
      outspoken.add(method.value as Handler);
      rule(method.value as Handler);
    } else {
      const silent = handlersOf(target as { prototype: object }).filter((handler) => !outspoken.has(handler));
      silent.forEach((handler) => rule(handler));
    }
  };

const handlersOf = ({ prototype }: { prototype: object }): Handler[] =>
  Object.values(Object.getOwnPropertyDescriptors(prototype))
    .map(({ value }): unknown => value)
    .filter((value) => typeof value === 'function') as Handler[];

/** The caller of a Nest handler, as `callerOf` returns it. */
export const CurrentCaller = createParamDecorator((_: unknown, context: ExecutionContext): Caller =>
  callerOf(context.switchToHttp().getRequest()),
);
