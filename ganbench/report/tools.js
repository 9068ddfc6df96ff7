// Tools that a reader may want and that the page does without: one slider for all samples, open all, links, files.

function button(text, label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "tool";
  made.textContent = text;
  if (label) made.setAttribute("aria-label", label);
  made.addEventListener("click", act);
  return made;
}

function filmed(gallery) {
  const films = [...gallery.querySelectorAll("figure")].flatMap((figure) => {
    const link = figure.querySelector("a");
    const inside = link && document.getElementById(link.hash.slice(1));
    const frames = inside ? [...inside.querySelectorAll(".samples img")] : [];
    const steps = frames.map((frame) => Number(frame.closest("figure").querySelector("figcaption").textContent.replaceAll(",", "")));
    return frames.length > 1 ? [{ image: figure.querySelector("img"), frames, steps }] : [];
  });
  if (!films.length) return;
  const steps = [...new Set(films.flatMap((film) => film.steps))].sort((a, b) => a - b);
  const last = steps.length - 1;
  const box = document.createElement("div");
  const label = document.createElement("label");
  const slider = document.createElement("input");
  const said = document.createElement("output");
  box.className = "tools";
  slider.type = "range";
  slider.max = last;
  slider.value = last;
  const apply = () => {
    const now = steps[slider.value];
    for (const film of films) {
      const frame = film.frames[Math.max(0, film.steps.findLastIndex((step) => step <= now))];
      film.image.src = frame.src;
      film.image.alt = frame.alt;
    }
    said.textContent = `step ${now.toLocaleString("en")}`;
    slider.setAttribute("aria-valuetext", said.textContent);
  };
  slider.addEventListener("input", apply);
  label.append("all trials over training ", slider, " ", said);
  box.append(label, playable(slider));
  gallery.before(box);
  apply();
}

function openable(section) {
  const cards = [...section.querySelectorAll("details.card")];
  if (cards.length < 2) return;
  const all = button("open all", "", () => {
    const open = cards.some((card) => !card.open);
    for (const card of cards) card.open = open;
    all.textContent = open ? "close all" : "open all";
  });
  cards[0].before(all);
}

function linkable(inside) {
  const copy = button("copy link", `Copy a link to ${inside.previousElementSibling.querySelector(".who").textContent}`, () => {
    const address = `${location.href.split("#")[0]}#${inside.id}`;
    history.replaceState(null, "", address);
    navigator.clipboard?.writeText(address).then(() => { copy.textContent = "copied"; }, () => {});
  });
  inside.prepend(copy);
}

function save(name, uri) {
  const link = document.createElement("a");
  link.download = name;
  link.href = uri;
  link.click();
}

