import { v7 as uuidv7 } from 'uuid';
import { RebuildDesk } from '../../src/guard/rebuild-desk.js';
import { Corner } from '../support/corner.js';
import { hold } from '../support/hold.js';

describe('asking for a rebuild', () => {
  let corner: Corner;
  let saleId: string;
  beforeEach(async () => {
    corner = await Corner.open();
    saleId = await corner.sale();
  });
  afterEach(() => corner.close());

  const ask = (sale = saleId) => new RebuildDesk(corner.pool).ask(sale, 'olga');
  const epoch = async () => (await corner.gate.read(corner.lane)).epoch;

  it('has it done at the next look of a guard, under the name of who asked', async () => {
    expect(await ask()).toEqual([corner.lane]);

    expect(await corner.guard().runOnce()).toBe(1);

    expect(await epoch()).toBe(2);
    expect(await corner.guard().runOnce()).toBe(0);
    expect((await corner.audit(saleId)).lanes).toMatchObject([
      { lastRebuild: { because: 'olga asked for a rebuild' } },
    ]);
    const { rows } = await corner.pool.query('SELECT actor, action, detail FROM admin_actions WHERE subject = $1', [
      saleId,
    ]);
    expect(rows).toEqual([{ actor: 'olga', action: 'sale.rebuild', detail: { lanes: [corner.lane] } }]);
  });

  it('is refused while one waits to begin, and while one runs', async () => {
    await ask();
    expect(await ask()).toBe('running');
    const writing = hold(corner.snapshot, 'write');
    const rebuilding = corner.guard().runOnce();
    await writing.isReached;
    expect(await ask()).toBe('running');
    writing.release();
    await rebuilding;
    expect(await ask()).toEqual([corner.lane]);
  });

  it('is asked for once when many ask at the same time', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask()));
    expect(answers.filter((answer) => answer === 'running')).toHaveLength(4);
  });

  it('knows no sale that does not exist', async () => {
    expect(await ask(uuidv7())).toBe('unknown-sale');
  });
});
