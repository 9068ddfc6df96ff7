// Two trials side by side: pinned cards stand together above the others, a third takes the place of the first.
function pinnable(section) {
  const cards = [...section.querySelectorAll("details.card")];
  if (cards.length < 2) return;
  const box = document.createElement("div");
  box.className = "pinned";
  box.hidden = true;
  cards[0].before(box);
  const pinned = [];
  const put = (one, at) => {
    one.mark.textContent = at ? "unpin" : "pin";
    one.mark.setAttribute("aria-pressed", String(at));
    if (at) {
      one.card.before(one.place);
      one.card.open = true;
      box.append(one.card);
    } else one.place.replaceWith(one.card);
  };
  const turn = (one) => {
    const at = pinned.indexOf(one);
    if (at >= 0) put(...pinned.splice(at, 1), false);
    else {
      if (pinned.length === 2) put(pinned.shift(), false);
      pinned.push(one);
      put(one, true);
    }
    box.hidden = !pinned.length;
    remember(`${section.id}.pin`, pinned.map(({ inside }) => inside.id).join("."));
  };
  const wanted = (state.get(`${section.id}.pin`) ?? "").split(".");
  for (const card of cards) {
    const inside = card.querySelector(".inside");
    const one = { card, inside, place: document.createComment("") };
    one.mark = button("pin", `Pin ${card.querySelector(".who").textContent.trim()}`, () => {
      turn(one);
      one.mark.focus();
    });
    one.mark.setAttribute("aria-pressed", "false");
    inside.prepend(one.mark);
    if (wanted.includes(inside.id)) turn(one);
  }
}

document.querySelectorAll("main > section").forEach(pinnable);
