// Whether an operation is live, the server knows: it answers such a one as a stream of events.
export async function fetcher(params, { headers } = {}) {
  const token = csrfToken()
  const ending = new AbortController()
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: {
      Accept: 'application/graphql-response+json, text/event-stream;q=0.5',
      'Content-Type': 'application/json',
      ...(token && { 'X-CSRF-Token': token }),
      ...headers,
    },
    body: JSON.stringify(params),
    signal: ending.signal,
  })
  if (response.headers.get('content-type') === 'text/event-stream') return following(response.body, ending)
  const text = await response.text()
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`${response.status} ${response.statusText} ${text.slice(0, 500)}`.trim())
  }
}

// What GraphiQL knows as an observable: it ends with the stream, or when the stop button is pressed.
function following(body, ending) {
  return {
    subscribe(observer) {
      read(body, (result) => observer.next(result))
        .then(() => observer.complete())
        .catch((error) => ending.signal.aborted || observer.error(error))
      return { unsubscribe: () => ending.abort() }
    },
  }
}

async function read(body, told) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  for (let part; !(part = await reader.read()).done; ) {
    text += part.value
    for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
      const data = /^event: next\ndata: (.*)$/.exec(text.slice(0, end))?.[1]
      if (data) told(JSON.parse(data))
    }
  }
}

// The readable half of a cookie session, sent back as proof that it is this page which asks.
function csrfToken() {
  return /(?:^|; )espace_csrf="?([^;"]*)/.exec(document.cookie)?.[1]
}
