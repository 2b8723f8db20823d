// What is typed may hold a password or a token. It lives as long as the browser tab, except what was made a
// favourite; headers are not kept at all, and the history would keep them, whatever `shouldPersistHeaders` says.

const TYPED = /^graphiql:(operationName|queries|query|tabState|variables)$/
const HISTORY = /^graphiql:(favorites|queries)$/

const place = (key) => (TYPED.test(key) ? sessionStorage : localStorage)
const withoutHeaders = (text) => JSON.stringify(JSON.parse(text), (key, value) => (key === 'headers' ? undefined : value))
const ours = (store) => Object.keys(store).filter((key) => key.startsWith('graphiql:'))

export const storage = {
  getItem: (key) => place(key).getItem(key),
  setItem(key, value) {
    if (key === 'graphiql:headers') return
    place(key).setItem(key, HISTORY.test(key) ? withoutHeaders(value) : value)
  },
  removeItem: (key) => place(key).removeItem(key),
  clear() {
    for (const store of [sessionStorage, localStorage]) ours(store).forEach((key) => store.removeItem(key))
  },
  get length() {
    return ours(sessionStorage).length + ours(localStorage).length
  },
}
