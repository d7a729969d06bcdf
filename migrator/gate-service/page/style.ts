// The page's style: dark and light, from a phone's width on, and no font or picture from anywhere.

export const style = `
:root { color-scheme: light dark; --back: #f4f5f2; --card: #fff; --text: #1d2420; --quiet: #5a655e; --line: #dfe3dd;
  --open: #0d6b3c; --open-back: #e3f4e9; --closed: #a3291b; --closed-back: #fdeae6; --tag: #e9ece7; --warn: #7a4a00; --warn-back: #fdf0d5; --bar: #7fb598; }
@media (prefers-color-scheme: dark) { :root { --back: #12161a; --card: #1a2025; --text: #e4e9e6; --quiet: #9aa7a0; --line: #2c353b;
  --open: #7ee0a8; --open-back: #11301f; --closed: #ff9d8d; --closed-back: #3a1814; --tag: #2b343a; --warn: #ffcf7a; --warn-back: #3a2a0c; --bar: #3f7a5b; } }
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
header, main, footer { max-width: 64rem; margin: 0 auto; padding: 0 1.25rem; }
header { display: flex; justify-content: space-between; align-items: baseline; gap: 1rem; padding-top: 1.25rem; }
h1 { font-size: 1rem; letter-spacing: .02em; margin: 0; }
#live { color: var(--quiet); font-size: .85rem; margin: 0; }
#live.on::before { content: ""; display: inline-block; width: .5rem; height: .5rem; border-radius: 50%; background: var(--open); margin-right: .4rem; }
main { display: grid; gap: 1rem; padding-top: 1rem; padding-bottom: 1rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem 1.25rem; min-width: 0; }
h2 { font-size: .8rem; margin: 0 0 .6rem; color: var(--quiet); font-weight: 600; text-transform: uppercase; letter-spacing: .06em; }
section.state { padding: 0; overflow: hidden; }
section.state h2 { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.gate { padding: 1.5rem 1.25rem 1.5rem .75rem; border-left: .5rem solid; }
.gate.open { background: var(--open-back); border-color: var(--open); }
.gate.closed { background: var(--closed-back); border-color: var(--closed); }
.gate p { margin: 0; }
.gate .word { font-size: 2.6rem; line-height: 1.1; font-weight: 700; letter-spacing: -.02em; }
.gate.open .word { color: var(--open); }
.gate.closed .word { color: var(--closed); }
.gate .word .tag { font-size: 1rem; vertical-align: middle; letter-spacing: 0; }
.gate .detail { margin-top: .5rem; font-size: 1.05rem; max-width: 46rem; overflow-wrap: anywhere; }
.gate .since { margin-top: .25rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: 1rem; margin: 0; padding: 1rem 1.25rem; border-top: 1px solid var(--line); }
.facts dt { color: var(--quiet); font-size: .8rem; }
.facts dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
code { font: .92em ui-monospace, SFMono-Regular, Menlo, monospace; overflow-wrap: anywhere; }
.quiet, .since, .note { color: var(--quiet); }
.gate .quiet, .gate .since { color: var(--text); }
.note { margin: 0; }
.tag { display: inline-block; background: var(--tag); color: var(--text); border-radius: .3rem; padding: 0 .4rem; font-size: .82rem; font-weight: 500; }
.tag.good { background: var(--open-back); color: var(--open); }
.tag.warn { background: var(--warn-back); color: var(--warn); }
.names { margin: 0; padding-left: 1.4rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 500; font-size: .8rem; color: var(--quiet); padding: 0 1rem .3rem 0; }
td { border-top: 1px solid var(--line); padding: .4rem 1rem .4rem 0; vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
.bar { width: 4rem; height: .5rem; margin-right: .5rem; }
.bar rect { fill: var(--bar); }
footer { color: var(--quiet); font-size: .85rem; padding-bottom: 2rem; }
footer a { color: inherit; }
@media (max-width: 40rem) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { display: block; border-top: 1px solid var(--line); padding: .4rem 0; }
  tr:first-child { border-top: 0 }
  td { display: grid; grid-template-columns: 6rem 1fr; border: 0; padding: .1rem 0; }
  td > div { min-width: 0 }
  td::before { content: attr(data-head); color: var(--quiet); font-size: .85rem; }
}
`
