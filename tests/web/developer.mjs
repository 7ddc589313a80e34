// The end of the tutorial's part C: the developer portal as an administrator, a guest and a developer see it; a
// subscription, its keys, Try It, and the throttle of the product.
import { check, inspect, lookAgain, noComplaints, openPage, shoot } from "./browser.mjs";

const features = "1 1 2 2 0 2 0 1";

/** From the publisher portal, which `page` shows, by its link; what only an administrator is shown. */
async function lookAsAdministrator(page, look) {
  await page.getByRole("banner").getByRole("link", { name: "Developer portal" }).click();
  await page.getByRole("heading", { name: "Demo: developer portal" }).waitFor();
  await look("developer-home");
  await page.getByRole("link", { name: "Subscribe to a product" }).click();
  await page.getByRole("link", { name: "Gold" }).click();
  await page.getByText("Be kind.").waitFor();
  const subscribe = page.getByRole("button", { name: "Subscribe", exact: true });
  await page.getByText("An administrator has to approve").waitFor();
  check(await subscribe.isDisabled(), "nobody subscribes without the terms");
  await page.getByRole("checkbox", { name: "I agree to the terms of use" }).check();
  await look("developer-product-terms");
  await page.getByRole("link", { name: "Products", exact: true }).click();
  await page.getByRole("link", { name: "Starter" }).click();
  await page.getByText("as many subscriptions to this product as one may have").waitFor();
  await page.getByRole("banner").getByRole("link", { name: "Publisher portal" }).click();
  await page.getByRole("link", { name: "Policies", exact: true }).waitFor();
}

async function signIn(page, developer, look) {
  await page.getByRole("heading", { name: "Demo: developer portal" }).waitFor();
  await page.getByRole("link", { name: "APIs", exact: true }).click();
  await page.getByRole("link", { name: "Echo API" }).waitFor();
  await look("developer-guest-apis");
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByLabel("E-mail").fill(developer.email);
  await page.getByLabel("Password").fill(developer.password);
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "Profile" }).waitFor();
}

/** Subscribes to Starter; gives a key that was replaced, and the one in its place. */
async function subscribe(page, look) {
  await page.getByRole("link", { name: "Profile" }).click();
  await page.getByText("You have no subscription yet").waitFor();
  await look("developer-profile-empty");
  await page.getByRole("link", { name: "Choose a product to subscribe to" }).click();
  await page.getByRole("link", { name: "Starter" }).waitFor();
  check((await page.getByRole("link", { name: "Gold" }).count()) === 0, "developers see nothing of Gold");
  await look("developer-products");
  await page.getByRole("link", { name: "Starter" }).click();
  await page.getByLabel("Name of the subscription").fill("My first");
  await look("developer-product");
  await page.getByRole("button", { name: "Subscribe", exact: true }).click();
  const card = page.getByRole("article", { name: "My first" });
  const key = card.locator(".copy-text").first();
  await card.getByRole("button", { name: "Show: Primary key of My first" }).click();
  await page.waitForFunction(() => /^[0-9a-f]{32}$/.test(document.querySelector("article .copy-text")?.textContent));
  const old = await key.innerText();
  await look("developer-profile");
  await card.getByRole("button", { name: "Regenerate: Primary key of My first" }).click();
  await page.getByRole("button", { name: "Yes" }).click();
  await page.waitForFunction((before) => !["", before].includes(document.querySelector("article .copy-text")?.textContent), old);
  const made = await key.innerText();
  check(/^[0-9a-f]{32}$/.test(made), "the new key is shown");
  await card.getByRole("button", { name: "Hide: Primary key of My first" }).click();
  check(!(await page.content()).includes(made), "a key that is hidden is not in the page");
  await card.getByRole("button", { name: "Rename My first" }).click();
  await page.getByRole("dialog").getByLabel("Name of the subscription").fill("Renamed");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("article", { name: "Renamed" }).waitFor();
  return { old, made };
}

