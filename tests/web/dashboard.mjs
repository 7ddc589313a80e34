// The dashboard by mouse and keyboard, over calls that are known.
//   dashboard.mjs FIRST_RUN_ADDRESS GATEWAY_ADDRESS KEY
// Before it starts the Echo API has had three successes, two blocked calls and one that it does not know.
import { readFileSync } from "node:fs";

import { check, inspect, lookAgain, noComplaints, openBrowser, openPage, sayFindings, shoot } from "./browser.mjs";

const [firstRun, gateway, key] = process.argv.slice(2);
const origin = new URL(firstRun).origin;
const browser = await openBrowser();
const page = await openPage(browser, { acceptDownloads: true });
const tile = (name) => page.locator(".tile", { has: page.locator("dt", { hasText: new RegExp(`^${name}$`) }) }).locator("dd");
const shows = (name, value) =>
  page.waitForFunction(
    ([wanted, text]) =>
      [...document.querySelectorAll(".tile")].some(
        (one) => one.querySelector("dt")?.textContent === wanted && one.querySelector("dd")?.textContent === text,
      ),
    [name, value],
  );
const tab = (name) => page.getByRole("tab", { name, exact: true });
const period = (name) => page.getByRole("group", { name: "Period" }).getByRole("button", { name, exact: true });

async function look(name) {
  await inspect(page, name);
  noComplaints(page);
  await shoot(page, name);
}

async function signIn() {
  await page.goto(firstRun);
  await page.getByLabel("E-mail").fill("admin@example.org");
  await page.getByLabel("Password").first().fill("correct horse battery");
  await page.getByLabel("Repeat the password").fill("correct horse battery");
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "Manage demoazureml" }).click();
}

async function numbers() {
  await shows("Calls", "6");
  await shows("Success", "3");
  await shows("Blocked", "2");
  await shows("Failed", "0");
  await shows("Other", "1");
  await shows("Cache hits", "0");
  check(/Median\s.* ms\s.*95 %\s.* ms\s.*99 %\s.* ms/s.test(await tile("Response time").innerText()), "percentiles are shown");
  check(/[KM]?i?B$/.test(await tile("Bandwidth").innerText()), "bytes have a unit");
  await page.locator(".chart canvas").waitFor();
  await page.getByText("Echo API").first().waitFor();
  await look("dashboard-calls");
}

/** What the chart shows is there as a table, for each of its views. */
async function charts() {
  await page.getByText("Show as a table").click();
  const table = page.getByRole("region", { name: "Calls over time: Calls", exact: true });
  await table.waitFor();
  const sum = await table.locator("tbody tr").evaluateAll((rows) =>
    rows.reduce((all, row) => all + [...row.cells].slice(1).reduce((some, cell) => some + Number(cell.textContent), 0), 0));
  check(sum === 6, `the table over time has ${sum} calls`);
  await page.getByText("Show as a table").click();
  for (const view of ["Data transfer", "Response times", "Backend times", "Cache"]) {
    await tab(view).click();
    await page.getByRole("img", { name: `Calls over time: ${view}`, exact: true }).waitFor();
  }
  await tab("Response times").click();
  await look("dashboard-times");
  await tab("Calls").click();
}

/** A new call shows without anything being asked for. */
async function live() {
  const begun = Date.now();
  const answer = await fetch(`${gateway}/echo/resource?param1=a`, { headers: { "Ocp-Apim-Subscription-Key": key } });
  check(answer.status === 200, "the call succeeds");
  await shows("Calls", "7");
  console.log(`shown after ${Date.now() - begun} ms`);
}

/** A row leads to what it is about, by a click anywhere on it or by keyboard; each step can be taken back. */
async function drillDown() {
  await page.locator(".usage-row", { hasText: "Echo API" }).locator("td").nth(3).click();
  await page.getByRole("button", { name: "Echo API" }).waitFor();
  check((await tab("Operations").getAttribute("aria-selected")) === "true", "an API leads to its operations");
  await tab("Subscriptions").click();
  await page.getByText("This table shows all APIs.").waitFor();
  const mine = page.locator(".usage-row", { hasText: "mine" }).getByRole("button");
  await mine.focus();
  await page.keyboard.press("Enter");
  await shows("Calls", "4");
  await shows("Blocked", "0");
  await tab("Requests").click();
  await page.getByRole("cell", { name: /GET \/echo\/resource\?param1=a/ }).first().waitFor();
  check((await page.locator("section .table-box tbody tr", { hasText: "/echo/" }).count()) === 4, "four requests are listed");
  await look("dashboard-requests");
  for (const name of ["mine", "Echo API"]) await page.locator(".narrowed button", { hasText: name }).click();
  await shows("Calls", "7");
}

async function download() {
  await tab("APIs").click();
  await page.locator(".usage-row", { hasText: "Echo API" }).waitFor();
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "CSV", exact: true }).click(),
  ]);
  check(file.suggestedFilename() === "demoazureml-byApi.csv", "the file is named by what it holds");
  const lines = readFileSync(await file.path(), "utf8").trim().split("\r\n");
  check(lines[0].startsWith("name,apiId,"), "columns have names");
  check(lines.some((line) => line.startsWith('"Echo API","/apis/echo-api"')), "the API is in the file");
}

async function periods() {
  for (const name of ["Today", "Last 7 days", "Last 30 days", "Last 90 days"]) {
    await period(name).click();
    await shows("Calls", "7");
  }
  await period("Custom").click();
  await shows("Calls", "7");
  await page.getByLabel("To", { exact: true }).fill("2020-01-02");
  await page.getByText("The last day is not to be before the first.").waitFor();
  await page.getByLabel("From", { exact: true }).fill("2020-01-01");
  await shows("Calls", "0");
  await page.getByText("No calls in this period.").waitFor();
  await look("dashboard-custom");
}

async function hasArrived(where) {
  await where.locator(".chart canvas").waitFor();
  await where.getByText("Echo API").first().waitFor();
}

try {
  await signIn();
  await numbers();
  await charts();
  await live();
  await drillDown();
  await download();
  await periods();
  const places = [{ name: "dashboard", path: "/publisher/demoazureml/dashboard" }];
  await lookAgain(browser, origin, await page.context().storageState(), places, hasArrived);
  sayFindings();
} catch (error) {
  await shoot(page, "failure");
  sayFindings();
  console.error(`${error.stack}\nat ${page.url()}; the page said:\n${page.complaints.join("\n")}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
