import './workers.js'
import 'graphiql/style.css'
import '@graphiql/plugin-explorer/style.css'
import './style.css'

import { explorerPlugin } from '@graphiql/plugin-explorer'
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql'
import { createRoot } from 'react-dom/client'
import { fetcher } from './fetcher.js'
import { storage } from './storage.js'

const PLUGINS = [HISTORY_PLUGIN, explorerPlugin({ showAttribution: false })]

async function examples() {
  try {
    const response = await fetch('/_graphiql/examples.json')
    return response.ok ? await response.json() : undefined
  } catch {
    return undefined // Without them the page opens with GraphiQL's own welcome.
  }
}

const tabs = await examples()
const isNew = storage.getItem('graphiql:tabState') === null

createRoot(document.getElementById('graphiql')).render(
  <GraphiQL
    fetcher={fetcher}
    storage={storage}
    shouldPersistHeaders={false}
    plugins={PLUGINS}
    defaultTabs={tabs}
    // Of the first tab GraphiQL shows the query by itself, but not the variables.
    initialVariables={isNew ? tabs?.[0].variables : undefined}
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
