import assert from 'node:assert/strict';

const order = (page, status) => page.locator('.order', { has: page.locator(`.badge.${status}`) });
const sale = (page, name) => page.locator('.sale', { hasText: name });
const buy = (page, name) => sale(page, name).locator('form button').click();

/** What a buyer does, and what the shop says to it. */
export const shopSteps = {
  async 'everybody may look; who wants to buy is asked for a token'({ stampede, pages }) {
    const page = await pages.window(`${stampede.url}/`);
    await sale(page, "Founders' Mug").getByText('100 of 100 left').waitFor();
    await buy(page, "Founders' Mug");
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'token');
    await pages.picture(page, 'shop-signed-out');
  },

  async 'a token in the address is taken out of it, and an order is bought, paid and worth points'({
    stampede,
    pages,
  }) {
    const page = await pages.window(stampede.shopAs('alice'));
    await page.getByText('0 points').waitFor();
    assert.equal(page.url(), `${stampede.url}/`);
    await buy(page, "Founders' Mug");
    await order(page, 'pending_payment').getByText('Pay within').waitFor();
    await pages.picture(page, 'shop-ordered');
    await order(page, 'pending_payment').getByRole('link', { name: 'Pay' }).click();
    await page.getByRole('button', { name: /^Pay/ }).click();
    await page.getByText('Thank you').waitFor();
    await page.goto(`${stampede.url}/`); // where its link leads
    await order(page, 'paid').waitFor();
    await page.getByText('19 points').waitFor();
    await pages.picture(page, 'shop-paid');
  },

  async 'an order is seen to change while the buyer does nothing, and can be given up'({ stampede, pages }) {
    const page = await pages.window(stampede.shopAs('bob'), { width: 390, height: 844, colorScheme: 'dark' });
    await page.getByLabel("How many of Founders' Mug").selectOption('2');
    await buy(page, "Founders' Mug");
    await order(page, 'pending_payment').getByRole('button', { name: 'Cancel' }).click();
    await pages.picture(page, 'shop-question-phone-dark');
    await page.keyboard.press('Escape');
    await order(page, 'pending_payment').getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Cancel the order' }).click();
    await order(page, 'cancelled').waitFor();
    await pages.picture(page, 'shop-cancelled-phone-dark');
  },

  async 'who wants more than is left is told so, and what to do'({ stampede, pages }) {
    await stampede.createSale({ name: 'Last lamp', stock: 1 });
    const page = await pages.window(stampede.shopAs('carol'));
    await page.getByLabel('How many of Last lamp').selectOption('2');
    await buy(page, 'Last lamp');
    await sale(page, 'Last lamp').getByText('Fewer units are left than you want').waitFor();
    assert.equal(await page.getByRole('link', { name: 'What this means' }).getAttribute('href'), '/problems/sold-out');
    await page.getByLabel('How many of Last lamp').selectOption('1');
    await buy(page, 'Last lamp');
    await sale(page, 'Last lamp').getByText('None left').waitFor();
    await pages.picture(page, 'shop-sold-out');
  },

  async 'a token that has expired is refused in words, and another one is asked for'({ stampede, pages }) {
    const page = await pages.window(stampede.shopAs('dave', -60));
    await page.getByText('The bearer token is not valid').waitFor();
    await pages.picture(page, 'shop-expired');
    await page.getByLabel('Token').fill(stampede.token({ sub: 'dave', ttlSeconds: 60 }));
    await page.keyboard.press('Enter');
    await page.getByText('You have not ordered anything yet').waitFor();
  },

  async 'an order of unknown outcome is asked for again with its key, over a reload too, and is bought once'({
    stampede,
    pages,
  }) {
    const page = await pages.window(stampede.shopAs('erin'));
    await page.getByText('0 points').waitFor();
    stampede.signalRedis('SIGSTOP');
    await buy(page, "Founders' Mug");
    await page.getByText('Asking again in').waitFor();
    await pages.picture(page, 'shop-unknown');
    await page.reload();
    await page.locator('.sale').first().waitFor();
    stampede.signalRedis('SIGCONT');
    await order(page, 'pending_payment').waitFor();
    await sale(page, "Founders' Mug").getByText('Accepted: 1 unit').waitFor();
    const { orders } = await stampede.ask('/v1/orders', { sub: 'erin', role: 'buyer' });
    assert.equal(orders.length, 1);
  },
};
