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
    return frames.length > 1 ? [{ image: figure.querySelector("img"), frames }] : [];
  });
  if (!films.length) return;
  const last = Math.max(...films.map((film) => film.frames.length)) - 1;
  const box = document.createElement("label");
  const slider = document.createElement("input");
  const said = document.createElement("output");
  box.className = "tools";
  slider.type = "range";
  slider.max = last;
  slider.value = last;
  const apply = () => {
    for (const { image, frames } of films) {
      const frame = frames[Math.round((slider.value / last) * (frames.length - 1))];
      image.src = frame.src;
      image.alt = frame.alt;
      said.textContent = `step ${frame.closest("figure").querySelector("figcaption").textContent}`;
    }
    slider.setAttribute("aria-valuetext", said.textContent);
  };
  slider.addEventListener("input", apply);
  box.append("all trials over training ", slider, " ", said);
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
