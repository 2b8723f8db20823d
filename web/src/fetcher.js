export async function fetcher(params, { headers } = {}) {
  const token = csrfToken()
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: {
      Accept: 'application/graphql-response+json',
      'Content-Type': 'application/json',
      ...(token && { 'X-CSRF-Token': token }),
      ...headers,
    },
    body: JSON.stringify(params),
  })
  const text = await response.text()
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`${response.status} ${response.statusText} ${text.slice(0, 500)}`.trim())
  }
}

// The readable half of a cookie session, sent back as proof that it is this page which asks.
function csrfToken() {
  return /(?:^|; )espace_csrf="?([^;"]*)/.exec(document.cookie)?.[1]
}
