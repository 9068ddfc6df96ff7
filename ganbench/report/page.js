// Sorts and filters the rankings, moves through the samples over training, and keeps all of that in the address.
// Without it the page is whole: best first, every picture in a row.
"use strict";
const state = new URLSearchParams(location.hash.split("&").slice(1).join("&"));
const anchor = () => location.hash.split("&")[0];

function remember(key, value) {
  if (value) state.set(key, value);
  else state.delete(key);
  const rest = state.toString();
  history.replaceState(null, "", (anchor() || "#") + (rest && "&" + rest));
}

function show() {
  const target = document.getElementById(anchor().slice(1));
  if (!target) return;
  document.querySelectorAll(".setting.chosen").forEach((other) => other.classList.remove("chosen"));
  if (target.matches(".setting")) target.classList.add("chosen"); // where the address has a state, :target finds nothing
  for (let box = target.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
  target.scrollIntoView();
}

function compare(x, y) {
  const numbers = x - y;
  return Number.isNaN(numbers) ? x.localeCompare(y) : numbers;
}

function sort(table, head, down) {
  table.querySelectorAll("th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const key = (row) => row.cells[head.cellIndex].dataset.value ?? row.cells[head.cellIndex].textContent;
  const order = (a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x === "" || y === "") return (x === "") - (y === "");
    return (down ? -1 : 1) * compare(x, y);
  };
  table.tBodies[0].append(...[...table.tBodies[0].rows].sort(order));
}

function sortable(table, name) {
  const heads = [...table.querySelectorAll("thead th[data-sort]")];
  for (const head of heads) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.ariaSort ? head.ariaSort === "ascending" : head.dataset.sort === "down";
      sort(table, head, down);
      remember(`${name}.sort`, `${head.cellIndex}${down ? "d" : "a"}`);
    });
  }
  const [, column, way] = /^(\d+)([ad])$/.exec(state.get(`${name}.sort`) ?? "") ?? [];
  const head = heads.find((one) => one.cellIndex === Number(column));
  if (head) sort(table, head, way === "d");
}

function filterable(table, name) {
  const box = document.createElement("div");
  const input = document.createElement("input");
  const count = document.createElement("output");
  box.className = "tools";
  input.type = "search";
  input.placeholder = "Filter: r1, hinge, collapse …";
  input.setAttribute("aria-label", "Filter the trials by words");
  box.append(input, count);
  table.parentElement.before(box);
  const rows = [...table.tBodies[0].rows];
  const apply = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += !row.hidden;
    }
    count.textContent = words.length ? `${shown} of ${rows.length}` : "";
  };
  input.value = state.get(`${name}.filter`) ?? "";
  apply();
  input.addEventListener("input", () => {
    apply();
    remember(`${name}.filter`, input.value);
  });
}

function playable(slider) {
  const made = document.createElement("button");
  let timer = 0;
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    made.textContent = "play";
  };
  const atEnd = () => Number(slider.value) === Number(slider.max);
  const go = (to) => {
    slider.value = to;
    slider.dispatchEvent(new Event("input"));
  };
  made.type = "button";
  made.className = "tool";
  made.textContent = "play";
  made.addEventListener("click", () => {
    if (timer) return stop();
    if (atEnd()) go(0);
    made.textContent = "pause";
    const next = () => (atEnd() ? stop() : go(Number(slider.value) + 1));
    timer = setInterval(next, Math.max(60, 6000 / slider.max)); // all of it in six seconds
  });
  slider.addEventListener("pointerdown", stop);
  return made;
}

function scrubbable(strip) {
  const pictures = [...strip.querySelectorAll("img")];
  if (pictures.length < 2) return;
  const film = document.createElement("div");
  const box = document.createElement("div");
  const stage = document.createElement("div");
  const slider = document.createElement("input");
  const said = document.createElement("output");
  const image = document.createElement("img");
  film.className = "film";
  box.className = "scrubber";
  stage.className = "stage";
  slider.type = "range";
  slider.max = pictures.length - 1;
  slider.value = slider.max;
  slider.setAttribute("aria-label", "Training step of the samples");
  const apply = () => {
    const picture = pictures[slider.value];
    image.src = picture.src;
    image.alt = picture.alt;
    image.className = picture.className;
    said.textContent = `step ${picture.closest("figure").querySelector("figcaption").textContent}`;
    slider.setAttribute("aria-valuetext", said.textContent);
  };
  slider.addEventListener("input", apply);
  apply();
  stage.append(image);
  box.append(stage, slider, said, playable(slider));
  strip.before(film);
  film.append(box, strip);
}

function themed() {
  const menu = document.createElement("select");
  menu.className = "theme";
  menu.setAttribute("aria-label", "Colours of the page");
  for (const theme of ["system", "light", "dark"]) menu.add(new Option(`${theme} colours`, theme === "system" ? "" : theme));
  const apply = () => {
    if (menu.value) document.documentElement.dataset.theme = menu.value;
    else delete document.documentElement.dataset.theme;
  };
  menu.value = state.get("theme") ?? "";
  if (menu.selectedIndex < 0) menu.value = "";
  apply();
  menu.addEventListener("change", () => {
    apply();
    remember("theme", menu.value);
  });
  document.querySelector("header.top").prepend(menu);
}

// A click on a verdict of the key leaves the trials that have it.
function verdictFilter(key) {
  const box = key.closest("section").querySelector("input[type=search]");
  for (const item of box ? key.querySelectorAll(".family") : []) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...item.childNodes);
    item.append(button);
    button.addEventListener("click", () => {
      const verdict = button.textContent.trim();
      box.value = box.value === verdict ? "" : verdict;
      box.dispatchEvent(new Event("input"));
    });
  }
}

themed();
document.querySelectorAll("table.ranking").forEach((table, i) => {
  sortable(table, `t${i}`);
  filterable(table, `t${i}`);
});
document.querySelectorAll(".families.filters").forEach(verdictFilter);
document.querySelectorAll(".samples").forEach(scrubbable);
addEventListener("hashchange", () => {
  if (!location.hash.includes("&")) remember("", "");
  show();
});
if (state.size) show();
