// What the tests of the pages share: a browser, its complaints, screenshots, and the check for accessibility.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { chromium } from "playwright-core";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const patience = Number(process.env.MLGATE_PATIENCE ?? 60_000); // Machines may be slow.

export async function openBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
}

/** A context of its own with one page, whose complaints are kept. */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 860 },
    locale: "en-US",
    colorScheme: "light",
    reducedMotion: "reduce",
    bypassCSP: false,
    ...options,
  });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  page.complaints = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") page.complaints.push(message.text());
  });
  page.on("dialog", (dialog) => {
    page.complaints.push(`a script ran: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  return page;
}

export function check(condition, text) {
  if (!condition) throw new Error(text);
}

// What is wrong with the looks of pages; the walk goes on, so that one run tells all of it.
const findings = [];
const find = (text) => findings.push(text);

export function sayFindings() {
  if (findings.length === 0) return;
  console.error([...new Set(findings)].join("\n\n"));
  process.exitCode = 1;
}

export function noComplaints(page, allowed = []) {
  const bad = page.complaints.filter((text) => !allowed.some((pattern) => pattern.test(text)));
  if (bad.length > 0) find(`${page.url()} complained:\n${bad.join("\n")}`);
  page.complaints.length = 0;
}

const folder = process.env.MLGATE_SHOTS;
if (folder) mkdirSync(folder, { recursive: true });

export async function shoot(page, name) {
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`) });
}

/** No violation of accessibility, and nothing wider than the window. */
export async function inspect(page, name) {
  await page.waitForFunction(() => document.getAnimations().every((one) => one.playState !== "running" || one.effect?.getTiming().iterations === Infinity));
  // A dialog gives the page back a moment after it has gone; one that never does is a fault.
  await page.waitForFunction(() => {
    const open = [...document.querySelectorAll("[role=dialog], [role=alertdialog]")];
    const isSeen = (dialog) => dialog.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    return open.some(isSeen) || !document.querySelector("#root[aria-hidden]");
  });
  // Through the debugger, where the page's content policy does not apply. What is left out moves the focus on at once.
  const results = await page.evaluate(`(() => { ${axeSource}; return axe.run({ exclude: ["[data-tabster-dummy]"] }, { resultTypes: ["violations"] }); })()`);
  const bad = results.violations.map(
    (one) => `${one.id} (${one.impact}): ${one.help}\n${one.nodes.map((node) => "    " + node.html.slice(0, 200) + "\n      " + node.failureSummary?.replaceAll("\n", " ").slice(0, 300)).join("\n")}`,
  );
  if (bad.length > 0) find(`${name}, ${page.url()}:\n${bad.join("\n")}`);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (over > 0) find(`${name}: the page is ${over} px wider than the window`);
}

/** The pages that were visited, on a telephone, in the dark, in Russian, as whoever `storageState` makes one; `arrive`
 * waits for what a page has to show first. */
export async function lookAgain(browser, origin, storageState, visited, arrive = async () => {}) {
  const places = new Map(visited.map((one) => [one.path, one.name]));
  const person = storageState ? "" : "-guest";
  for (const [width, language, scheme] of [[390, "en", "dark"], [390, "ru", "light"], [1280, "ru", "dark"]]) {
    const other = await openPage(browser, {
      storageState,
      viewport: { width, height: width < 800 ? 844 : 860 },
      locale: language === "ru" ? "ru-RU" : "en-US",
      colorScheme: scheme,
    });
    for (const [path, name] of places) {
      await other.goto(origin + path);
      await other.locator("h1").first().waitFor({ state: "attached" });
      // Pages that hear of news never leave the network alone.
      await other.waitForFunction(() => !document.querySelector(".loading"));
      await arrive(other);
      check((await other.locator("html").getAttribute("lang")) === language, "the language is that of the browser");
      await shoot(other, `${name}${person}-${width}-${language}-${scheme}`);
      await inspect(other, `${name}${person}, ${width} px, ${language}, ${scheme}`);
      noComplaints(other);
    }
    await other.context().close();
  }
}
