// `node fetcher.mjs URL TOKEN` follows the history as GraphiQL does, until it is told something, and prints that as JSON;
// first what GraphiQL asks besides, to see that it is answered as ever.
import { fetcher } from "../web/src/fetcher.js";

const [url, token] = process.argv.slice(2);
const send = globalThis.fetch;
globalThis.fetch = (path, options) => send(url + path, options);
globalThis.document = { cookie: "" };
const headers = { Authorization: `Bearer ${token}` };
const asked = await fetcher({ query: "{ viewer { displayName } }" }, { headers });
const refused = await fetcher({ query: "subscription { activityRecorded { id } }" });
const followed = await fetcher({ query: "subscription { activityRecorded { action } }" }, { headers });
const told = await new Promise((resolve, reject) => {
  const { unsubscribe } = followed.subscribe({
    next: (result) => (unsubscribe(), resolve(result)),
    error: reject,
    complete: () => reject(new Error("it is over")),
  });
  console.error("following");
});
console.log(JSON.stringify({ asked, refused, told }));
