// The tutorial, parts A, B and C, by mouse and keyboard from an empty installation, and each page on the way looked at: at
// 1280 and 390 px, in both languages and both themes.
//   tutorial.mjs FIRST_RUN_ADDRESS SERVICES_ADDRESS GATEWAY_ADDRESS DEVELOPER_EMAIL DEVELOPER_PASSWORD
// Prints what was shown: ids, keys and sample code.
import { check, inspect, lookAgain, noComplaints, openBrowser, openPage, sayFindings, shoot } from "./browser.mjs";
import { developerPortal } from "./developer.mjs";

const firstRun = process.argv[2];
const origin = new URL(firstRun).origin;
const email = "admin@example.org";
const password = "correct horse battery";
const developer = { email: process.argv[5], password: process.argv[6] };
const browser = await openBrowser();
const page = await openPage(browser);
const button = (name) => page.getByRole("button", { name, exact: true });
const visited = [];

async function look(name) {
  await inspect(page, name);
  noComplaints(page);
  await shoot(page, name);
  visited.push({ name, path: new URL(page.url()).pathname });
}

async function makeAdministrator() {
  await page.goto(firstRun);
  await page.getByRole("heading", { name: "Welcome to mlgate" }).waitFor();
  await inspect(page, "first run");
  await shoot(page, "first-run");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").first().fill(password);
  await page.getByLabel("Repeat the password").fill(password);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Service instances" }).waitFor();
  check(!page.url().includes("#"), "the code stays in the address");
}

async function makeInstance() {
  await page.getByText("There is no service instance yet").waitFor();
  await look("instances-empty");
  await button("New").click();
  const name = page.getByRole("dialog").getByLabel("Name").first();
  await name.fill("-bad");
  await page.getByRole("alert").first().waitFor();
  await name.fill("demoazureml");
  await page.getByText("The name is free.").waitFor();
  await look("new-instance");
  await button("Next").click();
  await page.getByLabel("Organization name").fill("Demo");
  check((await page.getByLabel("Administrator e-mail").inputValue()) === email, "the e-mail is filled in");
  await button("Create").click();
  await page.getByRole("cell", { name: "demoazureml", exact: true }).waitFor();
  await look("instances");
}

/** Drags as a person does, in steps. */
async function drag(from, to) {
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move((from.x + to.x) / 2, (from.y + to.y) / 2, { steps: 6 });
  await page.mouse.move(to.x, to.y, { steps: 6 });
  await page.mouse.up();
}
const middle = async (locator) => {
  const box = await locator.boundingBox();
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
};
const moduleNode = (name) => page.locator(".react-flow__node", { hasText: name });
const output = (name) => moduleNode(name).locator(".react-flow__handle-bottom").first();
const input = (name) => moduleNode(name).locator(".react-flow__handle-top").first();
const count = (selector, wanted) =>
  page.waitForFunction(([what, many]) => document.querySelectorAll(what).length === many, [selector, wanted]);
const saved = () => page.getByRole("status").filter({ hasText: /^Saved$/ }).waitFor();

async function place(path, item, at) {
  for (const folder of path) {
    const summary = page.locator("summary").filter({ hasText: new RegExp(`^${folder}$`) });
    if (!(await summary.evaluate((one) => one.parentElement.open))) await summary.click();
  }
  const canvas = await page.locator(".canvas").boundingBox();
  const from = await middle(page.locator(".palette-item", { hasText: item }));
  await drag(from, { x: canvas.x + at.x, y: canvas.y + at.y });
  await moduleNode(item.replace("Web service ", "").replace("input", "input1").replace("output", "output1")).waitFor();
}

async function join(from, to) {
  const before = await page.locator(".react-flow__edge").count();
  await drag(await middle(output(from)), await middle(input(to)));
  await page.waitForFunction((count) => document.querySelectorAll(".react-flow__edge").length > count, before);
}

