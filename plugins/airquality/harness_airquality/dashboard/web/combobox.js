// A text box that filters a list (https://www.w3.org/WAI/ARIA/apg/patterns/combobox/): arrows, Enter, Escape, mouse.

function combobox(input, list, options, chosen) {
  const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const keys = options.map((option) => folded(option.label + " " + option.detail));
  const items = options.map((option, index) => {
    const item = element("li", { role: "option", id: `${list.id}-${index}`, "aria-selected": "false" });
    item.append(element("bdi", {}, option.label), element("span", {}, option.detail));
    item.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      choose(index);
    });
    return item;
  });
  let current = 0, active = -1;

  function visible() {
    return items.map((item, index) => index).filter((index) => !items[index].hidden);
  }

  function point(index) {
    active = index;
    items.forEach((item, other) => item.classList.toggle("active", other === index));
    if (index < 0) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", items[index].id);
    items[index].scrollIntoView({ block: "nearest" });
  }

  function open(query) {
    const wanted = folded(query);
    items.forEach((item, index) => { item.hidden = !keys[index].includes(wanted); });
    if (!list.childElementCount) list.append(...items);
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    point(query ? visible()[0] ?? -1 : current);
  }

  function close() {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.value = options[current].label;
    point(-1);
  }

  function select(index) {
    items[current].setAttribute("aria-selected", "false");
    items[index].setAttribute("aria-selected", "true");
    current = index;
    close();
  }

  function choose(index) {
    select(index);
    chosen(index);
  }

  input.addEventListener("focus", () => { input.select(); });
  input.addEventListener("click", () => { if (list.hidden) open(""); });
  input.addEventListener("input", () => open(input.value));
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      if (list.hidden) return open("");
      const seen = visible();
      if (seen.length) point(seen[(seen.indexOf(active) + step + seen.length) % seen.length]);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (!list.hidden && active >= 0) choose(active);
    } else if (event.key === "Escape") {
      close();
    }
  });
  return { select };
}
