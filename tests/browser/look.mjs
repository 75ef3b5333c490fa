// Opens report pages in Chromium and prints what was seen, as JSON. Input: a JSON list of looks on stdin.
//
// A look: {name, file or url, width, height, scheme, media, locale, picture, at, pdf, axe, keys, tabs}. Seen: requests, errors,
// dialogs, overflow, broken links, accessibility violations (axe-core) and what the keyboard reaches.
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const axe = readFileSync(new URL('./node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const looks = JSON.parse(readFileSync(0, 'utf8'));
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] });
const seen = {};
for (const look of looks) {
  const context = await browser.newContext({
    viewport: { width: look.width ?? 1280, height: look.height ?? 900 },
    colorScheme: look.scheme ?? 'light',
    locale: look.locale ?? 'en-US',
    deviceScaleFactor: look.picture ? 0.25 : 1,
  });
  const page = await context.newPage();
  const found = (seen[look.name] = { requests: [], errors: [], dialogs: [] });
  page.on('request', request => found.requests.push(request.url().slice(0, 200)));
  page.on('console', message => found.errors.push(message.text().slice(0, 300)));
  page.on('pageerror', error => found.errors.push(error.message));
  page.on('dialog', dialog => { found.dialogs.push(dialog.message()); dialog.dismiss(); });
  await page.goto(look.url ?? 'file://' + look.file);
  if (look.media) await page.emulateMedia({ media: look.media });
  Object.assign(found, await page.evaluate(() => ({
    overflow: document.documentElement.scrollWidth > innerWidth,
    direction: document.documentElement.dir,
    scripts: document.scripts.length,
    handlers: [...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => a.name.startsWith('on'))).length,
    fetched: document.querySelectorAll('img, link, iframe, object, embed, form, base, audio, video').length,
    links: [...document.querySelectorAll('a')].map(a => a.getAttribute('href'))
      .filter(href => !href.startsWith('#') || !document.getElementById(href.slice(1))),
    ids: [...document.querySelectorAll('[id]')].length - new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size,
    style: getComputedStyle(document.body).margin,
    text: document.body.innerText.length,
  })));
  if (look.at) await page.evaluate(id => document.getElementById(id).scrollIntoView(), look.at);
  if (look.picture) await page.screenshot({ path: look.picture });
  if (look.pdf) found.pdf = (await page.pdf({ format: 'A4', printBackground: true })).toString('latin1').match(/\/Type\s*\/Page\b/g).length;
  if (look.axe) {
    await page.evaluate(() => document.querySelectorAll('details').forEach((one, n) => { one.open = n < 12; }));
    await page.evaluate(axe);
    const result = await page.evaluate(() => axe.run({ resultTypes: ['violations'] }));
    found.violations = result.violations.map(v => `${v.id}: ${v.nodes.length}: ${v.nodes[0].html.slice(0, 200)} ${v.nodes[0].failureSummary}`);
    found.checked = result.passes.length;
  }
  if (look.tabs) {
    found.tabs = [];
    for (let n = 0; n < look.tabs; n++) {
      await page.keyboard.press('Tab');
      found.tabs.push(await page.evaluate(() => {
        const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
        const visible = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0 && box.width > 0 && box.left >= 0;
        return [visible, at.id || at.innerText.trim().slice(0, 40)];
      }));
    }
  }
  if (look.fill) {
    for (const [id, text] of Object.entries(look.fill)) await page.fill('#' + id, text);
    await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
    found.shown = page.url();
  }
  if (look.keys) {
    await page.keyboard.press('Tab');
    found.first = await page.evaluate(() => document.activeElement.className);
    await page.keyboard.press('Enter');
    found.hash = await page.evaluate(() => location.hash);
    for (let n = 0; n < look.keys; n++) {
      await page.keyboard.press('Tab');
      const [at, visible] = await page.evaluate(() => {
        const style = getComputedStyle(document.activeElement);
        return [document.activeElement.outerHTML.slice(0, 80), style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0];
      });
      if (!visible) found.errors.push(`no visible focus: ${at}`);
    }
    await page.focus('nav a[href="#logic"]');
    await page.keyboard.press('Enter');
    do await page.keyboard.press('Tab'); while (await page.evaluate(() => document.activeElement.tagName === 'A'));
    const open = () => page.evaluate(() => [document.activeElement.tagName, document.activeElement.parentElement.open]);
    found.toggled = [await open(), await page.keyboard.press('Enter'), await open(), await page.keyboard.press('Space'), await open()].filter(Array.isArray);
  }
  await context.close();
}
await browser.close();
console.log(JSON.stringify(seen));
