// Everything here is an extra: pages can be read, and decisions made, without it.
"use strict";

const EVERY = 5000;

function spelled(seconds) {
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const parts = [];
  let rest = Math.floor(seconds);
  for (const [size, unit] of units) {
    const amount = Math.floor(rest / size);
    rest -= amount * size;
    if (amount || parts.length) parts.push([amount, unit]);
  }
  return parts.slice(0, 2).filter(([amount]) => amount).map((part) => part.join(" ")).join(" ") || "0 s";
}

// A quote's countdown goes by the database's clock: what counts is how long ago the page was made.
function countDown() {
  const begun = performance.now();
  const shown = [...document.querySelectorAll("[data-ends]")];
  if (!shown.length) return;
  const tick = () => {
    for (const each of shown) {
      const window = Date.parse(each.dataset.ends) - Date.parse(each.dataset.asOf);
      const left = (window - (performance.now() - begun)) / 1000;
      each.textContent = left > 0 ? spelled(left) : "over";
      each.classList.toggle("soon", left > 0 && left < 60);
      each.classList.toggle("over", left <= 0);
    }
  };
  tick();
  setInterval(tick, 1000);
}

async function look(shown) {
  if (document.hidden) return;
  const answer = await fetch("/ops/live", { headers: { accept: "application/json" } });
  if (answer.status === 401) {
    location.reload();
    return;
  }
  if (!answer.ok) return;
  const counts = await answer.json();
  for (const each of shown) {
    const said = counts[each.dataset.live];
    if (said === undefined || each.textContent === said) continue;
    each.textContent = said;
    const holder = each.closest(".tile, li");
    if (holder && each.matches(".count, b")) holder.classList.toggle("calm", said === "0");
  }
}

function stayLive() {
  const shown = [...document.querySelectorAll("[data-live]")];
  if (!shown.length) return;
  setInterval(() => look(shown).catch(() => {}), EVERY);
}

countDown();
stayLive();
