// The search of the API reference. All else works without a script. The entries come from search.js of the same language.

const MOST = 12;
const search = document.querySelector('.search');
const input = search.querySelector('input');
const list = search.querySelector('.found');
const status = search.querySelector('.status');
const base = document.documentElement.dataset.base;

search.hidden = false;

/** The entries that have every word, those with it in their title first. */
function find(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const all = globalThis.ppuriSearch.filter(({ title, about, text }) => {
    const where = `${title} ${about} ${text}`.toLowerCase();
    return words.every((word) => where.includes(word));
  });
  const isNamed = ({ title }) => words.every((word) => title.toLowerCase().includes(word));
  return [...all.filter(isNamed), ...all.filter((entry) => !isNamed(entry))];
}

function show() {
  const found = find(input.value);
  list.replaceChildren(
    ...found.slice(0, MOST).map(({ title, about, href }) => {
      const link = document.createElement('a');
      link.href = base + href;
      const small = document.createElement('small');
      small.textContent = about;
      link.append(title, small);
      const item = document.createElement('li');
      item.append(link);
      return item;
    }),
  );
  list.hidden = found.length === 0;
  status.textContent = input.value.trim() === '' ? '' : status.dataset.found.replace('{count}', found.length);
}

/** Down and up go through the results, Escape ends the search, and `/` begins another one. */
function onKey(event) {
  const stops = [input, ...list.querySelectorAll('a')];
  const at = stops.indexOf(document.activeElement);
  if (event.key === '/' && at === -1) input.select();
  else if (event.key === 'Escape' && at !== -1) {
    input.value = '';
    show();
    input.focus();
  } else if (event.key === 'ArrowDown' && at !== -1) stops[Math.min(at + 1, stops.length - 1)].focus();
  else if (event.key === 'ArrowUp' && at > 0) stops[at - 1].focus();
  else if (event.key === 'Enter' && at === 0 && stops[1]) stops[1].click();
  else return;
  event.preventDefault();
}

input.addEventListener('input', show);
document.addEventListener('keydown', onKey);
document.addEventListener('click', (event) => {
  if (!search.contains(event.target)) list.hidden = true;
});
