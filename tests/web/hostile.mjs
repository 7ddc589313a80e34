// Every page over hostile texts: nothing of them is an element, a script or an address; they are shown as they are.
//   hostile.mjs FIRST_RUN_ADDRESS TEXT {"shown": PATHS, "plain": PATHS}
import { check, noComplaints, openBrowser, openPage, sayFindings, shoot } from "./browser.mjs";

const [firstRun, hostile, given] = process.argv.slice(2);
const { origin } = new URL(firstRun);
const { shown, plain } = JSON.parse(given);
const password = "correct horse battery";
const browser = await openBrowser();
const page = await openPage(browser);
const button = (name) => page.getByRole("button", { name, exact: true });
const mark = "data-hostile";

/** The texts of the page and of its fields hold the hostile one; its elements do not. */
async function examine(where) {
  const found = await page.evaluate((name) => {
    const addresses = [...document.querySelectorAll("[href], [src], [action]")].map(
      (one) => one.href?.baseVal ?? one.href ?? one.src ?? one.action,
    );
    return {
      elements: document.querySelectorAll(`[${name}], img[src="x"], [onerror]`).length,
      addresses: addresses.filter((one) => !/^(https?|blob|data:image\/svg|mailto)/.test(String(one))),
    };
  }, mark);
  check(found.elements === 0, `${where}: a text became an element`);
  check(found.addresses.length === 0, `${where}: an address is ${found.addresses}`);
}

const isShown = () =>
  page.waitForFunction(
    (name) =>
      document.body.innerText.includes(name) ||
      [...document.querySelectorAll("input, textarea")].some((one) => one.value.includes(name)),
    mark,
  );

async function visit(path, name) {
  await page.goto(origin + path);
  await page.locator("h1, h2").first().waitFor({ state: "attached" });
  await page.waitForFunction(() => !document.querySelector(".loading"));
  if (shown.includes(path)) await isShown();
  await examine(path);
  await shoot(page, `hostile-${name}`);
  noComplaints(page, [/status of 40[0-9]/]);
}

/** What is seen only after a click: tables of a data set, an answer, a mail, a preview. */
async function open() {
  const datasets = shown.find((path) => path.endsWith("/datasets"));
  await page.goto(origin + datasets);
  await page.getByRole("button", { name: /Visualize .*data-hostile/ }).first().click();
  await page.getByRole("dialog").getByText(mark).first().waitFor();
  await examine("visualize");
  await shoot(page, "hostile-visualize");

  await page.goto(`${origin}/developer/demoazureml/apis/echo-api/operations/modify-resource`);
  await button("Try It").click();
  await page.getByLabel("Request body").fill(hostile);
  await button("Send").click();
  const answer = page.getByRole("region", { name: "Answer" });
  await answer.getByText("200 OK").waitFor();
  const content = await answer.getByLabel("Response content", { exact: true }).innerText();
  check(content.includes(hostile), `the answer is shown as ${content}`);
  await examine("try it");
  await shoot(page, "hostile-try-it");

  await page.goto(`${origin}/publisher/demoazureml/notifications/templates/accountClosedDeveloper`);
  await button("Preview").click();
  const frame = page.frameLocator("iframe");
  await frame.locator("p").first().waitFor();
  check((await page.locator("iframe").getAttribute("sandbox")) === "", "a mail is shown without any right");
  await examine("preview");
  // The frame says that it has kept a script from running and a picture from loading; nothing else complains.
  noComplaints(page, [/sandbox/i, /Content Security Policy/i, /ERR_BLOCKED_BY_RESPONSE/]);
}

try {
  await page.goto(firstRun);
  await page.getByLabel("E-mail").fill("admin@example.org");
  await page.getByLabel("Password").first().fill(password);
  await page.getByLabel("Repeat the password").fill(password);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Service instances" }).waitFor();
  for (const [i, path] of [...shown, ...plain].entries()) await visit(path, i);
  await open();
  sayFindings();
} catch (error) {
  await shoot(page, "failure");
  sayFindings();
  console.error(`${error.stack}\nat ${page.url()}; the page said:\n${page.complaints.join("\n")}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