async function buildExperiment() {
  await page.getByRole("link", { name: "Studio" }).click();
  await page.getByText("There is no experiment yet").waitFor();
  await look("experiments-empty");
  await button("Blank experiment").click();
  await page.getByText("This experiment is blank").waitFor();
  await look("experiment-blank");
  const name = page.getByLabel("Name of the experiment");
  await name.fill("SimpleFeatureHashingExperiment");
  await saved();

  await place(["Saved Datasets", "Samples"], "Book Reviews from Amazon", { x: 150, y: 70 });
  await place(["Data Transformation", "Manipulation"], "Select Columns in Dataset", { x: 150, y: 200 });
  await join("Book Reviews from Amazon", "Select Columns in Dataset");
  await moduleNode("Select Columns in Dataset").click();
  await button("Launch column selector").click();
  await page.getByRole("checkbox", { name: "Col2" }).check();
  await button("Add the marked columns").click();
  await page.getByRole("group", { name: "Selected columns" }).getByText("Col2").waitFor();
  await look("column-selector");
  await button("OK").click();
  await page.locator(".selected-columns").filter({ hasText: "Col2" }).waitFor();

  await page.getByLabel("Search experiment items").fill("hashing");
  await place([], "Feature Hashing", { x: 150, y: 330 });
  await page.getByLabel("Search experiment items").fill("");
  await join("Select Columns in Dataset", "Feature Hashing");
  await moduleNode("Feature Hashing").click();
  await page.getByLabel("Hashing bitsize").fill("3");
  await saved();

  // Undo and redo with the keyboard.
  await page.locator(".react-flow__pane").click({ position: { x: 12, y: 12 } });
  await page.keyboard.press("Delete");
  await count(".react-flow__node", 3);
  await moduleNode("Feature Hashing").click();
  await page.keyboard.press("Delete");
  await count(".react-flow__node", 2);
  await page.keyboard.press("Control+z");
  await count(".react-flow__node", 3);
  await count(".react-flow__edge", 2);
}

async function runExperiment() {
  await button("Run").click();
  await page.getByRole("status").filter({ hasText: "Finished running" }).waitFor();
  for (const name of ["Select Columns in Dataset", "Feature Hashing"])
    await moduleNode(name).locator(".state-finished").waitFor();
  await look("experiment-finished");
  await moduleNode("Feature Hashing").click();
  await button("Visualize: Transformed dataset").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Histogram").waitFor();
  const columns = await dialog.locator("thead th").count();
  check(columns === 9, `Col2 and eight features are shown, not ${columns} columns`);
  await dialog.locator("thead th button").nth(1).click();
  await dialog.getByText("Standard deviation").waitFor();
  await look("visualize");
  await page.keyboard.press("Escape");
}

async function publish() {
  await place(["Web Service"], "Web service input", { x: 410, y: 240 });
  await join("input1", "Feature Hashing");
  await place(["Web Service"], "Web service output", { x: 150, y: 460 });
  await join("Feature Hashing", "output1");
  await saved();
  await look("experiment-with-ports");
  await button("Publish web service").click();
  await look("publish");
  await button("Yes").click();
  await page.getByRole("heading", { name: "SimpleFeatureHashingExperiment" }).waitFor();
}

async function testService() {
  await page.getByText("Workspace id").waitFor();
  await page.getByText("API key", { exact: true }).waitFor();
  await look("web-service");
  await button("Test").click();
  await page.getByLabel("Col2").fill("This is a good day");
  await look("test-dialog");
  await button("OK").click();
  const answer = page.getByRole("region", { name: "Result of the test" });
  await answer.waitFor();
  const cells = await answer.locator("tbody td").allInnerTexts();
  check(cells.slice(-8).join(" ") === "1 1 2 2 0 2 0 1", `the features are ${cells.slice(-8).join(" ")}`);
  await answer.scrollIntoViewIfNeeded();
  await look("test-result");
}

async function readHelp() {
  const dashboard = page.url();
  const samples = {};
  for (const [link, kind, title] of [
    ["Request/Response", "rrs", "Request Response API Documentation for SimpleFeatureHashingExperiment"],
    ["Batch Execution", "bes", "Batch Execution API Documentation for SimpleFeatureHashingExperiment"],
  ]) {
    await page.getByRole("link", { name: link }).click();
    await page.getByRole("heading", { name: title }).waitFor();
    for (const heading of ["Request Headers", "Request Body", "Response", "Input Parameters", "Output Parameters", "Status and error codes", "Sample Code"])
      await page.getByRole("heading", { name: heading, exact: true }).waitFor();
    await look(`help-${kind}`);
    for (const [tab, language] of [["C#", "cs"], ["Python", "py"], ["R", "r"]]) {
      await page.getByRole("tab", { name: tab, exact: true }).click();
      samples[`${kind}.${language}`] = await page.locator("#sample-code pre").innerText();
    }
    await page.locator("#sample-code").scrollIntoViewIfNeeded();
    await shoot(page, `help-${kind}-samples`);
    await page.goto(dashboard);
  }
  await button("Show").click();
  const values = await page.locator(".copy-text").allInnerTexts();
  return { samples, workspace: values[0], service: values[1], key: values[2] };
}

