import { getOperationAST, parse } from 'graphql'

export function fetcher(params, { headers } = {}) {
  if (isSubscription(params)) return { subscribe: (observer) => subscribe(params, headers, observer) }
  return send(params, { headers, accept: 'application/graphql-response+json' }).then(answer)
}

function isSubscription({ query, operationName }) {
  try {
    return getOperationAST(parse(query), operationName)?.operation === 'subscription'
  } catch {
    return false // The server says what is wrong with it.
  }
}

function send(params, { headers, accept, signal }) {
  const token = csrfToken()
  return fetch('/graphql', {
    method: 'POST',
    credentials: 'same-origin',
    headers: {
      Accept: accept,
      'Content-Type': 'application/json',
      ...(token && { 'X-CSRF-Token': token }),
      ...headers,
    },
    body: JSON.stringify(params),
    signal,
  })
}

// The readable half of a cookie session, sent back as proof that it is this page which asks.
function csrfToken() {
  return /(?:^|; )(?:__Host-)?espace_csrf="?([^;"]*)/.exec(document.cookie)?.[1]
}

async function answer(response) {
  const text = await response.text()
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`${response.status} ${response.statusText} ${text.slice(0, 500)}`.trim())
  }
}

function subscribe(params, headers, observer) {
  const stop = new AbortController()
  const accept = 'text/event-stream, application/graphql-response+json;q=0.9'
  send(params, { headers, accept, signal: stop.signal })
    .then(async (response) => {
      if (!response.headers.get('Content-Type')?.startsWith('text/event-stream')) observer.next(await answer(response))
      else for await (const result of results(response.body)) observer.next(result)
    })
    .then(
      () => observer.complete(),
      (error) => stop.signal.aborted || observer.error(error),
    )
  return { unsubscribe: () => stop.abort() }
}

// Server-sent events: blocks of `field: value` lines, each block ended by an empty line.
async function* results(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let pending = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const blocks = (pending + value).replaceAll('\r\n', '\n').split('\n\n')
    pending = blocks.pop()
    for (const block of blocks) {
      const lines = block.split('\n')
      if (lines.some((line) => /^event: ?complete$/.test(line))) return
      const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trimStart())
      if (data.some(Boolean)) yield JSON.parse(data.join('\n'))
    }
  }
}
