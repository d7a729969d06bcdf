// The page's script, which alone runs there: it puts in what the server has rendered again. Without it the page loads itself
// again.

export const script = `
const live = document.getElementById('live')
const events = new EventSource('/events')
events.onopen = () => { live.textContent = 'live'; live.className = 'on' }
events.onerror = () => { live.textContent = events.readyState === 2 ? 'not live: load the page again' : 'connecting'; live.className = '' }
events.onmessage = ({ data }) => {
  for (const [name, html] of Object.entries(JSON.parse(data))) document.getElementById(name).innerHTML = html
  const isOpen = document.querySelector('.gate.open') !== null
  document.title = (isOpen ? 'Open' : 'Closed') + ' · schemagate'
}
`
