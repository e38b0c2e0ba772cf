// The site's clock: it follows the server's time and rate, and the ages of rows follow it.
const body = document.body;
const format = new Intl.DateTimeFormat("en-GB", {
  timeZone: body.dataset.zone || "UTC", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const moment = new Intl.DateTimeFormat("en-GB", {
  timeZone: body.dataset.zone || "UTC", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});
let base = Number(body.dataset.nowMs);
let since = performance.now();
const rate = Number(body.dataset.rate) || 1;

export function siteNow() {
  return base + (performance.now() - since) * rate;
}

export function setSiteNow(milliseconds) {
  base = milliseconds;
  since = performance.now();
}

export function clockWords(milliseconds) {
  return format.format(new Date(milliseconds));
}

// Month, day and minute, as the pages write a moment of another day.
export function momentWords(milliseconds) {
  const parts = Object.fromEntries(moment.formatToParts(new Date(milliseconds)).map((each) => [each.type, each.value]));
  return `${parts.month}-${parts.day} ${parts.hour}:${parts.minute}`;
}

export function age(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 600) return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} m`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

function tick() {
  const now = siteNow();
  const clock = document.getElementById("clock");
  if (clock) clock.textContent = clockWords(now);
  for (const each of document.querySelectorAll("[data-age-ms]")) {
    const words = age(now - Number(each.dataset.ageMs));
    if (each.textContent !== words) each.textContent = words;
  }
}

export function startClock() {
  if (!body.dataset.nowMs) return;
  tick();
  setInterval(tick, 1000);
}
