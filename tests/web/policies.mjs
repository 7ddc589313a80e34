// The policy editor by mouse and keyboard: colours, completion from what the server declares, errors where they are, and
// policies by a form.
//   policies.mjs FIRST_RUN_ADDRESS SERVICE
import { check, inspect, lookAgain, noComplaints, openBrowser, openPage, sayFindings, shoot } from "./browser.mjs";

const [firstRun, service] = process.argv.slice(2);
const { origin } = new URL(firstRun);
const password = "correct horse battery";
const browser = await openBrowser();
const page = await openPage(browser);
const button = (name) => page.getByRole("button", { name, exact: true });
const editor = page.getByLabel("Policies", { exact: true });
const written = () => page.locator(".cm-line").allInnerTexts().then((lines) => lines.join("\n"));
const options = page.getByRole("listbox", { name: "Completions" }).getByRole("option");

async function look(name, allowed = []) {
  await inspect(page, name);
  noComplaints(page, allowed);
  await shoot(page, name);
}

async function enter() {
  await page.goto(firstRun);
  await page.getByLabel("E-mail").fill("admin@example.org");
  await page.getByLabel("Password").first().fill(password);
  await page.getByLabel("Repeat the password").fill(password);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Service instances" }).waitFor();
  await page.goto(`${origin}/publisher/${service}/policies`);
  await page.getByLabel("Scope").selectOption("/products/starter");
}

/** Types in the middle of an empty document, and takes what is offered. */
async function complete() {
  await editor.fill("<policies>\n    <inbound>\n    </inbound>\n</policies>");
  check((await page.locator(".tok-typeName").allInnerTexts()).includes("inbound"), "elements have a colour");
  await page.locator(".cm-line").nth(1).click();
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  await page.keyboard.type("<qu");
  await options.filter({ hasText: /^quota$/ }).waitFor();
  check((await options.allInnerTexts()).every((one) => !/forward-request|set-body/.test(one)), "only what may stand here");
  await look("policies-completion");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector(".cm-content").textContent.includes('<quota renewal-period=""></quota>'));
  await page.keyboard.type("3600");
  await page.keyboard.press("Tab");
  await page.keyboard.type("<api ca");
  await options.filter({ hasText: "calls" }).click();
  await page.keyboard.type("10");
  check((await written()).includes('<quota renewal-period="3600"><api calls="10"</quota>'), `written:\n${await written()}`);
  await page.getByLabel("Scope").selectOption("");
  await page.getByRole("button", { name: "Add policy", exact: true }).waitFor();
  await editor.fill("<policies>\n    <inbound>\n        ");
  await page.keyboard.type("<set-header name='X' exists-action='");
  await options.filter({ hasText: "append" }).click();
  check((await written()).endsWith("exists-action='append"), "a value is taken by mouse");
  await page.keyboard.type("'>");
  await page.keyboard.type("<");
  await options.filter({ hasText: /^value$/ }).waitFor();
  await page.keyboard.press("Escape");
}

/** What is wrong is underlined at its line and column; a button leads there. */
async function errors() {
  await editor.fill(
    "<policies>\n    <inbound>\n        <!-- \u{1f600} --><rate-limit-by-key calls='x' />\n" +
      "        <nonsense />\n    </inbound>\n</policies>",
  );
  await button("Save policies").click();
  await page.getByRole("alert").getByText(/'calls' attribute is invalid/).waitFor();
  const marked = page.locator(".cm-lintRange-error");
  await marked.nth(1).waitFor();
  const texts = await marked.allInnerTexts();
  check(texts.join(" ") === "<rate-limit-by-key <nonsense", `underlined: ${texts.join(" ")}`);
  check((await page.locator(".cm-lint-marker-error").count()) === 2, "two lines have a mark");
  await button("Line 4, column 9").click();
  check(await page.evaluate(() => document.activeElement.classList.contains("cm-content")), "the editor has the focus");
  await page.keyboard.type("!");
  check((await written()).includes("!<nonsense"), "the cursor is at the error");
  await page.keyboard.press("Control+z");
  await look("policies-errors", [/400/]);
}

async function add() {
  await editor.fill("<policies>\n    <inbound>\n        <base />\n    </inbound>\n    <outbound />\n</policies>");
  await button("Add policy").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Policy").selectOption("rate-limit-by-key");
  await look("policies-add");
  check(await dialog.getByRole("button", { name: "Add to the document" }).isDisabled(), "what is required is asked for");
  await dialog.getByLabel("calls*", { exact: true }).fill("10");
  await dialog.getByLabel("renewal-period*", { exact: true }).fill("60");
  await dialog.getByLabel("counter-key*", { exact: true }).fill('@(context.Request.IpAddress)');
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  await button("Add policy").click();
  await dialog.getByLabel("Section").selectOption("outbound");
  await dialog.getByLabel("Policy").selectOption("set-header");
  await dialog.getByLabel("name*", { exact: true }).fill("X-Seen");
  await dialog.getByLabel("<value>").fill("a < b & \"c\"");
  await button("Add to the document").click();
  await dialog.waitFor({ state: "detached" });
  const expected =
    "<policies>\n    <inbound>\n        <base />\n" +
    '        <rate-limit-by-key calls="10" renewal-period="60" counter-key="@(context.Request.IpAddress)" />\n' +
    "    </inbound>\n    <outbound>\n" +
    '        <set-header name="X-Seen">\n            <value>a &lt; b &amp; "c"</value>\n        </set-header>\n' +
    "    </outbound>\n</policies>";
  check((await written()) === expected, `the document is\n${await written()}`);
  await button("Save policies").click();
  await page.getByRole("status").getByText("Saved").waitFor();
  await page.reload();
  await editor.waitFor();
  check((await written()) === expected, "what was added is kept");
  await editor.fill("nothing");
  await button("Add policy").click();
  await dialog.getByLabel("Policy").selectOption("set-variable");
  await dialog.getByLabel("name*", { exact: true }).fill("a");
  await dialog.getByLabel("value*", { exact: true }).fill("b");
  await button("Add to the document").click();
  await dialog.getByText("The text has no policies element to add to.").waitFor();
  await button("Cancel").click();
}

try {
  await enter();
  await complete();
  await errors();
  await add();
  const places = [{ name: "policies", path: `/publisher/${service}/policies` }];
  await lookAgain(browser, origin, await page.context().storageState(), places, (one) => one.locator(".cm-line").first().waitFor());
  sayFindings();
} catch (error) {
  await shoot(page, "failure");
  sayFindings();
  console.error(`${error.stack}\nat ${page.url()}; the page said:\n${page.complaints.join("\n")}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
