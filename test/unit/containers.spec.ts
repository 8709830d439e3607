import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { variables } from '../../src/config/settings.js';

interface Service {
  image: string;
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  read_only?: boolean;
  entrypoint?: string[];
  command?: string[];
}

const read = (path: string) => readFileSync(path, 'utf8');
const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, found = '']) => found);

const dockerfile = read('Dockerfile');
const text = read('docker-compose.yml');
const compose = parse(text, { merge: true }) as { services: Record<string, Service>; volumes: Record<string, null> };
const services = Object.values(compose.services);
const mounts = services.flatMap(({ volumes = [] }) => volumes);

const metricsPort = Number(/METRICS_PORT=(\d+)/.exec(dockerfile)?.[1]);
/** Our image by its own entry point, which is not the simulator's, and does not end by itself. */
const showsMetrics = ({ image, entrypoint, command }: Service) =>
  image === 'stampede' && !entrypoint && command?.[0] !== 'migrate';

/** Ours to fix in the image, or for tests of crashes only. */
const NOT_PASSED_ON = ['NODE_ENV', 'HOST', 'PORT', 'METRICS_PORT', 'FAILPOINTS'];
const A_SECRET = /SECRET|PASSWORD|KEY$|TOKEN|AUTH$/;

describe('docker-compose.yml', () => {
  it('passes every setting on that an operator may want to change', () => {
    const wanted = Object.keys(variables.shape).filter((name) => !NOT_PASSED_ON.includes(name));
    for (const role of ['api', 'persistence', 'money']) {
      expect(Object.keys(compose.services[role]?.environment ?? {}).sort()).toEqual(wanted.sort());
    }
  });

  it('has no value of its own for a secret', () => {
    const given = services.flatMap(({ environment = {} }) => Object.entries(environment));
    const own = given.filter(([name, value]) => A_SECRET.test(name) && !/^\$\{\w+(:\?.*|:-)\}$/.test(value));
    expect(own).toEqual([]);
    expect(all(text, /\$\{(\w+):-[^}]/g).filter((name) => A_SECRET.test(name))).toEqual([]);
    expect(all(text, /:\/\/\w*:(?!\$\{\w+:\?)(\S+)@/g)).toEqual([]); // in an address
  });

  it('pins every image, and the Dockerfile one for all its stages', () => {
    const images = services.map(({ image }) => image).filter((image) => image !== 'stampede');
    expect(images.filter((image) => !/:v?\d+\.\d+(\.\d+)?$/.test(image))).toEqual([]);
    const bases = new Set(all(dockerfile, /^FROM (\S+)/gm));
    expect([...bases]).toEqual([expect.stringMatching(/^node:24\.\d+\.\d+-slim$/)]);
  });

  it('publishes nothing but to this machine, and metrics not at all', () => {
    const ports = services.flatMap((service) => service.ports ?? []);
    expect(ports).not.toHaveLength(0);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:') || port.endsWith(`:${metricsPort}`))).toEqual([]);
  });

  it('mounts only what exists and cannot be written, and volumes that it declares', () => {
    const ofHere = mounts.filter((mount) => mount.startsWith('.'));
    expect(ofHere.filter((mount) => !mount.endsWith(':ro') || !existsSync(mount.split(':')[0] ?? ''))).toEqual([]);
    const volumes = mounts.filter((mount) => !mount.startsWith('.')).map((mount) => mount.split(':')[0]);
    expect(volumes.sort()).toEqual(Object.keys(compose.volumes).sort());
  });

  it('lets no process write to its image, but for the stores', () => {
    const writing = Object.entries(compose.services).filter(([, { read_only }]) => read_only !== true);
    expect(writing.map(([name]) => name).sort()).toEqual(['postgres', 'queue-redis', 'redis']);
  });

  it('runs every service that Prometheus looks at, where the image shows its metrics', () => {
    const { scrape_configs: jobs } = parse(read('deploy/prometheus/prometheus.yml')) as {
      scrape_configs: { job_name: string; dns_sd_configs: [{ names: [string]; port: number }] }[];
    };
    for (const { job_name: job, dns_sd_configs: places } of jobs) {
      expect(places).toEqual([expect.objectContaining({ names: [job], port: metricsPort })]);
    }
    const showing = Object.entries(compose.services).filter(([, service]) => showsMetrics(service));
    expect(jobs.map((job) => job.job_name).sort()).toEqual(showing.map(([name]) => name).sort());
  });
});

describe('.dockerignore', () => {
  it('lets everything through that the Dockerfile copies, and nothing else', () => {
    const copied = all(dockerfile, /^COPY (?!--from)(.+) \S+$/gm).flatMap((sources) => sources.split(' '));
    const through = all(read('.dockerignore'), /^!(.+)$/gm).filter((path) => path !== 'scripts');
    const tops = new Set(copied.map((path) => (path.startsWith('prisma/') ? 'prisma' : path)));
    expect(through.sort()).toEqual([...tops].sort());
  });
});