// A picture alone has no style sheet: what it shows is written into its elements.
function standing(svg) {
  const copy = svg.cloneNode(true);
  const originals = [svg, ...svg.querySelectorAll("*")];
  [copy, ...copy.querySelectorAll("*")].forEach((element, i) => {
    const seen = getComputedStyle(originals[i]);
    for (const name of ["fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray",
      "font-size", "font-family", "font-weight", "text-anchor", "opacity", "visibility"]) {
      element.setAttribute(name, seen.getPropertyValue(name));
    }
  });
  const [, , width, height] = svg.getAttribute("viewBox").split(" ");
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  const text = new XMLSerializer().serializeToString(copy);
  return { width, height, uri: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}` };
}

function picturable(svg, i) {
  const name = `${document.title.split(" ")[0]}-figure-${i + 1}`;
  const label = svg.getAttribute("aria-label");
  const box = document.createElement("div");
  box.className = "saves";
  box.append(
    button("SVG", `Save as SVG: ${label}`, () => save(`${name}.svg`, standing(svg).uri)),
    button("PNG", `Save as PNG: ${label}`, () => {
      const { width, height, uri } = standing(svg);
      const image = new Image();
      image.addEventListener("load", () => {
        const canvas = document.createElement("canvas");
        canvas.width = 3 * width;
        canvas.height = 3 * height;
        const pen = canvas.getContext("2d");
        pen.fillStyle = getComputedStyle(document.body).backgroundColor;
        pen.fillRect(0, 0, canvas.width, canvas.height);
        pen.drawImage(image, 0, 0, canvas.width, canvas.height);
        save(`${name}.png`, canvas.toDataURL("image/png"));
      });
      image.src = uri;
    }),
  );
  svg.after(box);
}

function cellText(cell) {
  const words = cell.cloneNode(true);
  words.querySelectorAll("svg").forEach((drawing) => drawing.remove());
  const text = (cell.dataset.value || words.textContent).replace(/\s+/g, " ").trim();
  const safe = /^[=+@\t]/.test(text) ? `'${text}` : text; // a spreadsheet would take it for a formula
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function exportable(table, i) {
  const csv = () => [...table.rows].map((row) => [...row.cells].map(cellText).join(",")).join("\r\n");
  const label = `Save as CSV: ${table.parentElement.getAttribute("aria-label")}`;
  const name = `${document.title.split(" ")[0]}-table-${i + 1}.csv`;
  const act = () => save(name, `data:text/csv;charset=utf-8,${encodeURIComponent(csv())}`);
  table.parentElement.after(button("CSV", label, act));
}

document.querySelectorAll(".gallery").forEach(filmed);
document.querySelectorAll("main > section").forEach(openable);
document.querySelectorAll(".card .inside").forEach(linkable);
document.querySelectorAll("svg.labelled, svg.plane").forEach(picturable);
document.querySelectorAll("table.ranking, table.settings, table.forests").forEach(exportable);

// A small chart grows in a dialog; there the values under the pointer, or under the arrow keys, are read out.
function charted(figure, i) {
  const svg = figure.querySelector("svg");
  if (!svg) return;
  const title = figure.querySelector("figcaption")?.textContent.replace(/\s+/g, " ").trim() ?? "";
  const open = button("", `Enlarge: ${title || svg.getAttribute("aria-label")}`, () => enlarge(svg, title, i));
  open.className = "enlarge";
  svg.before(open);
  open.append(svg);
  svg.setAttribute("aria-hidden", "true");
  open.setAttribute("aria-label", `Enlarge. ${svg.getAttribute("aria-label")}`);
}

function enlarge(svg, title, i) {
  const dialog = document.createElement("dialog");
  const head = document.createElement("h2");
  const said = document.createElement("output");
  const big = svg.cloneNode(true);
  dialog.className = "large";
  dialog.setAttribute("aria-label", title);
  head.textContent = title;
  big.removeAttribute("aria-hidden");
  dialog.append(button("close", "", () => dialog.close()), head, big, said);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  readable(big, said);
  picturable(big, i);
  dialog.showModal();
}

// The ticks of an axis give its scale back: places and values of its labels, linear or logarithmic.
function scaleOf(labels, place) {
  const ticks = labels.map((label) => [place(label), valueOf(label.textContent)]).filter(([, value]) => !Number.isNaN(value));
  if (ticks.length < 2) return null;
  ticks.sort((a, b) => a[0] - b[0]);
  const [first, last] = [ticks[0], ticks.at(-1)];
  const middle = ticks[Math.floor(ticks.length / 2)];
  const share = (middle[0] - first[0]) / (last[0] - first[0]);
  const linear = first[1] + share * (last[1] - first[1]);
  const even = ticks.length < 3 ? !(first[1] > 0 && last[1] > 0 && Math.max(first[1] / last[1], last[1] / first[1]) >= 9)
    : Math.abs(linear - middle[1]) <= 0.02 * Math.abs(last[1] - first[1]);
  const logs = ticks.every(([, value]) => value > 0);
  if (!even && !logs) return null; // linear in the middle and logarithmic beyond: no line through the ticks
  const f = even ? (x) => x : Math.log10;
  const back = even ? (x) => x : (x) => 10 ** x;
  return (at) => back(f(first[1]) + ((at - first[0]) / (last[0] - first[0])) * (f(last[1]) - f(first[1])));
}

function valueOf(text) {
  const plain = text.replaceAll("−", "-").replace(/k$/, "e3");
  return plain === "" ? NaN : Number(plain);
}

function readable(svg, said) {
  const labels = [...svg.querySelectorAll("text")];
  const anchor = (label) => label.closest("[text-anchor]")?.getAttribute("text-anchor");
  const x = scaleOf(labels.filter((one) => anchor(one) === "middle"), (one) => Number(one.getAttribute("x")));
  const y = scaleOf(labels.filter((one) => anchor(one) === "end"), (one) => Number(one.getAttribute("y")) - 3);
  const lines = [...svg.querySelectorAll("path")].filter((one) => Number(one.getAttribute("stroke-width")) >= 1.6);
  if (!x || !y || !lines.length) return;
  const [, , width] = svg.getAttribute("viewBox").split(" ").map(Number);
  const rule = document.createElementNS("http://www.w3.org/2000/svg", "path");
  rule.setAttribute("class", "cursor");
  svg.append(rule);
  const places = lines.map((one) => {
    const points = [];
    for (let at = 0, end = one.getTotalLength(); at <= end; at += 0.5) points.push(one.getPointAtLength(at));
    return { name: one.getAttribute("stroke").slice(6, -1), points };
  });
  let at = Math.max(...places.flatMap(({ points }) => points.map((one) => one.x)));
  const apply = () => {
    rule.setAttribute("d", `M${at} 5.7V88.2`);
    const values = places.map(({ name, points }) => {
      const near = points.reduce((best, one) => (Math.abs(one.x - at) < Math.abs(best.x - at) ? one : best));
      return `${lines.length > 1 ? `${name} ` : ""}${Number(y(near.y).toPrecision(3))}`;
    });
    said.textContent = `step ${Math.round(x(at)).toLocaleString("en")}: ${values.join(", ")}`;
  };
  svg.setAttribute("tabindex", "0");
  svg.setAttribute("role", "img");
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    at = Math.min(203.6, Math.max(28.2, ((event.clientX - box.left) / box.width) * width));
    apply();
  });
  svg.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!way) return;
    event.preventDefault();
    at = Math.min(203.6, Math.max(28.2, at + 4 * way));
    apply();
  });
  apply();
}

// Which columns a table shows; those beyond the usual ones begin hidden.
function columned(table) {
  const heads = [...table.querySelectorAll("thead tr:first-child > *")];
  const choosable = heads.filter((head) => head.dataset.sort && head.cellIndex > 2 && head.textContent.trim());
  if (choosable.length < 2) return;
  const box = document.createElement("details");
  const summary = document.createElement("summary");
  box.className = "columns";
  summary.textContent = "Columns";
  box.append(summary);
  for (const head of choosable) {
    const label = document.createElement("label");
    const check = document.createElement("input");
    check.type = "checkbox";
    check.checked = !head.hasAttribute("data-extra");
    const apply = () => {
      for (const row of table.rows) if (row.cells[head.cellIndex]) row.cells[head.cellIndex].hidden = !check.checked;
    };
    check.addEventListener("change", apply);
    label.append(check, ` ${head.textContent.replace(/[↑↓\s]+/g, " ").trim()}`);
    box.append(label);
    apply();
  }
  table.parentElement.before(box);
}

document.querySelectorAll(".curves figure").forEach(charted);
document.querySelectorAll("table.ranking").forEach(columned);
