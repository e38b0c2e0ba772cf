// Draws a chart that the server has decided: layers in the order night, grid, band, measured, rule.
import uPlot from "../vendor/uplot/uPlot.esm.js";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const family = () => getComputedStyle(document.body).fontFamily;

function formats(zone) {
  const parts = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...options });
  const day = parts({ month: "2-digit", day: "2-digit" });
  const clock = parts({ hour: "2-digit", minute: "2-digit" });
  const dayWords = (date) => day.format(date).split("/").reverse().join("-");
  return {
    tick: (seconds) => {
      const date = new Date(seconds * 1000);
      const time = clock.format(date);
      return time === "00:00" ? dayWords(date) : time;
    },
    full: (seconds) => { const date = new Date(seconds * 1000); return `${dayWords(date)} ${clock.format(date)}`; },
    clock: (seconds) => clock.format(new Date(seconds * 1000)),
  };
}

const digits = (value) => (value === null || value === undefined ? "–" : String(Number(value.toPrecision(3))).replace("-", "−"));

function drawNights(u, nights) {
  u.ctx.save();
  u.ctx.fillStyle = colour("--c-night");
  for (const [from, to] of nights) {
    const left = Math.max(u.valToPos(from, "x", true), u.bbox.left);
    const right = Math.min(u.valToPos(to, "x", true), u.bbox.left + u.bbox.width);
    if (right > left) u.ctx.fillRect(left, u.bbox.top, right - left, u.bbox.height);
  }
  u.ctx.restore();
}

function drawLimit(u, limit, ratio) {
  const y = u.valToPos(limit, "y", true);
  if (y < u.bbox.top || y > u.bbox.top + u.bbox.height) return;
  u.ctx.save();
  u.ctx.strokeStyle = colour("--c-bad");
  u.ctx.lineWidth = ratio;
  u.ctx.setLineDash([4 * ratio, 3 * ratio]);
  u.ctx.beginPath();
  u.ctx.moveTo(u.bbox.left, y);
  u.ctx.lineTo(u.bbox.left + u.bbox.width, y);
  u.ctx.stroke();
  u.ctx.restore();
}

function drawFlag(u, x, label, ratio) {
  const { ctx } = u;
  const half = (label.length > 1 ? 5 + 3.5 * label.length : 8) * ratio;
  ctx.save();
  ctx.globalAlpha = 0.35;
  ctx.strokeStyle = colour("--ink");
  ctx.lineWidth = ratio;
  ctx.beginPath();
  ctx.moveTo(x, 16 * ratio);
  ctx.lineTo(x, u.bbox.top + u.bbox.height);
  ctx.stroke();
  ctx.globalAlpha = 1;
  ctx.fillStyle = colour("--ink");
  ctx.beginPath();
  const middle = Math.min(x, ctx.canvas.width - half);
  ctx.roundRect(middle - half, 1 * ratio, 2 * half, 14 * ratio, 3 * ratio);
  ctx.fill();
  ctx.font = `600 ${11 * ratio}px ${family()}`;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillStyle = colour("--surface");
  ctx.fillText(label, middle, 8.5 * ratio);
  ctx.restore();
  return half;
}

// Flags that would touch stand as one, "2–4"; the rule's words go where no flag is.
function drawFlags(u, flags, words, ratio) {
  const left = u.bbox.left;
  const right = u.bbox.left + u.bbox.width;
  const groups = [];
  for (const [number, at] of [...flags].sort((one, other) => one[1] - other[1])) {
    const x = u.valToPos(at, "x", true);
    if (x < left || x > right) continue;
    const last = groups.at(-1);
    if (last && x - last.x < 26 * ratio) { last.numbers.push(number); last.x = (last.x + x) / 2; } else groups.push({ x, numbers: [number] });
  }
  const label = ({ numbers }) => { const low = Math.min(...numbers); const high = Math.max(...numbers); return low === high ? String(low) : numbers.length === 2 && high - low > 1 ? `${low},${high}` : `${low}–${high}`; };
  for (const group of groups) group.half = drawFlag(u, group.x, label(group), ratio);
  const place = groups.findIndex((group) => group.numbers.includes(1));
  if (place < 0 || !words) return;
  const { ctx } = u;
  ctx.save();
  ctx.font = `${12 * ratio}px ${family()}`;
  ctx.fillStyle = colour("--muted");
  ctx.textBaseline = "middle";
  const width = ctx.measureText(words).width + 12 * ratio;
  const { x, half } = groups[place];
  const end = groups[place + 1] ? groups[place + 1].x - groups[place + 1].half : right;
  const begin = groups[place - 1] ? groups[place - 1].x + groups[place - 1].half : left;
  if (x + half + width < end) { ctx.textAlign = "left"; ctx.fillText(words, x + half + 4 * ratio, 8.5 * ratio); }
  else if (x - half - width > begin) { ctx.textAlign = "right"; ctx.fillText(words, x - half - 4 * ratio, 8.5 * ratio); }
  ctx.restore();
}

function drawUnit(u, unit, ratio) {
  u.ctx.save();
  u.ctx.font = `${12 * ratio}px ${family()}`;
  u.ctx.fillStyle = colour("--muted");
  u.ctx.textBaseline = "middle";
  u.ctx.textAlign = "left";
  u.ctx.fillText(unit, 0, 8.5 * ratio);
  u.ctx.restore();
}

