// The page of `record-search serve` in a real browser: `node page.mjs http://127.0.0.1:PORT [FOLDER OF PICTURES]`.
// The index holds the rows of rows.jsonl among others.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [base, pictures] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});

const wrong = [];
/** A page in a context of its own, of which every error, dialogue and request to elsewhere is remembered. */
async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1100, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.on("pageerror", (error) => wrong.push(`${page.url()}: ${error}`));
  page.on("console", (line) => line.type() === "error" && !expected(line) && wrong.push(`${page.url()}: ${line.text()}`));
  page.on("dialog", (dialog) => { wrong.push(`${page.url()}: a dialogue: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => request.url().startsWith(base + "/") || wrong.push(`${page.url()}: asked ${request.url()}`));
  return page;
}
let refusalsAreExpected = false;
const expected = (line) => refusalsAreExpected && /status of 4\d\d/.test(line.text());

const go = (page, path) => page.goto(base + path, { waitUntil: "load" });
const total = async (page) => Number((await page.locator(".summary strong").innerText()).replaceAll(",", ""));
const names = (page) => page.locator(".hit h2").allInnerTexts();
// Going back may end the very document that was asked to go.
const back = (page) => page.evaluate(() => history.back()).catch(() => {});
const query = (page) => new URL(page.url()).searchParams;

/** Everything that the accessibility checker calls serious or critical. */
async function accessible(page, what) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  for (const { id, impact, nodes, help } of violations) {
    if (["serious", "critical"].includes(impact)) {
      wrong.push(`${what}: ${impact}: ${id}: ${help}: ${nodes.slice(0, 3).map((node) => node.html + node.failureSummary).join(" | ")}`);
    }
  }
}

const tests = {
  async "words are searched for, and the address holds the whole query"() {
    const page = await open();
    await go(page, "/");
    const all = await total(page);
    assert.ok(all > 2_000, `${all} records`);
    await page.fill("#q", "llama");
    await page.press("#q", "Enter");
    await page.waitForURL(/q=llama/);
    assert.deepEqual([...query(page).keys()], ["q"], "what is empty stays out of the address");
    const found = await total(page);
    assert.ok(found > 0 && found < all, `${found} of ${all}`);
    const first = await names(page);
    await go(page, new URL(page.url()).pathname + new URL(page.url()).search);
    assert.deepEqual(await names(page), first);
  },

  async "a facet narrows, a second text of it widens, and back leads back"() {
    const page = await open();
    await go(page, "/?q=model*");
    const before = await total(page);
    const boxes = page.locator("input[name=license]");
    const first = await boxes.nth(0).getAttribute("value");
    const count = Number((await page.locator("label:has(input[name=license]) .count").nth(0).innerText()).replaceAll(",", ""));
    // Not `check`: where a click leads elsewhere it looks at the next page, and may click again there.
    await boxes.nth(0).click();
    await page.waitForURL(/license=/);
    assert.equal(await total(page), count, "as many as the facet promised");
    assert.ok(count < before);
    await page.locator("input[name=license]:not(:checked)").first().click();
    await page.waitForURL(/license=.*license=/);
    assert.ok(await total(page) > count);
    await back(page);
    await page.waitForFunction(() => document.querySelectorAll("input[name=license]:checked").length === 1);
    assert.equal(await total(page), count);
    assert.equal(query(page).get("license"), first);
    await back(page);
    await page.waitForFunction(() => document.querySelectorAll("input[name=license]:checked").length === 0);
    assert.equal(await total(page), before);
  },

  async "hits are paged, and each is there once"() {
    const page = await open();
    await go(page, "/?sort=downloads:desc&limit=10");
    const first = await names(page);
    await page.getByRole("link", { name: "Next" }).click();
    await page.waitForURL(/page=2/);
    const second = await names(page);
    assert.equal(new Set([...first, ...second]).size, 20);
    await back(page);
    await page.waitForURL((url) => !url.search.includes("page=2"));
    assert.deepEqual(await names(page), first);
  },

  async "what fits a device is found, and a model says what it needs"() {
    const page = await open();
    await go(page, "/");
    const before = await total(page);
    await page.fill("#fits", "RTX 4090");
    await page.press("#fits", "Enter");
    await page.waitForURL(/fits=RTX/);
    const fits = await total(page);
    assert.ok(fits > 0 && fits < before, `${fits} of ${before}`);
    await page.selectOption("#at", "131072");
    await page.waitForURL(/at=131072/);
    const long = await total(page);
    assert.ok(long > 0 && long < fits, `${long} of ${fits} with a long context`);
    await back(page);
    await page.waitForURL((url) => !url.search.includes("at="));
    await page.fill("#q", "larch");
    await page.press("#q", "Enter");
    await page.waitForURL(/q=larch/);
    await page.getByRole("link", { name: "grove/larch-7b-chat", exact: true }).click();
    await page.waitForURL(/\/model\?/);
    for (const name of ["Family", "Variants", "Memory", "Datasets", "Like this", "All that is known"]) {
      await page.getByRole("heading", { name, exact: true }).waitFor();
    }
    assert.match(await page.locator(".tree").innerText(), /made from grove\/larch-7b\n.*larch-7b-chat finetune\nquantized: /);
    await page.fill(".device input[name=fits]", "24GiB");
    await page.press(".device input[name=fits]", "Enter");
    await page.waitForURL(/fits=24GiB/);
    assert.ok(await page.locator(".fit.yes").count() > 0, "it was found because it fits");
  },

  async "what is marked is compared"() {
    const page = await open();
    await go(page, "/?sort=downloads:desc");
    const button = page.getByRole("button", { name: "Compare what is marked" });
    await page.locator(".pick input").nth(0).check();
    assert.ok(await button.isDisabled(), "one is not enough");
    await page.locator(".pick input").nth(2).check();
    const marked = [0, 2].map((at) => names(page).then((all) => all[at]));
    const wanted = await Promise.all(marked);
    await button.click();
    await page.waitForURL(/\/compare\?key=/);
    assert.deepEqual((await page.locator(".compare thead th a").allInnerTexts()).filter((text) => wanted.includes(text)), wanted);
  },

  async "all of it works by keyboard alone"() {
    const page = await open();
    await go(page, "/");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
    await page.keyboard.press("Enter");
    assert.ok(page.url().endsWith("#main"));
    await page.keyboard.press("/");
    assert.equal(await page.evaluate(() => document.activeElement.id), "q");
    await page.keyboard.type("llama");
    await page.keyboard.press("Enter");
    await page.waitForURL(/q=llama/);
    const reached = new Set();
    const outlined = () => page.evaluate(() => {
      const own = document.activeElement;
      return [own.matches(".hit h2 a") ? "hit" : own.name || own.tagName, getComputedStyle(own).outlineStyle !== "none"];
    });
    for (let presses = 0; presses < 200 && !(reached.has("hit") && reached.has("license") && reached.has("fits")); presses++) {
      await page.keyboard.press("Tab");
      const [what, visible] = await outlined();
      if (what !== "BODY") assert.ok(visible, `the focus on ${what} cannot be seen`);
      reached.add(what);
    }
    for (const what of ["hit", "license", "fits"]) assert.ok(reached.has(what), `${what} is not reached`);
    await page.locator("input[name=license]").first().focus();
    await page.keyboard.press("Space");
    await page.waitForURL(/license=/);
    await page.locator(".hit h2 a").first().focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/model\?/);
  },

  async "nothing needs JavaScript"() {
    const page = await open({ javaScriptEnabled: false });
    await go(page, "/");
    await page.fill("#q", "llama");
    await page.press("#q", "Enter");
    await page.waitForURL(/q=llama/);
    const before = await total(page);
    await page.locator("input[name=license]").first().check();
    await page.getByRole("button", { name: "Apply" }).click();
    await page.waitForURL(/license=/);
    const after = await total(page);
    assert.ok(after > 0 && after < before);
    assert.equal(await page.inputValue("#q"), "llama");
    await page.locator(".pick input").nth(0).check();
    await page.locator(".pick input").nth(1).check();
    await page.getByRole("button", { name: "Compare what is marked" }).click();
    await page.waitForURL(/\/compare\?/);
    assert.equal(await page.locator(".compare thead th").count(), 2);
  },

  async "a card with script in every field runs nothing, wherever it is shown"() {
    const page = await open();
    await page.addInitScript(() => { window.opened = []; window.open = (address) => window.opened.push(address); });
    await go(page, "/?q=Zappelphilipp&by=words");
    assert.equal(await total(page), 2);
    const links = await page.locator(".hit h2 a").evaluateAll((all) => all.map((own) => own.getAttribute("href")));
    const keys = links.map((link) => new URL(link, base).searchParams.get("key"));
    const compare = "/compare?" + new URLSearchParams(keys.map((key) => ["key", key]));
    for (const path of ["/?q=Zappelphilipp", ...links, compare, "/why?q=Zappelphilipp", "/catalogue", "/authors", "/datasets",
      "/?" + new URLSearchParams({ like: keys[0] }), "/?" + new URLSearchParams({ q: "</script><script>window.hacked=99</script>", by: "words" })]) {
      await go(page, path);
      await page.mouse.move(300, 300);
      // Whatever would run late.
      await page.waitForTimeout(100);
      assert.equal(await page.evaluate(() => window.hacked), undefined, path);
      assert.equal(await page.locator("iframe, object, embed, img, video, base, meta[http-equiv], main style, main script").count(), 0, path);
      const foreign = await page.locator("a").evaluateAll((all) => all.filter((own) =>
        !own.href.startsWith(location.origin + "/") && !(own.href.startsWith("https://huggingface.co/") && own.rel === "noopener noreferrer nofollow")).map((own) => own.outerHTML));
      assert.deepEqual(foreign, [], path);
    }
  },

  async "what cannot be asked is told, with what was typed still there"() {
    refusalsAreExpected = true;
    const page = await open();
    await go(page, "/?q=" + encodeURIComponent('whisper "open'));
    assert.match(await page.locator("[role=alert]").innerText(), /not closed/);
    assert.equal(await page.inputValue("#q"), 'whisper "open');
    await go(page, "/model?key=nobody");
    assert.match(await page.locator("h1").innerText(), /Not found/);
    await accessible(page, "an error");
    refusalsAreExpected = false;
  },

  async "every page is accessible and fits a narrow screen, in light and dark"() {
    const first = await open();
    await go(first, "/?sort=downloads:desc");
    const link = await first.locator(".hit h2 a").first().getAttribute("href");
    const keys = await first.locator(".pick input").evaluateAll((all) => all.slice(0, 2).map((own) => ["key", own.value]));
    keys.push(["key", "grove/larch-7b-chat"], ["key", "grove/larch-7b"]);
    const family = "/model?key=grove/larch-7b-chat&fits=RTX+4060";
    await go(first, "/?q=Zappelphilipp&by=words");
    const hostile = await first.locator(".hit h2 a").first().getAttribute("href");
    const pages = {
      start: "/", search: "/?q=larch&fits=RTX+4090", none: "/?q=" + "no-such-word-at-all&by=words", model: link + "&fits=RTX+4090",
      family, hostile, compare: "/compare?" + new URLSearchParams(keys), why: "/why?q=llama&license=mit", catalogue: "/catalogue",
      authors: "/authors", datasets: "/datasets", state: "/state",
    };
    for (const colorScheme of ["light", "dark"]) {
      for (const width of [420, 1100, 1500]) {
        const page = await open({ colorScheme, viewport: { width, height: width < 500 ? 860 : 950 } });
        for (const [name, path] of Object.entries(pages)) {
          const what = `${name}, ${width} wide, ${colorScheme}`;
          await go(page, path);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
          if (wide > 0) wrong.push(`${what}: ${wide} pixels wider than the screen`);
          if (pictures) await page.screenshot({ path: `${pictures}/${name}-${width}-${colorScheme}.png`, fullPage: false });
          // Colours change with the theme, order with the width.
          if (width === 1100 || (width === 420 && colorScheme === "light")) await accessible(page, what);
        }
        await page.context().close();
      }
    }
  },
};

let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  const began = Date.now();
  try {
    await test();
    assert.deepEqual(wrong, []);
    console.log(`ok      ${name} (${Date.now() - began} ms)`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}: ${error.stack}`);
  }
  wrong.length = 0;
  await Promise.all(browser.contexts().map((context) => context.close()));
}
await browser.close();
process.exit(failed === 0 ? 0 : 1);
