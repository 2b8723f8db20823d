import './workers.js'
// By name, although GraphiQL loads it later: that puts the editor's styles into ours.
import 'monaco-graphql/esm/monaco-editor.js'
import '@graphiql/react/font/roboto.css'
import '@graphiql/react/font/fira-code.css'
import '@graphiql/react/style.css'
import '@graphiql/plugin-doc-explorer/style.css'
import '@graphiql/plugin-history/style.css'
import '@graphiql/plugin-explorer/style.css'
import 'graphiql/graphiql.css'
import './style.css'

import { explorerPlugin } from '@graphiql/plugin-explorer'
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql'
import { createRoot } from 'react-dom/client'
import { fetcher } from './fetcher.js'
import { storage } from './storage.js'

const DEFAULT_QUERY = `# Ctrl-Enter runs, Ctrl-Space completes,
# Shift-Ctrl-P formats.

query Hello {
  __typename
}
`
const PLUGINS = [HISTORY_PLUGIN, explorerPlugin({ showAttribution: false })]

async function examples() {
  try {
    const response = await fetch('/_graphiql/examples.json', { credentials: 'same-origin' })
    const list = response.ok ? await response.json() : []
    return list.map(({ name, query, variables }) => ({
      query: name ? `# ${name}\n${query}` : query,
      variables: variables && typeof variables !== 'string' ? JSON.stringify(variables, null, 2) : variables,
    }))
  } catch {
    return []
  }
}

function showMode() {
  if (document.querySelector('meta[name=espace-mode]')?.content !== 'sandbox') return
  const banner = document.getElementById('mode')
  banner.textContent = 'Sandbox'
  banner.hidden = false
}

// GraphiQL opens a first tab with its query but without its variables, unless both are stored.
function open(tab) {
  if (storage.getItem('graphiql:tabState') !== null) return
  storage.setItem('graphiql:query', tab.query)
  storage.setItem('graphiql:variables', tab.variables ?? '')
}

showMode()
const tabs = await examples()
if (tabs.length) open(tabs[0])
createRoot(document.getElementById('graphiql')).render(
  <GraphiQL
    fetcher={fetcher}
    storage={storage}
    shouldPersistHeaders={false}
    plugins={PLUGINS}
    defaultQuery={DEFAULT_QUERY}
    defaultTabs={tabs.length ? tabs : undefined}
    defaultEditorToolsVisibility
    inputValueDeprecation
    schemaDescription
  >
    <GraphiQL.Logo>
      <a className="espace-logo" href="/graphql">
        Espace
      </a>
    </GraphiQL.Logo>
  </GraphiQL>,
)
