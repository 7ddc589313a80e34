// Measures the pages: measure.mjs FIRST_RUN_ADDRESS EXPERIMENT_PATH ROUNDS; prints {"name": [milliseconds, ...]}.
import { openBrowser, openPage } from "../../tests/web/browser.mjs";

const [firstRun, experiment, given] = process.argv.slice(2);
const { origin } = new URL(firstRun);
const rounds = Number(given);
const browser = await openBrowser();
const page = await openPage(browser);
const figures = {};
const note = (name, value) => (figures[name] ??= []).push(value);

async function signIn() {
  await page.goto(firstRun);
  await page.getByLabel("E-mail").fill("admin@example.org");
  await page.getByLabel("Password").first().fill("correct horse battery");
  await page.getByLabel("Repeat the password").fill("correct horse battery");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Service instances" }).waitFor();
}

/** A context without anything in its cache, for each page. */
async function fresh(storageState) {
  const other = await openPage(browser, { storageState });
  return { other, done: () => other.context().close() };
}

async function firstPaint(storageState) {
  const { other, done } = await fresh(storageState);
  await other.goto(`${origin}/`);
  await other.getByRole("heading", { name: "Service instances" }).waitFor();
  const [paint] = await other.evaluate(() => performance.getEntriesByName("first-contentful-paint"));
  note("first_paint_ms", paint.startTime);
  await done();
}

/** From the address to the rows, with a page that has nothing in its cache. */
async function list(storageState, area, row) {
  const { other, done } = await fresh(storageState);
  const begun = Date.now();
  await other.goto(`${origin}${area}`);
  await other.locator(row).first().waitFor();
  note(`list_ms${area.replace("/demoazureml", "").replaceAll("/", "_")}`, Date.now() - begun);
  await done();
}

/** What the main thread does for each frame while the canvas is moved, from the browser's trace. */
async function pan() {
  await page.goto(origin + experiment);
  await page.locator(".react-flow__node").first().waitFor();
  const box = await page.locator(".react-flow__pane").boundingBox();
  await browser.startTracing(page, { categories: ["devtools.timeline", "disabled-by-default-devtools.timeline"] });
  await page.mouse.move(box.x + 8, box.y + box.height - 8);
  await page.mouse.down();
  for (let i = 0; i < 120; i++) await page.mouse.move(box.x + 8 + (i % 60) * 4, box.y + box.height - 8 - (i % 60) * 3);
  await page.mouse.up();
  const { traceEvents } = JSON.parse(await browser.stopTracing());
  const frames = traceEvents.filter((one) => one.name === "BeginCommitCompositorFrame");
  const { pid, tid } = frames.at(-1) ?? {};
  const isOurs = (one) => one.pid === pid && one.tid === tid;
  const tasks = traceEvents.filter((one) => one.name === "RunTask" && one.ph === "X" && isOurs(one));
  const begins = frames.filter(isOurs).map((one) => one.ts);
  const spent = begins.slice(1).map((end, i) =>
    tasks.filter((one) => one.ts >= begins[i] && one.ts < end).reduce((sum, one) => sum + one.dur, 0) / 1000,
  );
  if (spent.length < 20) throw new Error(`only ${spent.length} frames while the canvas was moved`);
  spent.sort((a, b) => a - b);
  note("canvas_pan_frame_ms_p95", spent[Math.floor(spent.length * 0.95)]);
}

try {
  await signIn();
  const state = await page.context().storageState();
  for (let round = 0; round < rounds; round++) {
    await firstPaint(state);
    for (const [area, row] of [
      ["/publisher/demoazureml/apis", "tbody tr"],
      ["/publisher/demoazureml/products", "tbody tr"],
      ["/publisher/demoazureml/products/starter", ".check-list >> text=API 0"],
      ["/publisher/demoazureml/subscriptions", "tbody tr"],
      ["/publisher/demoazureml/users", "tbody tr"],
      ["/publisher/demoazureml/policies", ".cm-line"],
      ["/developer/demoazureml/apis", "text=API 00001"],
      ["/developer/demoazureml/products", "text=Product 00001"],
    ])
      await list(state, area, row);
    await pan();
  }
  console.log(JSON.stringify(figures));
} finally {
  await browser.close();
}