/** Step 17 of the tutorial, word for word; then more calls than Starter allows in a minute. */
async function tryIt(page, told, look) {
  await page.getByRole("link", { name: "APIs", exact: true }).click();
  await page.getByRole("link", { name: "AzureML Demo API" }).click();
  await page.getByRole("link", { name: "BES Delete" }).waitFor();
  await look("developer-api");
  await page.getByRole("link", { name: "RRS Execute" }).click();
  await page.getByRole("tab", { name: "Python" }).click();
  await page.locator("#code-samples pre").filter({ hasText: "Ocp-Apim-Subscription-Key" }).waitFor();
  await look("developer-operation");
  await page.getByRole("button", { name: "Try It" }).click();
  const form = page.getByRole("region", { name: "Try It" });
  await form.getByLabel("workspace").fill(told.workspace);
  await form.getByLabel("service").fill(told.service);
  await form.getByLabel("apiversion").fill("2.0");
  await form.getByLabel("details").fill("true");
  await form.getByLabel("Subscription key").selectOption({ label: "Primary: Renamed" });
  const add = form.getByRole("button", { name: "Add header" });
  await add.click();
  await form.getByLabel("Name of header 1").fill("Content-Type");
  await form.getByLabel("Value of header 1").fill("application/json");
  await add.click();
  await form.getByLabel("Name of header 2").fill("Authorization");
  await form.getByLabel("Value of header 2").fill(`Bearer ${told.key}`);
  await form.getByLabel("Request body").fill(
    JSON.stringify({ Inputs: { input1: { ColumnNames: ["Col2"], Values: [["This is a good day"]] } }, GlobalParameters: {} }),
  );
  await look("try-it");
  const send = form.getByRole("button", { name: "Send" });
  await send.click();
  const answer = form.getByRole("region", { name: "Answer" });
  await answer.getByText("200 OK").waitFor();
  check(
    (await answer.locator(".copy-text").first().innerText()).includes(
      `/azureml-demo/workspaces/${told.workspace}/services/${told.service}/execute?api-version=2.0&details=true`,
    ),
    "the requested URL is shown",
  );
  check((await answer.getByLabel("Response headers", { exact: true }).innerText()).includes("X-Managed: yes"), "headers");
  const content = JSON.parse(await answer.getByLabel("Response content", { exact: true }).innerText());
  const shown = content.Results.output1.value.Values[0].slice(-8).join(" ");
  check(shown === features, `the features are ${shown}`);
  await answer.getByText("Response content", { exact: true }).scrollIntoViewIfNeeded();
  await look("try-it-answer");
  for (let call = 2; call <= 6; ++call) {
    await send.click();
    await page.waitForFunction(() => !document.querySelector(".try-it button[type=submit]").disabled);
    await answer.getByText(call <= 5 ? "200 OK" : "429 Too Many Requests").waitFor();
  }
  await look("try-it-throttled");

  // What frames a message or names its host is the gateway's.
  await form.getByLabel("Name of header 1").fill("Host");
  await send.click();
  await form.getByRole("alert").filter({ hasText: "'Host' is set by the gateway" }).waitFor();
  noComplaints(page, [/400/]);
}

/** The calls of Try It, counted for whoever made them. */
async function seeUsage(page, look) {
  await page.getByRole("link", { name: "Usage" }).click();
  const row = page.getByRole("row", { name: "Renamed" });
  await row.waitFor();
  const cells = () => row.getByRole("cell").allInnerTexts();
  await page.waitForFunction(() => document.querySelectorAll("td")[5]?.textContent === "6");
  check((await cells()).slice(1, 6).join(" ") === "5 1 0 0 6", `the calls are ${await cells()}`);
  await look("developer-usage");
}

/** The sample code of an operation with a body, in every language, as printed. */
async function readSamples(page, look) {
  await page.getByRole("link", { name: "APIs", exact: true }).click();
  await page.getByRole("link", { name: "Echo API" }).click();
  await page.getByRole("link", { name: "Create resource" }).click();
  const samples = {};
  for (const name of ["curl", "C#", "Java", "JavaScript", "PHP", "Python", "R", "Go"]) {
    await page.getByRole("tab", { name, exact: true }).click();
    samples[name] = await page.getByLabel(`Code samples: ${name}`, { exact: true }).innerText();
  }
  await look("developer-samples");
  return samples;
}

/** `page` is the administrator's; `told` what the tutorial has made so far. */
export async function developerPortal({ browser, page, origin, told, developer, look }) {
  await lookAsAdministrator(page, look);
  const own = await openPage(browser);
  const visited = [];
  const lookOwn = async (name) => {
    await inspect(own, name);
    noComplaints(own);
    await shoot(own, name);
    visited.push({ name, path: new URL(own.url()).pathname });
  };
  try {
    await own.goto(`${origin}/developer`);
    await signIn(own, developer, lookOwn);
    const keys = await subscribe(own, lookOwn);
    await tryIt(own, told, lookOwn);
    await seeUsage(own, lookOwn);
    const samples = await readSamples(own, lookOwn);
    await lookAgain(browser, origin, await own.context().storageState(), visited);
    await lookAgain(browser, origin, undefined, visited.filter(({ name }) => name.startsWith("developer-product") || name.includes("guest")));
    await own.goto(origin);
    await own.getByText("This part is for administrators").waitFor();
    return { ...keys, samples };
  } catch (error) {
    await shoot(own, "failure-developer");
    throw new Error(`${error.message}\nat ${own.url()}; the page said:\n${own.complaints.join("\n")}`, { cause: error });
  } finally {
    await own.context().close();
  }
}