async function datasets() {
  await page.getByRole("link", { name: "Datasets" }).click();
  await page.getByRole("link", { name: "Book Reviews from Amazon" }).waitFor();
  await button("New dataset").click();
  await page.getByRole("dialog").getByLabel("File").setInputFiles({
    name: "numbers.csv",
    mimeType: "text/csv",
    buffer: Buffer.from("a,b\n1,<script>alert(1)</script>\n2.5,<img src=x onerror=alert(2)>\n,three\n"),
  });
  await look("upload");
  await button("Upload").click();
  await page.getByRole("link", { name: "numbers.csv" }).waitFor();
  await look("datasets");
  await button("Visualize numbers.csv").click();
  await page.getByRole("dialog").getByText("<script>alert(1)</script>").first().waitFor();
  await look("dataset");
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "Web services" }).click();
  await page.getByRole("link", { name: "SimpleFeatureHashingExperiment" }).waitFor();
  await look("web-services");
  await page.getByRole("link", { name: "Experiments" }).click();
  await page.getByRole("link", { name: "SimpleFeatureHashingExperiment" }).waitFor();
  await look("experiments");
}

const service = "/workspaces/{workspace}/services/{service}";
const operations = [
  ["RRS Execute", "POST", `${service}/execute?api-version={apiversion}&details={details}`],
  ["BES Submit", "POST", `${service}/jobs?api-version={apiversion}`],
  ["BES Start", "POST", `${service}/jobs/{jobid}/start?api-version={apiversion}`],
  ["BES Status", "GET", `${service}/jobs/{jobid}?api-version={apiversion}`],
  ["BES Delete", "DELETE", `${service}/jobs/{jobid}?api-version={apiversion}`],
];

/** Part C as far as the publisher portal goes; gives a key of the product. */
async function manage(services) {
  await page.getByRole("link", { name: "API management" }).click();
  await page.getByRole("link", { name: "Manage demoazureml" }).click();
  await page.getByText("No calls in this period.").waitFor();
  await look("dashboard-empty");
  await page.getByRole("link", { name: "APIs", exact: true }).click();
  await page.getByRole("heading", { name: "APIs" }).waitFor();
  await look("apis");
  await button("Add API").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Web API name").fill("AzureML Demo API");
  await dialog.getByLabel("Web service URL").fill(services);
  await dialog.getByLabel("Web API URL suffix").fill("azureml-demo");
  await dialog.getByRole("checkbox", { name: "HTTP", exact: true }).check();
  await dialog.getByRole("checkbox", { name: "Starter" }).check();
  await look("add-api");
  await button("Save").click();
  await page.getByRole("heading", { name: "AzureML Demo API" }).waitFor();
  await page.getByText("There is no operation yet.").waitFor();
  await page.getByText("in process").waitFor();
  for (const [name, verb, template] of operations) {
    await button("Add operation").click();
    await dialog.getByLabel("HTTP verb").selectOption(verb);
    await dialog.getByLabel("URL template").fill(template);
    await dialog.getByLabel("Display name").fill(name);
    if (name === "RRS Execute") {
      await dialog.getByText("Parameters: workspace, service, apiversion, details").waitFor();
      await look("add-operation");
    }
    await button("Save").click();
    await page.getByRole("cell", { name, exact: true }).waitFor();
  }
  await look("api");

  const policy = page.getByLabel("Policies", { exact: true });
  await policy.fill("<policies><inbound><base /><rate-limit calls='x' renewal-period='60' /></inbound></policies>");
  await button("Save policies").click();
  await page.getByRole("alert").filter({ hasText: "calls" }).waitFor();
  noComplaints(page, [/400/]);
  await look("policy-refused");
  await policy.fill("<policies><inbound><base /><set-header name='X-Seen' exists-action='override'><value>1</value></set-header></inbound><backend><base /></backend><outbound><base /><set-header name='X-Managed' exists-action='override'><value>yes</value></set-header></outbound></policies>");
  await button("Save policies").click();
  await page.getByRole("status").filter({ hasText: "Saved" }).waitFor();

  await page.getByRole("link", { name: "APIs", exact: true }).click();
  await button("Import web service").click();
  await dialog.getByLabel("Published web service").selectOption({ label: "SimpleFeatureHashingExperiment" });
  await button("Save").click();
  await page.getByRole("heading", { name: "SimpleFeatureHashingExperiment" }).waitFor();
  await page.getByRole("cell", { name: "BES Delete", exact: true }).waitFor();

  await page.getByRole("link", { name: "Products", exact: true }).click();
  await button("Add product").click();
  await dialog.getByLabel("Name of the product").fill("Gold");
  await dialog.getByLabel("Terms of use").fill("Be kind.");
  await dialog.getByRole("checkbox", { name: "Require subscription approval" }).check();
  await button("Save").click();
  await page.getByRole("link", { name: "Gold" }).waitFor();
  await look("products");
  await page.getByRole("link", { name: "Starter" }).click();
  await page.getByRole("heading", { name: "APIs of the product" }).waitFor();
  await page.getByRole("checkbox", { name: "AzureML Demo API" }).waitFor();
  check(await page.getByRole("checkbox", { name: "AzureML Demo API" }).isChecked(), "the API is in the product");
  await look("product");

  await page.getByRole("link", { name: "Policies", exact: true }).click();
  await page.getByLabel("Scope").selectOption({ label: "API AzureML Demo API" });
  const text = (has) =>
    page.waitForFunction((yes) => document.querySelector(".cm-content")?.textContent.includes("X-Managed") === yes, has);
  await text(true);
  await page.getByLabel("Operation", { exact: true }).selectOption({ label: "RRS Execute" });
  await text(false);
  await look("policies");

  await page.getByRole("link", { name: "Subscriptions", exact: true }).click();
  await button("Add subscription").click();
  await dialog.getByLabel("Name of the subscription").fill("Tutorial");
  await dialog.getByLabel("May call").selectOption({ label: "Product Starter" });
  await button("Save").click();
  await page.getByRole("cell", { name: "Tutorial", exact: true }).waitFor();
  await look("subscriptions");
  await button("Keys of Tutorial").click();
  const shown = dialog.locator(".copy-text").first();
  await dialog.getByRole("button", { name: "Show" }).first().click();
  const before = await shown.innerText();
  await look("keys");
  await button("Regenerate primary key").click();
  await page.waitForFunction((old) => document.querySelector("[role=dialog] .copy-text")?.textContent !== old, before);
  const key = await shown.innerText();
  await button("Close").click();
  return { key, old: before };
}

