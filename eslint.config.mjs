import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Style that runs. Every exception has its reason beside it. */

const PARAMS_MAX = 3;

/**
 * At most three parameters; a fourth becomes a named part of an object. ESLint's own `max-params` knows no exceptions, and these are needed:
 * - constructors, and the factories that call them for Nest: what a class stands on is a list, and Nest hands it over one by one;
 * - callbacks of a call, such as those of `it.each`: who calls them decides how many they get.
 */
const params = [
  'FunctionDeclaration',
  'VariableDeclarator > ArrowFunctionExpression',
  'MethodDefinition[kind!="constructor"] > FunctionExpression',
  'PropertyDefinition > ArrowFunctionExpression',
].map((fn) => ({
  selector: `${fn}[params.length>${PARAMS_MAX}]`,
  message: `More than ${PARAMS_MAX} parameters: name some of them as parts of one object.`,
}));

const environment = {
  selector: 'MemberExpression[object.name="process"][property.name="env"]',
  message: 'Settings are read once, at boot (src/config/settings.ts); take the value as a parameter.',
};

const asleep = 'Wait for the event, with eventually() of test/support, not for time.';

const FORGOTTEN = ['skip', 'only', 'todo', 'failing'];
const forgotten = [
  ...['describe', 'it', 'test'].flatMap((object) =>
    FORGOTTEN.map((property) => ({ object, property, message: 'A test runs, or does not exist.' })),
  ),
];
const FORGOTTEN_NAMES = ['fdescribe', 'fit', 'xdescribe', 'xit', 'xtest'];

export default defineConfig(
  { ignores: ['**/dist/', 'src/generated/', '.stampede/', 'coverage/', 'bench/results/', 'load-tests/reports/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },

  {
    files: ['**/*.{ts,mjs,cjs}'],
    rules: {
      // Blank lines are not counted: what bounds a file is what there is to read in it.
      'max-lines': ['error', { max: 200, skipBlankLines: true }],
      'max-lines-per-function': ['error', 40],
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx'], location: 'anywhere' }],
      'no-restricted-syntax': ['error', ...params],
      eqeqeq: 'error',
      curly: ['error', 'multi-line'],
      'prefer-const': 'error',
    },
  },

  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // A status, an outcome or a verdict that is added later must be answered wherever they are told apart.
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: false }],
      // Says what is gone at run time: an import of types alone must not load its file.
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      // A Nest module is a class without members; what it says stands in its decorator.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      // `() => done()` and `return done(problem)` say that nothing comes after it; braces around them say no more.
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      // A number in a message is what it looks like; objects and undefined stay forbidden.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `const { secret: _, ...others } = all` is how to leave one out.
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      // Nest declares the types of its options as classes, and takes object literals for them.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
    },
  },

  {
    files: ['src/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...params, environment],
      // What a process says goes through its logger, as JSON lines.
      'no-console': 'error',
    },
  },
  {
    // Factories of Nest providers, which get what a constructor gets (see `params`).
    files: ['src/**/*.module.ts'],
    rules: { 'no-restricted-syntax': ['error', environment] },
  },
  {
    // The programs: they hand the environment to those who check it, and speak before there is a logger.
    files: ['src/main.ts', 'src/launcher.ts', 'src/simulator.ts'],
    rules: { 'no-restricted-syntax': ['error', ...params], 'no-console': 'off' },
  },

  {
    files: ['test/**/*.{ts,mjs}'],
    rules: {
      'no-restricted-properties': ['error', ...forgotten],
      'no-restricted-globals': [
        'error',
        { name: 'setTimeout', message: asleep },
        ...FORGOTTEN_NAMES.map((name) => ({ name, message: 'A test runs, or does not exist.' })),
      ],
      'no-restricted-imports': [
        'error',
        {
          paths: ['node:timers', 'node:timers/promises', 'timers', 'timers/promises'].map((name) => ({
            name,
            message: asleep,
          })),
        },
      ],
    },
  },
  {
    // A `describe` is a function as long as all its tests; and one subject stays in one file, as a flat list of sentences.
    // The parameters of a test are the columns of a table, and those of its helper the parts of a request.
    // Jest types `expect.any()` and its like as any, which is what they stand for.
    files: ['test/**/*.spec.ts'],
    rules: {
      'max-lines-per-function': 'off',
      'max-lines': ['error', { max: 300, skipBlankLines: true }],
      'no-restricted-syntax': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
    },
  },
  {
    // The one place that waits for time, so that no test does.
    files: ['test/support/eventually.ts'],
    rules: { 'no-restricted-globals': 'off' },
  },

  {
    // Scripts and configuration in plain JavaScript: they run before TypeScript is installed, so there are no types to check.
    files: ['**/*.{mjs,cjs}'],
    extends: [tseslint.configs.strict],
    languageOptions: {
      globals: Object.fromEntries(
        [
          'process',
          'Buffer',
          'URL',
          'console',
          'fetch',
          'globalThis',
          'setTimeout',
          'clearTimeout',
          'AbortSignal',
          'WebAssembly',
          'performance',
        ].map((name) => [name, 'readonly']),
      ),
    },
    rules: {
      'no-undef': 'error',
      'no-unreachable': 'error',
      'no-dupe-keys': 'error',
      'no-const-assign': 'error',
      'no-import-assign': 'error',
      'no-self-assign': 'error',
      'no-constant-condition': ['error', { checkLoops: false }],
    },
  },
  {
    // `page.evaluate` runs in the browser.
    files: ['test/browser/*.mjs'],
    languageOptions: { globals: { document: 'readonly' } },
  },
  {
    // What runs in a browser, with its types in comments: `tsc -p src/pages/browser` checks them, and every name.
    files: ['src/pages/browser/*.mjs'],
    rules: { 'no-undef': 'off', 'no-console': 'error' },
  },
  {
    // CommonJS, since dependency-cruiser looks for its rules under this name.
    files: ['**/*.cjs'],
    languageOptions: { sourceType: 'commonjs', globals: { module: 'writable', require: 'readonly' } },
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
);
