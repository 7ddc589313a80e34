// People and mail by mouse and keyboard: sign-up, invitation, groups, visibility, notifications, templates, outbox and
// settings; each page looked at in 1280 and 390 px, both languages and both themes. There is no mail server.
//   people.mjs FIRST_RUN_ADDRESS SERVICE EMPTY_SERVICE
import { check, inspect, lookAgain, noComplaints, openBrowser, openPage, sayFindings, shoot } from "./browser.mjs";

const [, , firstRun, service, empty] = process.argv;
const origin = new URL(firstRun).origin;
const password = "correct horse battery";
const browser = await openBrowser();
const page = await openPage(browser);
const guest = await openPage(browser);
const visited = [];

/** Clicks a box that shows what the server has, and waits until it has it. */
async function mark(name, checked) {
  await page.getByRole("checkbox", { name, checked: !checked }).click();
  await page.getByRole("checkbox", { name, checked }).waitFor();
}

const button = (name, where = page) => where.getByRole("button", { name, exact: true });
const link = (name, where = page) => where.getByRole("link", { name, exact: true });

async function look(name, where = page, allowed = []) {
  await inspect(where, name);
  noComplaints(where, allowed);
  await shoot(where, name);
  const { pathname } = new URL(where.url());
  visited.push({ name, path: pathname, guest: where === guest && pathname !== "/account" });
}

async function enter() {
  await page.goto(firstRun);
  await page.getByLabel("E-mail").fill("admin@example.org");
  await page.getByLabel("Password").first().fill(password);
  await page.getByLabel("Repeat the password").fill(password);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Service instances" }).waitFor();
  await page.goto(`${origin}/publisher/${empty}/users`);
  await page.getByText("No developer has signed up yet").waitFor();
  await look("people-users-empty");
  await link("Notifications").click();
  await link("Outbox").click();
  await page.getByText("No mail yet").waitFor();
  await look("people-outbox-empty");
}

async function signUp() {
  await guest.goto(`${origin}/developer/${service}/signup`);
  await guest.getByText("This installation sends no mail.").waitFor();
  await look("people-sign-up", guest);
  await guest.getByLabel("E-mail").fill("ann@example.org");
  await guest.getByLabel("First name").fill("Ann");
  await guest.getByLabel("Last name").fill("Lee");
  await guest.getByLabel("Password").first().fill("short");
  await guest.getByLabel("Repeat the password").fill("short");
  await guest.keyboard.press("Enter");
  await guest.getByText("A password has at least 10 characters.").waitFor();
  await look("people-sign-up-refused", guest, [/400/]);
  await guest.getByLabel("Password").first().fill(password);
  await guest.getByLabel("Repeat the password").fill(password);
  await guest.keyboard.press("Enter");
  await guest.getByText("A mail has gone to ann@example.org.").waitFor();
  await look("people-sign-up-sent", guest);
}

/** The link in the newest mail, as the publisher reads it. */
async function linkOfMail(subject, said) {
  await page.goto(`${origin}/publisher/${service}/notifications/outbox`);
  await page.getByRole("button", { name: subject }).first().click();
  const dialog = page.getByRole("dialog");
  const text = await dialog.frameLocator("iframe").locator("body").innerText();
  await look(`people-mail-${subject.source.split(" ")[0].toLowerCase()}`);
  await button("Close", dialog).click();
  if (said) {
    check(text.includes(said), `the mail says ${said}, not: ${text}`);
    return "";
  }
  return /https?:\/\/\S+#\S+/.exec(text)[0];
}

