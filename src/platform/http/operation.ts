import type { z } from 'zod';
import type { ProblemType } from './problem.js';

/**
 * What a route says of itself, beside its handler: `config.operation` of a Fastify route, `@Operation` of a Nest handler. The
 * OpenAPI document is made of these, and of the very schemas that check the requests and type the answers.
 */
export interface OperationDescription {
  /** camelCase. Generated clients name a method by it, so it never changes. */
  readonly id: string;
  readonly tag: string;
  /** One line without a full stop. */
  readonly summary: string;
  readonly description?: string;
  /** Parts of the path that are no identifiers (lower-case UUIDs), which the others are. */
  readonly params?: Readonly<Record<string, Shape>>;
  readonly query?: z.ZodObject;
  readonly headers?: Readonly<Record<string, RequestHeader>>;
  readonly body?: Shape;
  /** By status: the answers that are no problems. */
  readonly answers: Readonly<Record<number, AnswerDescription>>;
  /** Those that do not follow from access, path, query, body and headers. */
  readonly problems?: readonly ProblemType[];
  /** False when it answers without any store, and so is never `store-unavailable`. */
  readonly asksStores?: boolean;
}

/** A Zod schema, or a JSON Schema (2020-12) as Fastify compiles it. */
export type Shape = z.ZodType | JsonSchema;
export type JsonSchema = Readonly<Record<string, unknown>>;

export interface AnswerDescription {
  readonly description: string;
  /** Of a JSON body. */
  readonly body?: Shape;
  /** The media type of a body that is no JSON, without parameters. */
  readonly text?: string;
  readonly headers?: Readonly<Record<string, AnswerHeader>>;
}

export interface RequestHeader {
  readonly description: string;
  readonly shape: Shape;
  /** Whether the operation refuses a request without it. */
  readonly required: boolean;
  /** What is answered when it is missing or wrong. */
  readonly problems: readonly ProblemType[];
}

export interface AnswerHeader {
  readonly description: string;
  /** Whether every such answer has it. */
  readonly required: boolean;
  readonly shape?: JsonSchema;
}

export const LOCATION: AnswerHeader = { description: 'The path of what was made', required: true };
export const ETAG: AnswerHeader = { description: 'The version of what is shown', required: true };
