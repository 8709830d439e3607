import { StandardSchemaValidationPipe, type ArgumentMetadata } from '@nestjs/common';
import { pointerOf, problemOfMismatches, type Mismatch } from './error-to-problem.js';

type Issues = Parameters<StandardSchemaValidationPipe['exceptionFactory']>[0];
type Issue = Issues[number] & { readonly code?: string; readonly keys?: readonly string[] };

class SchemaMismatch extends Error {
  constructor(readonly issues: Issues) {
    super();
  }
}

/**
 * Nest's pipe for `@Body({ schema })`, `@Query({ schema })` and `@Param('id', { schema })`, with answers that say which
 * part of the request is wrong and where. Made for Zod, whose `strictObject` refuses fields that it does not know.
 */
export class RequestSchemaPipe extends StandardSchemaValidationPipe {
  constructor() {
    super({ exceptionFactory: (issues) => new SchemaMismatch(issues) });
  }

  /** Throws a Problem: for a body invalid-body, unknown-field or invalid-field, for a query invalid-query, for a path parameter invalid-id. */
  override async transform<T>(value: T, metadata: ArgumentMetadata): Promise<T> {
    try {
      return await super.transform(value, metadata);
    } catch (error) {
      if (!(error instanceof SchemaMismatch)) throw error;
      throw problemOfMismatches(
        metadata.type,
        error.issues.flatMap((issue) => mismatchesOf(issue, metadata.data)),
      );
    }
  }
}

/** `field` is set when the schema is that of a single parameter instead of all of them. */
function mismatchesOf(issue: Issue, field: string | undefined): Mismatch[] {
  const path = [
    field ?? [],
    issue.path?.map((segment) => (typeof segment === 'object' ? segment.key : segment)) ?? [],
  ].flat();
  if (issue.code === 'unrecognized_keys' && issue.keys) {
    return issue.keys.map((key) => ({ kind: 'unknown', pointer: pointerOf([...path, key]), detail: 'is not known' }));
  }
  const isRoot = path.length === 0 && (issue.code === undefined || issue.code === 'invalid_type');
  return [{ kind: isRoot ? 'root' : 'value', pointer: pointerOf(path), detail: issue.message }];
}
