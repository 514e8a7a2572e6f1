// Live updates, and no form sent twice. Everything works without.
"use strict";

const live = document.getElementById("live");
const spoken = document.getElementById("spoken");

// What a piece that opens belongs to: the shift, whatever else about it has changed.
const shift = (details) => ["h3", ".when"].map((part) => details.closest("li").querySelector(part).textContent).join();

function show(html) {
  const all = () => [...live.querySelectorAll("details")];
  const open = new Set(all().filter((each) => each.open).map(shift));
  const held = document.activeElement.matches("#live summary") ? shift(document.activeElement.parentElement) : null;
  live.innerHTML = html; // made and escaped by our own server
  for (const each of all()) {
    each.open = open.has(shift(each));
    if (shift(each) === held) each.querySelector("summary").focus();
  }
  const big = live.querySelector(".big").textContent.trim();
  if (spoken.textContent !== big) spoken.textContent = big; // read aloud, once for each change
}

let stream;

function follow() {
  stream?.close();
  if (document.hidden) return; // nobody looks: whoever comes back is told at once
  stream = new EventSource(live.dataset.stream);
  stream.onmessage = (event) => {
    const news = JSON.parse(event.data);
    if ((news.connected ? "yes" : "no") === live.dataset.connected) return show(news.html);
    // Other buttons belong to it now. Only to what the server says: a form under way is not sent again.
    stream.close();
    location.replace(location.pathname);
  };
  stream.onerror = () => {
    // A lost line is tried again by the browser itself, an answer that was none is not: a restart behind a proxy, or a visit
    // that has ended.
    if (stream.readyState === EventSource.CLOSED) setTimeout(again, 2000 + 4000 * Math.random());
  };
}

async function again() {
  const answer = await fetch(location.pathname, { cache: "no-store" }).catch(() => null);
  if (answer && [401, 403].includes(answer.status)) location.reload();
  else follow();
}

if (live && window.EventSource) {
  follow();
  document.addEventListener("visibilitychange", () => (document.hidden ? stream?.close() : follow()));
  addEventListener("pagehide", () => stream?.close());
}

for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", () => {
    // After the form is on its way: a disabled button would not be sent, and the way back finds it usable.
    setTimeout(() => form.querySelectorAll("button").forEach((button) => (button.disabled = true)));
  });
}
addEventListener("pageshow", (event) => {
  document.querySelectorAll("form button").forEach((button) => (button.disabled = false));
  if (event.persisted) location.reload(); // brought back as it was: how it stood then says nothing
});
