"use strict";
// Draws the week that the server lays out. Titles come from strangers: they are only ever set as text.

const at = (id) => document.getElementById(id);
const seen = new Map(); // calendar and event -> version, so that what has just changed can flash
let shown = null; // the Monday on display; null is this week
let view = null;
let loading = false;
let again = false;

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function block(calendar, item) {
  const key = `${calendar.id}\n${item.id}`;
  const made = element("div", `block ${item.ours ? "ours" : "foreign"}`);
  if (item.color) made.classList.add("colored");
  if (seen.size && seen.get(key) !== item.version) made.classList.add("fresh");
  made.append(element("b", "", item.title));
  if (!item.all_day) made.append(element("span", "", item.hours));
  made.title = [item.title, item.all_day ? "all day" : item.hours, item.location].filter(Boolean).join("\n");
  if (!item.all_day) {
    made.style.top = `${(item.from / 1440) * 100}%`;
    made.style.height = `${(Math.max(item.to - item.from, 30) / 1440) * 100}%`;
    made.style.left = `${(item.lane / item.lanes) * 100}%`;
    made.style.width = `${100 / item.lanes}%`;
  }
  return made;
}

function panel(calendar) {
  const made = element("section", "calendar");
  const head = element("h2", "", `${calendar.title} `);
  head.append(element("small", "", calendar.time_zone));
  const days = element("div", "days");
  view.days.forEach((name, number) => {
    const day = element("div", "day");
    const whole = element("div", "whole");
    const hours = element("div", "hours");
    for (const item of calendar.blocks) {
      if (item.day === number) (item.all_day ? whole : hours).append(block(calendar, item));
    }
    day.append(element("div", "name", name), whole, hours);
    days.append(day);
  });
  made.append(head, days);
  return made;
}

function draw() {
  at("range").textContent = `${view.days[0]} – ${view.days[6]} ${view.start.slice(0, 4)}`;
  at("calls").textContent = `${view.calls} calls so far`;
  at("calendars").replaceChildren(...view.calendars.map(panel));
  for (const calendar of view.calendars) {
    for (const item of calendar.blocks) seen.set(`${calendar.id}\n${item.id}`, item.version);
  }
}

async function load() {
  if (loading) { again = true; return; }
  loading = true;
  try {
    const answer = await fetch(`/_standin/week${shown ? `?start=${shown}` : ""}`);
    if (answer.ok) { view = await answer.json(); draw(); }
  } catch (error) {
    at("link").className = "off";
    at("link").textContent = "not reachable";
  } finally {
    loading = false;
    if (again) { again = false; load(); }
  }
}

function note(item) {
  const time = new Date(item.at * 1000).toLocaleTimeString();
  at("notes").prepend(element("li", "", `${time}  ${item.text}`));
  while (at("notes").children.length > 60) at("notes").lastChild.remove();
}

function button(control) {
  const made = element("button", "", control.label);
  made.type = "button";
  made.addEventListener("click", async () => {
    made.disabled = true;
    at("answer").textContent = "…";
    try {
      at("answer").textContent = await (await fetch(control.path, { method: "POST" })).text();
    } catch (error) {
      at("answer").textContent = `No answer: ${error.message}`;
    } finally {
      made.disabled = false;
    }
  });
  return made;
}

async function start() {
  const page = await (await fetch("/_standin/page")).json();
  at("controls").replaceChildren(...page.controls.map(button));
  page.notes.forEach(note);
  const turn = (week) => { shown = week; seen.clear(); load(); };
  at("previous").addEventListener("click", () => view && turn(view.previous));
  at("next").addEventListener("click", () => view && turn(view.next));
  at("today").addEventListener("click", () => turn(null));
  const stream = new EventSource("/_standin/stream");
  stream.addEventListener("open", () => { at("link").className = "on"; at("link").textContent = "live"; });
  stream.addEventListener("error", () => { at("link").className = "off"; at("link").textContent = "reconnecting"; });
  stream.addEventListener("calendars", load);
  stream.addEventListener("note", (event) => note(JSON.parse(event.data)));
}

load();
start();
