/**
 * Makes a clone ready to run: packages installed, Prisma client generated, sources compiled. Does only what is missing,
 * so it costs a fraction of a second when there is nothing to do.
 *
 * As a program: `node scripts/prepare.mjs [--check | --no-build]`. Needs no package, since it is what installs them.
 * `--check` only looks at the machine. `npm start` does so before its `exec`, which Windows does not know, and which
 * puts the launcher in the place of npm's shell: that shell would not hand signals on, nor its exit status back.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { alone } from './alone.mjs';

/** The clone: every path here is below it. */
export const CLONE = fileURLToPath(new URL('..', import.meta.url));

/** sysexits.h EX_CONFIG. */
export const EXIT_CONFIGURATION = 78;

/** The first with `require` of ES modules, which NestJS 12 needs. */
const NODE_MIN = [20, 19];

/** What the Prisma client is made from, and what the program is compiled from. */
const CLIENT_SOURCES = ['package-lock.json', 'prisma/schema.prisma', 'prisma.config.ts'];
const PROGRAM_SOURCES = [...CLIENT_SOURCES, 'src', 'nest-cli.json', 'tsconfig.json', 'tsconfig.build.json', '.swcrc'];
/** Made by the build itself. */
const GENERATED = 'src/generated';

/** A mistake its reader can mend, as one line. */
export class PrepareError extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Throws a PrepareError. Two that prepare the same clone at the same time wait for each other. */
export async function prepare({ build = true } = {}) {
  refuseUnfitMachine();
  await alone(realpathSync(CLONE), async () => {
    if (!isInstalled()) {
      await step('Installing packages (npm ci)', () =>
        npm(['ci', '--include=dev', '--include=optional', '--prefer-offline']),
      );
    }
    if (build) await unlessStamped('dist', PROGRAM_SOURCES, { label: 'Compiling (npm run build)', script: 'build' });
    else await unlessStamped(GENERATED, CLIENT_SOURCES, { label: 'Generating the Prisma client', script: 'generate' });
  });
}

function refuseUnfitMachine() {
  if (process.platform === 'win32') {
    throw new PrepareError(
      'Windows is not supported directly: run this inside WSL, or use docker compose',
      EXIT_CONFIGURATION,
    );
  }
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])) return;
  throw new PrepareError(
    `Node ${NODE_MIN.join('.')} or newer is needed, this is ${process.versions.node}: install it from nodejs.org`,
    EXIT_CONFIGURATION,
  );
}

/**
 * Whether node_modules holds what package-lock.json asks for. npm writes its own record last, so an interrupted
 * installation has none. Packages for other platforms are optional and missing.
 */
function isInstalled() {
  const record = 'node_modules/.package-lock.json';
  if (!existsSync(join(CLONE, record))) return false;
  const wanted = JSON.parse(readFileSync(join(CLONE, 'package-lock.json'), 'utf8')).packages;
  const present = JSON.parse(readFileSync(join(CLONE, record), 'utf8')).packages;
  const complete = Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === '' || (present[path] ? present[path].version === version : optional === true),
  );
  return complete && Object.keys(present).every((path) => path in wanted);
}

/** Runs an npm script unless it ran before on the very same sources; the stamp lies in what it makes and goes with it. */
async function unlessStamped(made, sources, { label, script }) {
  const stamp = join(CLONE, made, '.stamp');
  const digest = digestOf(sources);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  await step(label, () => npm(['run', '--silent', script]));
  writeFileSync(stamp, digest);
}

function digestOf(sources) {
  const hash = createHash('sha256').update(process.versions.node);
  for (const file of sources.flatMap(filesIn).sort()) {
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(join(CLONE, file)));
  }
  return hash.digest('hex');
}

function filesIn(path) {
  if (path === GENERATED) return [];
  const kind = statSync(join(CLONE, path), { throwIfNoEntry: false });
  if (!kind?.isDirectory()) return kind ? [path] : [];
  return readdirSync(join(CLONE, path)).flatMap((name) => filesIn(`${path}/${name}`));
}

async function step(label, work) {
  const startedAt = Date.now();
  process.stdout.write(`  ${label} `);
  try {
    await work();
  } catch (error) {
    process.stdout.write('\n');
    throw error;
  }
  process.stdout.write(
    `${'.'.repeat(Math.max(3, 52 - label.length))} ${((Date.now() - startedAt) / 1000).toFixed(1)} s\n`,
  );
}

/** Quiet unless it fails: then everything it said is shown. */
function npm(args) {
  return new Promise((resolve, reject) => {
    const viaNpm = process.env.npm_execpath; // the npm that runs us, when one does
    const [command, first] = viaNpm?.endsWith('.js') ? [process.execPath, [viaNpm]] : ['npm', []];
    const child = spawn(command, [...first, ...args], { cwd: CLONE, stdio: ['ignore', 'pipe', 'pipe'] });
    const said = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => said.push(chunk));
    child.once('error', () =>
      reject(
        new PrepareError('npm is not on the PATH: install it (it comes with Node from nodejs.org)', EXIT_CONFIGURATION),
      ),
    );
    child.once('close', (code) => {
      if (code === 0) return resolve();
      reject(
        new PrepareError(
          `${Buffer.concat(said).toString().trimEnd()}\nnpm ${args.join(' ')} failed: its reason stands above`,
        ),
      );
    });
  });
}

/** Ends the program with what went wrong. Used by every script here. */
export function giveUp(error) {
  process.stderr.write(`${typeof error.exitCode === 'number' ? error.message : error.stack}\n`);
  process.exit(error.exitCode ?? 1);
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    if (process.argv.includes('--check')) refuseUnfitMachine();
    else await prepare({ build: !process.argv.includes('--no-build') });
  } catch (error) {
    giveUp(error);
  }
}
