// The style sheet of the operator's page: one column on phones, colours of the system's light or dark scheme.

/** Contrasts of text are 4.5 to 1 at least (WCAG 2.2, 1.4.3). */
export const STYLE = `
:root { color-scheme: light dark; --text: #1b1f24; --page: #fff; --soft: #f2f4f7; --line: #8a929c; --link: #0b57c2;
  --good: #0a6b2e; --bad: #b3160f; --hint: #50575f; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e8eaed; --page: #14171a; --soft: #22272c; --line: #78818b; --link: #8ab6ff;
    --good: #7bd88f; --bad: #ff9d94; --hint: #b0b7bf; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 0 1rem 3rem; color: var(--text); background: var(--page);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
main:focus { outline: none; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: .5rem; padding: .5rem; background: var(--page); }
header { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: baseline; padding: .75rem 0;
  border-bottom: 1px solid var(--line); }
.name { margin: 0; font-weight: 700; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 0; padding: 0; list-style: none; }
nav a { display: inline-block; padding: .25rem 0; }
.search { flex: 1 1 20rem; display: flex; flex-wrap: wrap; gap: .25rem .5rem; align-items: center; }
.search input { flex: 1 1 10rem; }
.search p { flex: 1 0 100%; margin: 0; }
.who { font-size: .875rem; }
input, button, textarea, select { font: inherit; color: inherit; background: var(--page); border: 1px solid var(--line);
  border-radius: .375rem; padding: .4rem .6rem; min-height: 2.25rem; }
input[type=checkbox] { min-height: 0; width: 1.25rem; height: 1.25rem; }
button { background: var(--soft); cursor: pointer; }
.field { display: grid; gap: .25rem; max-width: 36rem; margin: 1rem 0; }
h1 { font-size: 1.5rem; line-height: 1.25; }
h2 { font-size: 1.125rem; margin: 2rem 0 .5rem; }
dl { margin: 0; border-top: 1px solid var(--line); }
dl div { display: grid; grid-template-columns: minmax(8rem, 14rem) 1fr; gap: .25rem 1rem; padding: .35rem 0;
  border-bottom: 1px solid var(--line); }
dt { color: var(--hint); }
dd { margin: 0; }
.wide { position: relative; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; overflow-wrap: normal; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--hint); font-weight: 600; white-space: nowrap; }
td time { white-space: nowrap; }
code { font: .9em/1.4 ui-monospace, monospace; }
.json { display: block; max-width: 40rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.hint { color: var(--hint); font-size: .875rem; }
.badge { font-weight: 600; }
.badge.good { color: var(--good); }
.badge.bad { color: var(--bad); }
.notice { border: 1px solid var(--line); border-left-width: .4rem; border-radius: .25rem; padding: .5rem 1rem;
  background: var(--soft); }
.notice.good { border-left-color: var(--good); }
.notice.bad { border-left-color: var(--bad); }
.notice p { margin: .25rem 0; }
@media (max-width: 40rem) { dl div { grid-template-columns: 1fr; } }
`;
