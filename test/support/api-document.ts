import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

/** One answer as it came over the wire. Header names are in lower case. */
export interface WireAnswer {
  method: string;
  /** With or without a query. */
  path: string;
  status: number;
  headers: Record<string, string | undefined>;
  body: string;
}

interface Schema {
  $ref?: string;
}

interface DocumentedAnswer {
  headers: Record<string, Schema & { required?: boolean }>;
  content?: Record<string, unknown>;
}

export interface DocumentedOperation {
  operationId: string;
  summary: string;
  security?: { bearer: string[] }[];
  parameters: { name: string; in: string; required: boolean }[];
  requestBody?: unknown;
  responses: Record<string, DocumentedAnswer>;
}

export interface OpenApiDocument {
  info: { version: string };
  paths: Record<string, Record<string, DocumentedOperation>>;
  components: { schemas: Record<string, Record<string, unknown>>; headers: Record<string, { required: boolean }> };
}

/** Pages for browsers, which the document leaves out. */
const PAGES = /^\/(?:$|ops(?:\/|$)|docs\/|assets\/)/;

/** What a server says of itself in /openapi.json, to hold its answers against. */
export class ApiDocument {
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });
  readonly #paths: { pattern: RegExp; path: string }[];

  constructor(readonly document: OpenApiDocument) {
    addFormats.default(this.#ajv);
    this.#ajv.addSchema(document, 'api');
    this.#paths = Object.keys(document.paths)
      .sort((one, other) => one.split('{').length - other.split('{').length) // a word before a parameter
      .map((path) => ({ path, pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`) }));
  }

  /** What is wrong with an answer, as the document has it; undefined when nothing is. */
  mistakeIn(answer: WireAnswer): string | undefined {
    const [path = ''] = answer.path.split('?', 1);
    const known = this.#paths.find(({ pattern }) => pattern.test(path))?.path;
    const method = answer.method === 'HEAD' ? 'get' : answer.method.toLowerCase();
    const operation = known === undefined ? undefined : this.document.paths[known]?.[method];
    if (known === undefined || !operation) return PAGES.test(path) ? undefined : this.#mistakeInRefusal(answer);
    const pointer = ['paths', known, method, 'responses', String(answer.status)];
    const documented = operation.responses[answer.status];
    if (!documented) return `${operation.operationId} is not documented to answer ${answer.status}`;
    return this.#mistakeInHeaders(documented, pointer, answer) ?? this.#mistakeInBody(documented, pointer, answer);
  }

  /** What is wrong with a value, according to a schema at a place of the document. */
  mistakeAt(pointer: readonly string[], value: unknown): string | undefined {
    const uri = `api#/${pointer.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`;
    const validate = this.#ajv.getSchema(uri);
    if (!validate) return `there is no schema at ${uri}`;
    return validate(value) ? undefined : this.#ajv.errorsText(validate.errors);
  }

  /** Where nothing is documented, nothing may answer. */
  #mistakeInRefusal({ status, headers, body }: WireAnswer): string | undefined {
    if (status !== 404 && status !== 405 && status !== 414 && status !== 503) {
      return `is not documented, and answers ${status}`;
    }
    if (status === 405 && !headers.allow) return 'answers 405 without Allow';
    return body === '' ? undefined : this.mistakeAt(['components', 'schemas', 'Problem'], parsed(body));
  }

  #mistakeInHeaders(documented: DocumentedAnswer, pointer: readonly string[], answer: WireAnswer): string | undefined {
    for (const [name, header] of Object.entries(documented.headers)) {
      const place = header.$ref === undefined ? [...pointer, 'headers', name] : ['components', 'headers', name];
      const { required } = header.$ref === undefined ? header : (this.document.components.headers[name] ?? header);
      const value = answer.headers[name.toLowerCase()];
      if (value === undefined && required) return `has no ${name}`;
      const mistake = value === undefined ? undefined : this.mistakeAt([...place, 'schema'], value);
      if (mistake !== undefined) return `has a wrong ${name}: ${mistake}`;
    }
    return undefined;
  }

  #mistakeInBody({ content }: DocumentedAnswer, pointer: readonly string[], answer: WireAnswer): string | undefined {
    if (answer.method === 'HEAD') return undefined;
    if (!content) return answer.body === '' ? undefined : 'has a body, and is documented without one';
    const [type = ''] = (answer.headers['content-type'] ?? '').split(';', 1);
    if (!(type in content)) {
      return `has the content type '${type}', and is documented to have ${Object.keys(content).join(', ')}`;
    }
    const value: unknown = type.endsWith('json') ? parsed(answer.body) : answer.body;
    return this.mistakeAt([...pointer, 'content', type, 'schema'], value);
  }
}

/** Undefined, which no schema allows, when it is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
