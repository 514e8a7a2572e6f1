// Live updates, and no form sent twice. Everything works without.
"use strict";

const live = document.getElementById("live");
const spoken = document.getElementById("spoken");

if (live && window.EventSource) {
  const stream = new EventSource(live.dataset.stream);
  stream.onmessage = (event) => {
    const news = JSON.parse(event.data);
    if ((news.connected ? "yes" : "no") !== live.dataset.connected) {
      // Other buttons belong to it now. Only to what the server says: a form under way is not sent again.
      stream.close();
      location.replace(location.pathname);
      return;
    }
    const open = new Set([...live.querySelectorAll("details[open]")].map((each) => each.parentElement.textContent));
    const held = live.contains(document.activeElement) ? document.activeElement.tagName : "";
    live.innerHTML = news.html; // made and escaped by our own server
    for (const each of live.querySelectorAll("details")) {
      if (open.has(each.parentElement.textContent)) each.open = true;
    }
    const big = live.querySelector(".big").textContent.trim();
    if (spoken.textContent !== big) spoken.textContent = big; // read aloud, once for each change
    if (held === "SUMMARY") live.querySelector("summary")?.focus();
  };
  addEventListener("pagehide", () => stream.close());
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
