// The page without Node.js at set-up: a text area and a button.

const form = document.getElementById('form')
const result = document.getElementById('result')

async function run(query) {
  const token = /(?:^|; )espace_csrf="?([^;"]*)/.exec(document.cookie)?.[1]
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: {
      Accept: 'application/graphql-response+json',
      'Content-Type': 'application/json',
      ...(token && { 'X-CSRF-Token': token }),
    },
    body: JSON.stringify({ query }),
  })
  const text = await response.text()
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return `${response.status} ${text}`
  }
}

form.addEventListener('submit', (event) => {
  event.preventDefault()
  result.textContent = '…'
  run(form.elements.query.value).then(
    (text) => (result.textContent = text),
    (error) => (result.textContent = String(error)),
  )
})
