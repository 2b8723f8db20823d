// Bundles GraphiQL into dist/, from where the server hands it out: the page at /graphql (app/graphiql.py),
// everything else under /_graphiql/.
//
//   npm ci && npm run build        (`make setup` does both where Node.js is there)
//
// - src/index.jsx  the page: editors, documentation, explorer, history
// - src/style.css  what is ours in its looks
// - index.html     the template; the server fills in the mode
// - fallback.*     the page without Node.js; not bundled, served as they are
//
// Nothing comes from another host and nothing is inline or evaluated, so that the page lives under a strict
// Content-Security-Policy; hence workers with addresses of their own. The same sources give the same bytes.

import { copyFile, readdir, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const here = fileURLToPath(new URL('.', import.meta.url))

const common = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  outdir: 'dist',
  target: 'es2022',
  define: { 'process.env.NODE_ENV': '"production"' },
  logLevel: 'warning',
}

await rm(`${here}dist`, { recursive: true, force: true })

// Split, so that the formatters are loaded by whoever formats.
await build({
  ...common,
  entryPoints: ['src/index.jsx'],
  format: 'esm',
  splitting: true,
  jsx: 'automatic',
  loader: { '.ttf': 'empty' }, // Of styles that are thrown away below.
  // GraphiQL asks for the old addresses of these parsers, which are no ES modules.
  alias: { 'prettier/parser-babel': 'prettier/plugins/babel', 'prettier/parser-graphql': 'prettier/plugins/graphql' },
})

// The styles of the editor, which is loaded later: GraphiQL's own, in index.css, have them.
for (const name of await readdir(`${here}dist`)) {
  if (name.endsWith('.css') && name !== 'index.css') await rm(`${here}dist/${name}`)
}

await build({
  ...common,
  entryPoints: {
    'editor.worker': 'monaco-editor/esm/vs/editor/editor.worker.js',
    'json.worker': 'monaco-editor/esm/vs/language/json/json.worker.js',
    'graphql.worker': 'monaco-graphql/esm/graphql.worker.js',
  },
  format: 'iife',
})

// Last: the server takes the bundle as made once its page is there.
await copyFile(`${here}index.html`, `${here}dist/index.html`)