async function confirm() {
  const address = await linkOfMail(/Please confirm/);
  await guest.goto(address);
  await button("Confirm account", guest).waitFor();
  await look("people-confirm", guest);
  await button("Confirm account", guest).click();
  await guest.getByText("The account ann@example.org is ready.").waitFor();
  await guest.getByRole("link", { name: "Go to sign-in", exact: true }).click();
  await guest.getByRole("link", { name: "Reset password", exact: true }).waitFor();
  await guest.getByRole("link", { name: "Sign up", exact: true }).waitFor();
  const signIn = guest.url();
  // The link is good once.
  await guest.goto("about:blank");
  await guest.goto(address);
  await button("Confirm account", guest).click();
  await guest.getByText("This link is not good").waitFor();
  noComplaints(guest, [/401/]);
  await guest.goto(signIn);
  await guest.getByLabel("E-mail").fill("ann@example.org");
  await guest.getByLabel("Password").fill(password);
  await guest.keyboard.press("Enter");
  await button("Account ann@example.org", guest).waitFor();
  await guest.goto(`${origin}/account`);
  await guest.getByRole("heading", { name: "Your account" }).waitFor();
  await look("people-account", guest);
  await guest.getByLabel("Present password").fill(password);
  await guest.getByLabel("New password").fill(`${password} 2`);
  await guest.getByLabel("Repeat the password").fill(`${password} 2`);
  await button("Change password", guest).click();
  await guest.getByText("The password is changed.").waitFor();
  noComplaints(guest);
}

async function users() {
  await page.goto(`${origin}/publisher/${service}/users`);
  await page.getByRole("cell", { name: "Ann Lee", exact: true }).waitFor();
  await button("Invite user").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("First name").fill("Bob");
  await dialog.getByLabel("Last name").fill("Ray");
  await dialog.getByLabel("E-mail").fill("bob@example.org");
  await look("people-invite");
  await page.keyboard.press("Enter");
  await page.getByRole("cell", { name: "Invited" }).waitFor();
  await page.getByText("A mail for bob@example.org is in the outbox.").waitFor();
  await look("people-users");
  await button("More for Ann Lee").click();
  await page.getByRole("menuitem", { name: "Block" }).click();
  await page.getByRole("cell", { name: "Blocked" }).waitFor();
  await button("More for Ann Lee").click();
  await page.getByRole("menuitem", { name: "Activate" }).click();
  await page.getByRole("cell", { name: "Blocked" }).waitFor({ state: "detached" });
  const address = await linkOfMail(/You are invited/);
  const bob = await openPage(browser);
  await bob.goto(address);
  await bob.getByLabel("New password").fill(password);
  await bob.getByLabel("Repeat the password").fill(password);
  await inspect(bob, "invitation");
  await shoot(bob, "people-invitation");
  await bob.keyboard.press("Enter");
  await bob.getByText("The account bob@example.org is ready.").waitFor();
  await bob.goto(`${origin}/developer/${service}/reset-password`);
  await bob.getByLabel("E-mail").fill("bob@example.org");
  await inspect(bob, "reset");
  await shoot(bob, "people-reset");
  visited.push({ name: "people-reset", path: new URL(bob.url()).pathname, guest: true });
  await bob.keyboard.press("Enter");
  await bob.getByText("If bob@example.org has an account here").waitFor();
  noComplaints(bob);
  await bob.context().close();
}

async function groups() {
  await link("Groups").click();
  await page.getByRole("cell", { name: "Guests", exact: true }).waitFor();
  await button("Add group").click();
  await page.getByRole("dialog").getByLabel("Name of the group").fill("Partners");
  await look("people-group-add");
  await page.keyboard.press("Enter");
  await link("Partners").click();
  await page.getByText("Nobody is in this group yet.").waitFor();
  await page.getByLabel("Find a user by name or e-mail").fill("ann@");
  await look("people-group");
  await button("Add Ann Lee to the group").click();
  await button("Remove Ann Lee from the group").waitFor();
  await page.getByText("There is nobody to add.").waitFor();
  await link("Groups").click();
  await look("people-groups");
  await link("Users").click();
  await button("More for Bob Ray").click();
  await page.getByRole("menuitem", { name: "Groups" }).click();
  await mark("Partners", true);
  await page.getByText("Built-in groups: Developers").waitFor();
  await look("people-user-groups");
  await button("Close").click();
  await link("Products").click();
  await link("Unlimited").click();
  await mark("Partners", true);
  await mark("Guests", false);
  await look("people-product-visibility");
  await page.reload();
  await page.getByRole("checkbox", { name: "Partners", checked: true }).waitFor();
  await page.getByRole("checkbox", { name: "Guests", checked: false }).waitFor();
}

