// Small comforts. Everything works without them.

const search = document.querySelector("#search");
const fields = () => [...search.elements].filter((field) => field.name);

// What is empty stays out of the address.
search.addEventListener("submit", () => {
  for (const field of fields()) field.disabled = field.value === "";
});
// The page may come back from the browser's memory as it was left; then it shows its address again, not the choice that
// led away from it.
addEventListener("pageshow", (event) => {
  for (const field of fields()) field.disabled = false;
  if (event.persisted) search.reset();
});

// A choice is a search. Texts that are typed wait for Enter.
for (const field of fields()) {
  if (field.type === "checkbox" || field.tagName === "SELECT") {
    field.addEventListener("change", () => search.requestSubmit());
  }
}

// A slash leads to the search box.
addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, select, textarea");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    search.elements.q.focus();
    search.elements.q.select();
  }
});

// Two to five can be compared.
const compare = document.querySelector("#compare");
if (compare) {
  const button = compare.querySelector("button");
  const picks = [...compare.elements].filter((field) => field.type === "checkbox");
  const count = () => {
    const picked = picks.filter((pick) => pick.checked).length;
    button.disabled = picked < 2;
    for (const pick of picks) pick.disabled = picked >= 5 && !pick.checked;
  };
  for (const pick of picks) pick.addEventListener("change", count);
  addEventListener("pageshow", count);
  count();
}
