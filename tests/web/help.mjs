// The sample response on the help page of a web service: help.mjs FIRST_RUN_ADDRESS PATH; prints it.
import { check, noComplaints, openBrowser, openPage, sayFindings } from "./browser.mjs";

const [firstRun, path] = process.argv.slice(2);
const browser = await openBrowser();
const page = await openPage(browser);
try {
  await page.goto(firstRun);
  await page.getByLabel("E-mail").fill("admin@example.org");
  await page.getByLabel("Password").first().fill("correct horse battery");
  await page.getByLabel("Repeat the password").fill("correct horse battery");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Service instances" }).waitFor();
  await page.goto(new URL(path, firstRun).href);
  const text = await page.getByLabel("Sample Response", { exact: true }).innerText();
  check(text.includes("ColumnTypes"), "the sample response has types");
  console.log(text);
  noComplaints(page);
  sayFindings();
} finally {
  await browser.close();
}
