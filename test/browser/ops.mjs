import assert from 'node:assert/strict';

const panel = (page, name) => page.locator('.panel', { hasText: name });
const press = (page, name, button) => panel(page, name).getByRole('button', { name: button }).click();

/** What an operator does, and what becomes of it. */
export const opsSteps = {
  async 'a buyer has no business here'({ stampede, pages }) {
    const page = await pages.window(stampede.opsAs('mallory', 'buyer'));
    await page.locator('#refusal').getByText('The token does not allow this').waitFor();
    await page.getByLabel('Token').waitFor();
  },

  async 'lanes, books and figures are seen, on a desk and on a phone in the dark'({ stampede, pages }) {
    for (const [name, window] of Object.entries({
      desk: {},
      phone: { width: 390, height: 844, colorScheme: 'dark' },
    })) {
      const page = await pages.window(stampede.opsAs('operator'), window);
      await page.locator('#lanes').getByText('Open').waitFor();
      await press(page, "Founders' Mug", 'Audit');
      await page.getByText('The books agree').waitFor();
      await page.locator('.chart .line[d*="L"]').first().waitFor({ state: 'attached' });
      await pages.picture(page, `ops-${name}`);
    }
  },

  async 'a sale is paused and resumed, and its buyers see it'({ stampede, pages }) {
    const page = await pages.window(stampede.opsAs('operator'));
    const shop = await pages.window(stampede.shopAs('frank'));
    await press(page, "Founders' Mug", 'Pause');
    await shop.locator('.sale', { hasText: "Founders' Mug" }).locator('.badge.paused').waitFor();
    await press(page, "Founders' Mug", 'Resume');
    await shop.getByRole('button', { name: 'Buy 1 for $19.99' }).waitFor();
  },

  async 'stock is adjusted, and not below what buyers hold'({ stampede, pages }) {
    const page = await pages.window(stampede.opsAs('operator'));
    const adjust = async (delta) => {
      await press(page, "Founders' Mug", 'Adjust stock');
      await page.getByLabel('Units more').fill(delta);
      await page.getByLabel('Reason').fill('a box was found');
      await page.getByRole('button', { name: 'Adjust', exact: true }).click();
    };
    await adjust('5');
    await page.getByText('5 more.').waitFor();
    await panel(page, "Founders' Mug").getByText('105').waitFor();
    await adjust('-105');
    await page.getByText('Fewer units are free').waitFor();
    await pages.picture(page, 'ops-stock-in-use');
  },

  async 'a difference is named with its meaning, and a rebuild mends it'({ stampede, pages }) {
    const page = await pages.window(stampede.opsAs('operator'));
    const redis = stampede.openRedis();
    await redis.hincrby(`{lane:0}:sale:${stampede.saleId}`, 'available', 3);
    redis.disconnect();
    await press(page, "Founders' Mug", 'Audit');
    await page.locator('.difference', { hasText: 'redis-not-conserved' }).getByText('What it means').click();
    await page.getByText('Pause the sale, ask for a rebuild, resume').waitFor();
    await pages.picture(page, 'ops-difference');
    await press(page, "Founders' Mug", 'Rebuild');
    await page.getByRole('button', { name: 'Rebuild', exact: true }).click();
    await page.getByText('Watch the table of lanes').waitFor();
    await page.locator('#lanes tr', { hasText: 'Open' }).getByRole('cell', { name: '2', exact: true }).waitFor();
    await press(page, "Founders' Mug", 'Audit');
    await page.getByText('The books agree').waitFor();
  },

  async 'a dead letter is read, and discarded for a reason'({ stampede, pages }) {
    const redis = stampede.openRedis();
    await redis.xadd('{lane:0}:orders', '*', 'hello', '<b>world</b>');
    redis.disconnect();
    const page = await pages.window(stampede.opsAs('operator'));
    const letter = page.locator('.letter', { hasText: 'unreadable' });
    await letter.getByText('What stands in it').click();
    await letter.getByText('<b>world</b>').waitFor();
    await pages.picture(page, 'ops-letter');
    await letter.getByRole('button', { name: 'Discard' }).click();
    await page.getByLabel('Reason').fill('nobody can read it');
    await page.getByRole('button', { name: 'Discard', exact: true }).click();
    await page.getByText('None is open').waitFor();
  },

  async 'a sale is ended once the operator has said so twice, and is over'({ stampede, pages }) {
    await stampede.createSale({ name: 'Short sale' });
    const page = await pages.window(stampede.opsAs('operator'));
    await press(page, 'Short sale', 'End');
    await pages.picture(page, 'ops-question');
    await page.getByRole('button', { name: 'Leave it' }).click();
    await press(page, 'Short sale', 'End');
    await page.getByRole('button', { name: 'End the sale' }).click();
    await page.getByText('Over (1)').click();
    await page.locator('#over-sales').getByText('Short sale').waitFor();
    assert.equal(await panel(page, 'Short sale').getByRole('button', { name: 'Pause' }).count(), 0);
  },
};