/** Known calls show up as what they were. */
async function watch(told, gateway) {
  const address = `${gateway}/azureml-demo/workspaces/${told.workspace}/services/${told.service}/execute?api-version=2.0&details=true`;
  const call = (key) =>
    fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${told.key}`, "Ocp-Apim-Subscription-Key": key },
      body: JSON.stringify({ Inputs: { input1: { ColumnNames: ["Col2"], Values: [["a"]] } }, GlobalParameters: {} }),
    });
  for (const key of [told.managed.key, told.managed.key, told.managed.key, told.managed.old, "none"]) await call(key);
  await page.getByRole("link", { name: "Dashboard" }).click();
  const tile = (name) => page.locator(".tile", { hasText: name }).locator("dd");
  await page.waitForFunction(() => document.querySelector(".tile dd")?.textContent === "5");
  check((await tile("Success").innerText()) === "3", "three calls succeeded");
  check((await tile("Blocked").innerText()) === "2", "two were blocked");
  await page.getByRole("tab", { name: "Operations" }).click();
  await page.getByRole("button", { name: "RRS Execute" }).click();
  await page.waitForFunction(() => document.querySelector(".tile dd")?.textContent !== "");
  await look("dashboard");
}

async function signOutAndIn() {
  await page.goto(`${origin}/studio`);
  await button(`Account ${email}`).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await look("sign-in");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill("a wrong password");
  await button("Sign in").click();
  await page.getByText("The e-mail address or the password is wrong.").waitFor();
  noComplaints(page, [/401/]);
  await page.getByLabel("Password").fill(password);
  await page.keyboard.press("Enter");
  // The page that was asked for is there again.
  await page.getByRole("link", { name: "Experiments" }).waitFor();
}

try {
  await makeAdministrator();
  await makeInstance();
  await buildExperiment();
  await runExperiment();
  await publish();
  await testService();
  const told = await readHelp();
  await datasets();
  told.managed = await manage(process.argv[3]);
  await watch(told, process.argv[4]);
  told.own = await developerPortal({ browser, page, origin, told, developer, look });
  await lookAgain(browser, origin, await page.context().storageState(), visited);
  await signOutAndIn();
  console.log(JSON.stringify(told));
  sayFindings();
} catch (error) {
  await shoot(page, "failure");
  sayFindings();
  console.error(`${error.stack}\nat ${page.url()}; the page said:\n${page.complaints.join("\n")}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
