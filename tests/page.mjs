// A page of ours in a headless Chromium that finds no other host, with a record of all that it did.
import { createRequire } from "node:module";

const { chromium } = createRequire(new URL("../web/package.json", import.meta.url))("playwright-core");

export async function open(executablePath, url) {
  const browser = await chromium.launch({
    executablePath,
    args: ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
  });
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: "light" });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const record = { requests: [], proofs: [], complaints: [] };
  context.on("request", (request) => {
    record.requests.push(request.url());
    if (request.method() === "POST") record.proofs.push("x-csrf-token" in request.headers());
  });
  // A violation of the policy is an error on the console, in workers too.
  context.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) record.complaints.push(message.text());
  });
  context.on("weberror", (error) => record.complaints.push(String(error.error())));
  context.on("requestfailed", (request) => record.complaints.push(`${request.url()}: ${request.failure().errorText}`));
  await page.goto(`${url}/graphql`);
  return { browser, page, record };
}

// GraphiQL in somebody's hands. What an editor holds is asked of the editor, which draws only what is in sight.
export class Graphiql {
  constructor(page) {
    this.page = page;
  }

  // Once the editors are drawn and the schema is known.
  async ready() {
    await this.page.locator(".graphiql-query-editor .view-line").first().waitFor();
    await this.page.locator(".graphiql-spin").waitFor({ state: "detached" });
  }

  // For a moment after that GraphiQL would still run the operation of the tab before.
  async tab(name) {
    await this.page.getByRole("tablist").getByRole("button", { name, exact: true }).click();
    await this.page.waitForTimeout(500);
  }

  async press(name) {
    await this.page.getByRole("button", { name }).click();
  }

  async write(where, text) {
    await this.page.locator(`section[aria-label="${where}"] .monaco-editor:visible`).click();
    await this.page.keyboard.press("Control+A");
    await this.page.keyboard.insertText(text);
  }

  text(name) {
    return this.page.evaluate(textOf, name);
  }

  // What the editors underline, once it is about this.
  async mistake(about) {
    const found = await this.page.waitForFunction(mistakeAbout, about);
    return found.jsonValue();
  }

  async run() {
    await this.press(/^Execute query/);
    await this.page.waitForFunction(textOf, "response.json");
    return JSON.parse(await this.text("response.json"));
  }
}

function textOf(name) {
  return globalThis.__MONACO.editor
    .getModels()
    .find(({ uri }) => uri.path.endsWith(name))
    .getValue();
}

function mistakeAbout(about) {
  return globalThis.__MONACO.editor
    .getModelMarkers({})
    .map(({ message }) => message)
    .find((message) => message.includes(about));
}
