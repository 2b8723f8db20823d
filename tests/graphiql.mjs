// A visit to GraphiQL: `node graphiql.mjs CHROMIUM URL TOKEN` does what people do there, and prints as JSON what it saw.
import { Graphiql, open } from "./page.mjs";

const [executablePath, url, token] = process.argv.slice(2);
const { browser, page, record } = await open(executablePath, url);
const graphiql = new Graphiql(page);
const seen = {};

async function lookAround() {
  seen.banner = await page.locator("#mode").innerText();
  seen.tabs = await page.getByRole("tab").allInnerTexts();
  seen.variables = JSON.parse(await graphiql.text("variables.json"));
  await graphiql.press("Show Documentation Explorer");
  await page.locator(".graphiql-doc-explorer").getByText("Query", { exact: true }).click();
  seen.documentation = await page.locator(".graphiql-doc-explorer").innerText();
  await graphiql.press("Show GraphiQL Explorer");
  seen.explorer = await page.locator(".docExplorerWrap, .graphiql-explorer-root").first().innerText();
  await graphiql.press("Hide GraphiQL Explorer");
}

async function sendHeader() {
  await graphiql.tab("WhoAmI");
  await graphiql.press("Headers");
  await graphiql.write("Headers", JSON.stringify({ Authorization: `Bearer ${token}` }));
  await page.waitForTimeout(1_000); // GraphiQL takes note half a second after the last key.
  seen.byHeader = await graphiql.run();
  await page.waitForTimeout(1_000);
  seen.stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  await page.reload();
  await graphiql.ready();
  seen.headersAfterReload = await graphiql.text("request-headers.json");
}

async function takeTheTour() {
  seen.tour = [];
  for (const name of ["WhoAmI", ...seen.tabs, "WhoAmI"]) {
    await graphiql.tab(name);
    seen.tour.push([name, await graphiql.run()]);
  }
}

async function makeMistakes() {
  await graphiql.press("New tab");
  await graphiql.write("Operation Editor", "{ viewer { shoeSize } }");
  seen.mistake = await graphiql.mistake("shoeSize");
  seen.refusal = await graphiql.run();
  await graphiql.write("Operation Editor", "query ($id: ID!) { node(id: $id) { id } }");
  await graphiql.press("Variables");
  await graphiql.write("Variables", '{"id": []}');
  seen.mistakeInVariables = await graphiql.mistake("Expected");
}

async function typeAQuery() {
  await graphiql.press("New tab");
  await graphiql.write("Operation Editor", "{ view }");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Control+Space");
  // A row is drawn before the type beside it.
  await page.locator(".suggest-widget .monaco-list-row", { hasText: "Profile" }).first().waitFor();
  seen.suggestions = await page.locator(".suggest-widget .monaco-list-row").allInnerTexts();
  await page.keyboard.press("Escape");
  await graphiql.write("Operation Editor", "query{viewer{email}}");
  await graphiql.press(/^Prettify query/);
  await page.locator(".graphiql-query-editor .view-line").nth(2).waitFor();
  seen.formatted = await graphiql.text("operation.graphql");
}

await graphiql.ready();
await lookAround();
await sendHeader();
await takeTheTour();
await makeMistakes();
await typeAQuery();
seen.workers = page.workers().map((worker) => worker.url());
await browser.close();
console.log(JSON.stringify({ ...seen, ...record }));
