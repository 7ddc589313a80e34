// Batch jobs while one looks on: nothing is reloaded, whatever happens to them.
//   jobs.mjs FIRST_RUN_ADDRESS SERVICE_PAGE LONG_JOB BAD_JOB SKIPPING_JOB
// The three wait when it begins. When "they wait" was printed, the last two have to end, and the first one to stand still
// at work.
import { check, inspect, lookAgain, noComplaints, openBrowser, openPage, sayFindings, shoot } from "./browser.mjs";

const [firstRun, service, longJob, badJob, skippingJob] = process.argv.slice(2);
const origin = new URL(firstRun).origin;
const browser = await openBrowser();
const page = await openPage(browser);
const row = (job) => page.getByRole("table", { name: "Batch jobs" }).getByRole("row").filter({ hasText: job });
const shows = (job, text) => row(job).getByText(text).first().waitFor();

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
  await page.getByRole("heading", { name: "Service instances" }).waitFor();
}

/** The dashboard counts what waits as work to be done. */
async function counted() {
  await page.goto(`${origin}/publisher/demoazureml/dashboard`);
  await page.waitForFunction(() =>
    [...document.querySelectorAll("table[aria-label='Web services and batch jobs'] tbody tr")].some(
      (one) => one.cells[1].textContent === "3"));
}

async function waiting() {
  await page.goto(origin + service);
  await shows(longJob, "Number 1 in line");
  await shows(badJob, "Number 2 in line");
  await shows(skippingJob, "Number 3 in line");
  await shows(longJob, /^No worker is running/);
  await look("jobs-waiting");
}

async function running() {
  await shows(longJob, "Running");
  await row(longJob).getByRole("progressbar", { name: `Progress of job ${longJob}` }).waitFor();
  await shows(longJob, /^\d+ %/);
  await shows(longJob, /^\d+:\d\d(:\d\d)? left$/);
  check((await row(longJob).getByText(/in line/).count()) === 0, "a job that runs is in no line");
  await shows(badJob, "Failed");
  await shows(badJob, /Row 2, column "Col2"/);
  await shows(skippingJob, "Finished");
  await shows(skippingJob, "1 skipped");
  await shows(skippingJob, "box/skips-out.csv");
  await shows(skippingJob, "Skipped rows: box/skips-out.csv.errors.csv");
  await look("jobs-running");
  await lookAgain(browser, origin, await page.context().storageState(), [{ name: "jobs-running", path: service }]);
}

/** By keyboard, and asked once more before. */
async function cancel() {
  const button = page.getByRole("button", { name: `Cancel job ${longJob}` });
  await button.focus();
  await page.keyboard.press("Enter");
  await look("jobs-cancel");
  await page.getByRole("button", { name: "No" }).click();
  await shows(longJob, "Running");
  await button.click();
  await page.getByRole("button", { name: "Yes" }).click();
  await shows(longJob, "Cancelled");
  check((await button.count()) === 0, "a job that has ended can be cancelled");
}

async function remove() {
  await page.getByRole("button", { name: `Remove job ${badJob} from the list` }).click();
  await page.getByRole("button", { name: "Yes" }).click();
  await row(badJob).waitFor({ state: "detached" });
  await look("jobs-over");
}

try {
  await signIn();
  await counted();
  await waiting();
  console.log("they wait");
  await running();
  await cancel();
  await remove();
  sayFindings();
} catch (error) {
  await shoot(page, "failure");
  sayFindings();
  console.error(`${error.stack}\nat ${page.url()}; the page said:\n${page.complaints.join("\n")}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
