import { z } from 'zod'; // its JSON Schemas are those of OpenAPI 3.1: a library between the two would only add names for the same things
import type { JsonSchema, Shape } from './operation.js';

/** Whether a schema describes what comes in, before defaults are filled in, or what is there afterwards. */
export type Side = 'input' | 'output';

/** The schemas of one document: those with an id (`.meta({ id })`) stand among its components, once, and are referred to. */
export class DocumentSchemas {
  readonly components: Record<string, JsonSchema> = {};

  of(shape: Shape, side: Side): JsonSchema {
    if (!(shape instanceof z.ZodType)) return shape;
    const text = JSON.stringify(z.toJSONSchema(shape, { io: side }));
    const {
      $schema: _,
      $defs = {},
      ...schema
    } = JSON.parse(text.replaceAll('"#/$defs/', '"#/components/schemas/')) as {
      $defs?: Record<string, JsonSchema>;
      [keyword: string]: unknown;
    };
    Object.assign(this.components, $defs);
    return schema;
  }
}
