// A visit to the page without a bundle: `node fallback.mjs CHROMIUM URL DOCUMENT…` asks each, and prints what it saw.
import { open } from "./page.mjs";

const [executablePath, url, ...documents] = process.argv.slice(2);
const { browser, page, record } = await open(executablePath, url);
const seen = { text: await page.locator("body").innerText(), answers: [] };

for (const text of documents) {
  await page.locator("textarea").fill(text);
  const answer = page.waitForResponse((response) => response.url().endsWith("/graphql"));
  await page.getByRole("button").click();
  await (await answer).finished();
  await page.locator("pre", { hasText: "{" }).waitFor();
  seen.answers.push(JSON.parse(await page.locator("pre").innerText()));
}

await browser.close();
console.log(JSON.stringify({ ...seen, ...record }));
