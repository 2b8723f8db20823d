// The picture of GraphiQL in the README: `node picture.mjs CHROMIUM URL FILE`. Nothing in it depends on the day.
import { Graphiql, open } from "./page.mjs";

const QUERY =
  "query WhoAmI { viewer { displayName email kind identity { city vatNumber } " +
  "activity(first: 2) { nodes { summary channel actor { displayName } } } } }";
const [executablePath, url, file] = process.argv.slice(2);
const { browser, page } = await open(executablePath, url);
const graphiql = new Graphiql(page);

await graphiql.ready();
await graphiql.run(); // Signs in.
await graphiql.tab("WhoAmI");
await graphiql.write("Operation Editor", QUERY);
await graphiql.press(/^Prettify query/);
await page.locator(".graphiql-query-editor .view-line").nth(9).waitFor();
await graphiql.press("Hide editor tools");
await graphiql.press("Show Documentation Explorer");
for (const name of ["Query", "Profile"]) {
  await page.locator(".graphiql-doc-explorer").getByText(name, { exact: true }).first().click();
}
await graphiql.run();
await page.locator(".graphiql-response .view-line").nth(5).waitFor();
await page.mouse.move(0, 0);
await page.screenshot({ path: file, animations: "disabled" });
await browser.close();