/** A request for a product with approval, which the harness has made for Carl. */
async function decide() {
  await link("Subscriptions").click();
  const row = page.getByRole("row", { name: /Please/ });
  await row.getByText("Waits for approval").waitFor();
  await look("people-request");
  await button("More for Please").click();
  await page.getByRole("menuitem", { name: "Reject" }).click();
  await page.getByLabel("Reason").fill("No budget");
  await look("people-reject");
  await page.keyboard.press("Enter");
  await row.getByText("Rejected").waitFor();
  await linkOfMail(/Your subscription request for the Unlimited product/, "No budget");
}

async function mails() {
  await link("Notifications").click();
  const request = page.getByRole("region", { name: "Subscription requests (requiring approval)" });
  await request.getByText("Administrator").waitFor();
  await request.getByRole("textbox").fill("boss@example.org");
  await page.keyboard.press("Enter");
  await request.getByText("boss@example.org").waitFor();
  await look("people-recipients");
  await request.getByRole("button", { name: "Remove boss@example.org" }).click();
  await request.getByText("boss@example.org").waitFor({ state: "detached" });
  await link("Email templates").click();
  await link("Developer farewell letter").waitFor();
  await look("people-templates");
  await link("Developer farewell letter").click();
  await page.getByText("This is the default text.").waitFor();
  await page.getByLabel("Subject").fill("Goodbye $DevFirstName");
  await page.getByLabel("Text (HTML)").fill("<p>Bye\n#if ($X</p>");
  await button("Save").click();
  await page.getByText(/line 2/).first().waitFor();
  await look("people-template-refused", page, [/400/]);
  await page.getByLabel("Text (HTML)").fill("<h1>Farewell</h1><p>$DevLastName</p><script>alert(1)</script>");
  await button("Preview").click();
  await page.frameLocator("iframe").getByRole("heading", { name: "Farewell" }).waitFor();
  await page.getByText("Goodbye Developer first name").waitFor();
  // The frame says that it has kept a script from running; nothing else complains.
  noComplaints(page, [/sandbox/i, /Content Security Policy/i]);
  await page.getByLabel("Text (HTML)").fill("<h1>Farewell</h1><p>$DevLastName</p>");
  await button("Save").click();
  await page.getByText("This text has been changed.").waitFor();
  await look("people-template");
  await button("Back to the default text").click();
  await button("Yes").click();
  await page.getByText("This is the default text.").waitFor();
  check((await page.getByLabel("Subject").inputValue()).startsWith("Your $OrganizationName"), "the default is back");
  await link("Settings").click();
  await page.getByLabel("Organization name").fill("Demo & Sons");
  await look("people-settings");
  await button("Save").click();
  await page.getByText("Saved").waitFor();
  await page.reload();
  check((await page.getByLabel("Organization name").inputValue()) === "Demo & Sons", "the name is kept");
}

/** What the server calls its templates and notifications is Russian where the page is. */
async function isTranslated(where) {
  if (!/notifications(\/templates)?$/.test(where.url()) || (await where.locator("html").getAttribute("lang")) !== "ru") return;
  await where.locator("section h2, td a").first().waitFor();
  const titles = await where.locator("section h2, td a").allInnerTexts();
  check(titles.length >= 7, `there are ${titles.length} titles`);
  for (const title of titles) check(/[а-я]/.test(title), `${title} is not translated`);
}

try {
  await enter();
  await signUp();
  await confirm();
  await users();
  await groups();
  await decide();
  await mails();
  for (const [state, asGuest] of [[undefined, true], [await page.context().storageState(), false]])
    await lookAgain(browser, origin, state, visited.filter(({ guest: open }) => open === asGuest), isTranslated);
  sayFindings();
} catch (error) {
  await shoot(page, "failure");
  await shoot(guest, "failure-guest");
  sayFindings();
  console.error(`${error.stack}\nat ${page.url()} and ${guest.url()}; the pages said:\n` +
    [...page.complaints, ...guest.complaints].join("\n"));
  process.exitCode = 1;
} finally {
  await browser.close();
}