function axis(extra) {
  return {
    stroke: () => colour("--muted"), font: `12px ${family()}`, ticks: { show: false },
    grid: { stroke: () => colour("--c-grid"), width: 1 }, ...extra,
  };
}

function options(box, data, words) {
  const line = (stroke, width) => ({ stroke: () => colour(stroke), width, points: { show: false }, spanGaps: false });
  const hidden = { stroke: () => "transparent", width: 0, points: { show: false } };
  const ratio = () => devicePixelRatio;
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  return {
    width: box.clientWidth, height: box.clientHeight, padding: [22, 8, 0, 0], legend: { show: false },
    cursor: { y: false, drag: { x: true, y: false }, points: { size: 6 } },
    scales: {
      x: { time: true },
      y: { range: (u, low, high) => { const top = high > low ? high : low + 1; const span = top - Math.min(0, low); return [low < 0 ? low - span * 0.05 : low > top * 0.5 && low > 10 ? low - (top - low) * 0.15 : 0, top + span * 0.06]; } },
    },
    axes: [
      axis({ space: 84, size: 24, gap: 4, grid: { show: false }, values: (u, splits) => splits.map(words.tick) }),
      axis({ space: 52, size: 44, gap: 6, values: (u, splits) => splits.map(digits) }),
    ],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), box.dataset.zone),
    series: [{}, hidden, hidden, line("--c-line", 1.6), line("--c-bad", 2)],
    bands: [{ series: [2, 1], fill: () => colour("--c-band") }],
    hooks: {
      drawClear: [(u) => drawNights(u, data.nights)],
      draw: [(u) => {
        if (data.limit !== null) drawLimit(u, data.limit, ratio());
        drawUnit(u, data.unit, ratio());
        const rule = box.dataset.flag ? [[1, data.rule[0]]] : [];
        drawFlags(u, [...rule, ...data.flags], box.dataset.flag?.replace("{time}", words.clock(data.rule[0])), ratio());
      }],
      init: [(u) => u.over.append(tip)],
      setCursor: [(u) => {
        const index = u.cursor.idx;
        tip.hidden = index === null || index === undefined || u.cursor.left < 0;
        if (tip.hidden) return;
        tip.textContent = `${words.full(data.t[index])}  ${digits(data.y[index])} ${data.unit}`;
        tip.style.left = `${Math.min(u.cursor.left + 8, u.over.clientWidth - tip.offsetWidth)}px`;
        tip.style.top = "4px";
      }],
    },
  };
}

function fillTable(box, data, words) {
  const rows = document.createDocumentFragment();
  for (let index = data.t.length - 1; index >= 0; index -= 1) {
    const row = document.createElement("tr");
    for (const [place, text] of [words.full(data.t[index]), digits(data.y[index]), digits(data.low[index]), digits(data.high[index])].entries()) {
      const cell = document.createElement("td");
      cell.textContent = text;
      if (place) cell.className = "num";
      row.append(cell);
    }
    rows.append(row);
  }
  box.querySelector("tbody").replaceChildren(rows);
}

function wire(holder, box, plot, data, words) {
  const table = holder.querySelector(".charttable");
  holder.addEventListener("click", (event) => {
    const span = event.target.closest("[data-span]");
    if (span) {
      const seconds = Number(span.dataset.span);
      const last = data.t.at(-1);
      plot.setScale("x", { min: seconds ? Math.max(data.t[0], last - seconds) : data.t[0], max: last });
      for (const each of holder.querySelectorAll("[data-span]")) each.setAttribute("aria-pressed", each === span);
    }
    const toggle = event.target.closest("[data-table]");
    if (toggle) {
      const isOpen = table.hidden;
      if (isOpen) fillTable(table, data, words);
      table.hidden = !isOpen;
      box.hidden = isOpen;
      toggle.setAttribute("aria-expanded", isOpen);
    }
  });
  const total = data.t.at(-1) - data.t[0];
  for (const each of holder.querySelectorAll("[data-span]")) {
    const seconds = Number(each.dataset.span);
    each.hidden = seconds > 0 && seconds > total * 0.9;
  }
  const key = holder.querySelector(".limitkey");
  if (key) key.hidden = data.limit === null;
  const nightKey = holder.querySelector(".nightkey");
  if (nightKey) nightKey.hidden = data.nights.length === 0;
}

function draw(box) {
  const data = JSON.parse(box.dataset.chart);
  box.dataset.drawn = "1";
  if (!data.t.length) return;
  const words = formats(box.dataset.zone);
  box.replaceChildren();
  const columns = [data.t, data.low, data.high, data.y, data.bad];
  const plot = new uPlot(options(box, data, words), columns, box);
  new ResizeObserver(() => {
    if (box.clientWidth && !box.hidden) plot.setSize({ width: box.clientWidth, height: box.clientHeight });
  }).observe(box);
  document.fonts.ready.then(() => plot.redraw());
  wire(box.closest(".chartbox"), box, plot, data, words);
}

export function startCharts() {
  const all = () => { for (const box of document.querySelectorAll(".chart[data-chart]:not([data-drawn])")) draw(box); };
  new MutationObserver(all).observe(document.body, { childList: true, subtree: true });
  all();
}
