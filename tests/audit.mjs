// The audit of GraphQL over HTTP against a server: `node audit.mjs URL TOKEN` prints its findings as JSON.
import { createRequire } from "node:module";

const { auditServer } = createRequire(new URL("../web/package.json", import.meta.url))("graphql-http");
const [url, token] = process.argv.slice(2);

const findings = await auditServer({
  url,
  fetchFn: (address, options = {}) =>
    fetch(address, { ...options, headers: { ...options.headers, authorization: `Bearer ${token}` } }),
});

console.log(JSON.stringify(findings.map(({ id, name, status, reason }) => ({ id, name, status, reason }))));
