import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--headless=old'];

/** What a server answers on purpose, a browser reports as an error of the page; everything else is one. */
const ANSWERED = /Failed to load resource: the server responded with a status of (401|403|409|429|503)/;

/** Chromium, with a window for each person; whatever a page complains of is collected. */
export class Pages {
  /** @type {string[]} */
  complaints = [];
  #browser;
  #pictures;

  static async open(pictures) {
    const pages = new Pages();
    if (pictures) mkdirSync(pictures, { recursive: true });
    pages.#pictures = pictures;
    pages.#browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ARGUMENTS,
    });
    return pages;
  }

  async window(url, { width = 1280, height = 900, colorScheme = 'light' } = {}) {
    const context = await this.#browser.newContext({ viewport: { width, height }, colorScheme });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error' && !ANSWERED.test(message.text())) this.complaints.push(message.text());
    });
    await page.goto(url);
    return page;
  }

  async picture(page, name) {
    if (this.#pictures) await page.screenshot({ path: join(this.#pictures, `${name}.png`), fullPage: true });
  }

  close() {
    return this.#browser.close();
  }
}
