/** Who may import whom, as ARCHITECTURE.md draws it: main -> app.module -> stations -> shared nouns -> platform. */

const STATIONS =
  'sales|admission|intake|persistence|outbox|payment|rewards|expiry|compensation|guard|reconciliation|dead-letters|pages';
const NOUNS = 'orders|stock|order-stream|ledger|settings';
const ASSEMBLY = [
  '\\.module\\.ts$',
  '^src/main\\.ts$',
  '^src/app\\.module\\.ts$',
  '^src/(require-stores|command-line)\\.ts$',
];
const LAUNCHER = ['^src/launcher\\.ts$', '^src/launcher/'];
/** A program beside the application, as the launcher is: who holds the money, for development. */
const SIMULATOR = ['^src/simulator\\.ts$', '^src/simulator/'];

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'stations-meet-only-in-messages',
      comment:
        'A station hands an order on through the stream, the outbox or a queue; it never calls another station. So each can be stopped, repeated and scaled alone. (What an outbox event is made of is the next rule.)',
      severity: 'error',
      from: { path: `^src/(${STATIONS})/` },
      to: { path: `^src/(${STATIONS})/`, pathNot: ['^src/$1/', '^src/outbox/'] },
    },
    {
      name: 'outbox-is-written-through-one-door',
      comment:
        "Others write an event next to the change it announces (append-event.ts), and strike it off with its effect (event-job.ts), each in their own transaction. How events are sent on is the outbox station's matter.",
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/outbox/', '^src/app\\.module\\.ts$'] },
      to: { path: '^src/outbox/', pathNot: '^src/outbox/(append-event|event-job)\\.ts$' },
    },
    {
      name: 'nouns-know-no-station',
      comment:
        'Stations share the nouns. A noun that knew a station would tie every other station to it, and could not be read alone. What it changes it announces, as stations do: append-event.ts.',
      severity: 'error',
      from: { path: `^src/(${NOUNS})/` },
      to: { path: `^src/(${STATIONS})/`, pathNot: '^src/outbox/append-event\\.ts$' },
    },
    {
      name: 'ground-knows-no-business',
      comment: 'platform and config would serve another business unchanged: that is what keeps them small.',
      severity: 'error',
      from: { path: '^src/(platform|config)/' },
      to: { path: `^src/(${STATIONS}|${NOUNS})/` },
    },
    {
      name: 'nothing-reaches-up',
      comment:
        'Programs assemble, nobody assembles them. The launcher only starts the programs, as processes of their own.',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: LAUNCHER },
      to: { path: ['^src/[^/]+\\.ts$', '^src/launcher/'] },
    },
    {
      name: 'the-simulator-is-somebody-else',
      comment: 'A gateway is another company: it shares nothing with us but the wire. Only the ground is lent to it.',
      severity: 'error',
      from: { path: '^src/', pathNot: SIMULATOR },
      to: { path: SIMULATOR },
    },
    {
      name: 'the-simulator-knows-nothing-of-us',
      comment: 'As above, the other way round.',
      severity: 'error',
      from: { path: SIMULATOR },
      to: { path: '^src/', pathNot: [...SIMULATOR, '^src/platform/'] },
    },
    {
      name: 'settings-are-handed-in',
      comment:
        'Only what assembles the program sees the settings, and what changes them while it runs; a class takes the plain values it needs, so it says what it depends on and a test can give them.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/(config|settings)/', ...ASSEMBLY, ...LAUNCHER] },
      to: { path: '^src/config/' },
    },
    {
      name: 'embedded-servers-are-for-development',
      comment: 'A process in production never starts a database of its own. Only the launcher, tests and scripts do.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/platform/embedded/', ...LAUNCHER] },
      to: { path: '^src/platform/embedded/' },
    },
    {
      name: 'production-code-imports-production-packages',
      comment: 'The image holds no development packages. Those who run only in development may import them.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/platform/embedded/', ...LAUNCHER] },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'nothing-imports-tests',
      comment: 'Neither tests nor scripts are compiled into the program.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|scripts|bench|load-tests)/' },
    },
    {
      name: 'no-cycles',
      comment:
        'In a cycle no file can be understood, tested or loaded first. A cycle of types alone counts too: it says that two files are one, or lack a third.',
      severity: 'error',
      from: { pathNot: '^src/generated/' },
      to: { circular: true },
    },
    {
      name: 'no-index-files',
      comment: 'A file that only passes others on hides who needs whom. Import the file that has it.',
      severity: 'error',
      from: { path: '(^|/)index\\.ts$', pathNot: '^src/generated/' },
      to: {},
    },
    {
      name: 'no-orphans',
      comment: 'A file that nobody imports and that imports nobody is left over. Programs are started, not imported.',
      severity: 'error',
      from: { orphan: true, pathNot: ['^src/generated/', '\\.d\\.m?ts$'] },
      to: {},
    },
    {
      name: 'imports-exist',
      comment: 'An import that cannot be found is none that these rules can judge.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '^src/generated/'] },
    tsConfig: { fileName: 'tsconfig.json' },
    // Also imports of types alone: they say as much about who knows whom.
    tsPreCompilationDeps: true,
    // Sources import what they will be compiled to: './stock.js' is './stock.ts'.
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.mjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
