// The town's map: our own GeoJSON drawn by MapLibre; nothing is loaded from outside.
const PAUSE_MS = 600;
const SELDOM_MS = 60000;

const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function style() {
  const width = (wide) => ["match", ["get", "level"], "high", wide * 1.8, "medium", wide, "supply", wide, "return", wide, wide * 0.7];
  const pipe = (id, medium, extra) => ({ id, type: "line", source: "pipes", filter: ["==", ["get", "medium"], medium], ...extra });
  const low = ["all", ["==", ["get", "medium"], "gas"], ["==", ["get", "level"], "low"]];
  const main = ["all", ["==", ["get", "medium"], "gas"], ["!=", ["get", "level"], "low"]];
  const empty = { type: "geojson", data: { type: "FeatureCollection", features: [] } };
  return {
    version: 8,
    sources: {
      pipes: empty, points: empty, places: empty,
      meters: { ...empty, cluster: true, clusterRadius: 44, clusterMaxZoom: 15, clusterProperties: { alarms: ["+", ["case", ["==", ["get", "state"], "alert"], 1, 0]] } },
    },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": ink("m-ground") } },
      pipe("water", "water", { paint: { "line-color": ink("m-water"), "line-width": width(2) } }),
      pipe("heat-supply", "heat", { filter: ["all", ["==", ["get", "medium"], "heat"], ["!=", ["get", "level"], "return"]], paint: { "line-color": ink("m-supply"), "line-width": 2, "line-offset": -1.5 } }),
      pipe("heat-return", "heat", { filter: ["all", ["==", ["get", "medium"], "heat"], ["==", ["get", "level"], "return"]], paint: { "line-color": ink("m-return"), "line-width": 2, "line-offset": 1.5 } }),
      pipe("gas-case", "gas", { filter: main, paint: { "line-color": ink("m-gascase"), "line-width": ["+", width(2.4), 2] } }),
      pipe("gas", "gas", { filter: main, paint: { "line-color": ink("m-gas"), "line-width": width(2.4) } }),
      pipe("gas-low", "gas", { filter: low, minzoom: 12.5, paint: { "line-color": ink("m-gascase"), "line-width": 1.2, "line-dasharray": [3, 2] } }),
      { id: "points", type: "circle", source: "points", minzoom: 13.5, paint: { "circle-radius": 3, "circle-color": ink("surface"), "circle-stroke-color": ink("muted"), "circle-stroke-width": 1.4 } },
      { id: "meters-many", type: "circle", source: "meters", filter: ["has", "point_count"], paint: { "circle-radius": ["interpolate", ["linear"], ["get", "point_count"], 2, 8, 150, 13, 3000, 24], "circle-color": ink("surface"), "circle-opacity": 0.86, "circle-stroke-color": ["case", [">", ["get", "alarms"], 0], ink("p2"), ink("field")], "circle-stroke-width": 1.6 } },
      { id: "meters-count", type: "symbol", source: "meters", filter: ["has", "point_count"], layout: { "text-field": ["get", "point_count_abbreviated"], "text-font": ["Noto Sans Variable"], "text-size": 11, "text-allow-overlap": true }, paint: { "text-color": ink("ink") } },
      { id: "meters", type: "circle", source: "meters", filter: ["!", ["has", "point_count"]], paint: { "circle-radius": 3.5, "circle-color": ["match", ["get", "state"], "silent", ink("surface"), "alert", ink("p2"), ink("c-line")], "circle-stroke-color": ["match", ["get", "state"], "silent", ink("muted"), ink("surface")], "circle-stroke-width": 1.4 } },
      { id: "places", type: "symbol", source: "places", minzoom: 13, layout: { "text-field": ["get", "name"], "text-font": ["Noto Sans Variable", "Noto Sans SC Variable"], "text-size": 12, "text-offset": [0, 1.6] }, paint: { "text-color": ink("muted"), "text-halo-color": ink("m-ground"), "text-halo-width": 2 } },
    ],
  };
}

const PARTS = { heat: ["heat-supply", "heat-return"], gas: ["gas-case", "gas", "gas-low"], water: ["water"], points: ["points"], meters: ["meters", "meters-many", "meters-count"] };

function sign(kind, item, text) {
  const node = document.createElement("a");
  node.href = item.href;
  node.className = `mapsign ${kind}`;
  node.setAttribute("aria-label", item.title);
  node.title = item.title;
  if (kind === "crews") node.append(truck()); else node.textContent = text;
  return node;
}

// No letter of the page's fonts is a truck: a sign of the sprite is on every machine.
function truck() {
  const space = "http://www.w3.org/2000/svg";
  const icon = document.createElementNS(space, "svg");
  icon.setAttribute("class", "i s");
  icon.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", "#i-truck");
  icon.append(use);
  return icon;
}

const STEP_PX = 100;
const MOVED = { duration: 200 };

export async function startMap() {
  const holder = document.getElementById("map");
  if (!holder) return null;
  const note = document.getElementById("mapnote");
  if (holder.clientWidth < 700) holder.querySelector(".layers details").open = false;
  const say = (text) => { note.textContent = text; note.hidden = !text; };
  let library;
  try {
    library = await import(holder.dataset.library);
    library.setWorkerUrl(new URL(holder.dataset.worker, location.href).href);
  } catch { say(holder.dataset.noWebgl); return null; }
  const read = async (path) => {
    const answer = await fetch(path, { headers: { Accept: "application/json" } }).catch(() => null);
    return answer?.ok && !answer.redirected ? answer.json() : null;
  };
  let [still, live] = await Promise.all([read("/map/still"), read("/map/live")]);
  let map;
  try {
    map = new library.Map({ container: "mapcanvas", style: style(), attributionControl: false, bounds: still?.bounds ?? undefined, fitBoundsOptions: { padding: holder.clientWidth > 1100 ? { top: 32, bottom: 32, left: 290, right: 232 } : 32 }, dragRotate: false, pitchWithRotate: false, maxZoom: 19 });
  } catch { say(holder.dataset.noWebgl); return null; }
  map.touchZoomRotate?.disableRotation();
  if (!still?.bounds) say(holder.dataset.empty);
  const signs = { alerts: [], crews: [], calls: [], stops: [] };
  const off = new Set();

  const put = (kind, items, text) => {
    for (const each of signs[kind]) each.remove();
    signs[kind] = items.map((item) => {
      const node = sign(kind, item, text(item));
      if (item.priority) node.classList.add(`P${item.priority}`);
      if (item.is_done) node.classList.add(item.is_bad ? "bad" : "done");
      if (item.is_safety || item.is_danger) node.classList.add("danger");
      if (item.is_old) node.classList.add("old");
      node.hidden = off.has(kind);
      return new library.Marker({ element: node, anchor: "center" }).setLngLat(item.at).addTo(map);
    });
    count(kind, items.length);
  };
  const count = (kind, number) => {
    const place = document.querySelector(`[data-count="${kind}"]`);
    if (place) place.textContent = number || "";
  };
  const list = (alerts) => {
    const rows = alerts.slice(0, 6).map((item) => {
      const row = document.createElement("li");
      const link = document.createElement("a");
      const mark = document.createElement("span");
      mark.className = `pr P${item.priority}`;
      mark.textContent = `P${item.priority} `;
      link.href = item.href;
      link.append(mark, item.title);
      const go = document.createElement("button");
      go.type = "button";
      go.className = "btn sm q";
      go.textContent = "◎";
      go.setAttribute("aria-label", item.title);
      go.addEventListener("click", () => map.easeTo({ center: item.at, zoom: 16, duration: 300 }));
      row.className = "row";
      link.className = "el";
      const space = document.createElement("span");
      space.className = "sp";
      row.append(link, space, go);
      return row;
    });
    document.getElementById("mapalerts").replaceChildren(...rows);
  };
  // Where meters are comes once; what changes names only those that are not well.
  let drawn = "";
  const meters = ({ alert, silent }) => {
    const now = JSON.stringify([alert, silent, still.meters.ids.length]);
    if (now === drawn) return;
    drawn = now;
    const state = new Map([...silent.map((id) => [id, "silent"]), ...alert.map((id) => [id, "alert"])]);
    const { ids, at } = still.meters;
    const features = ids.map((id, index) => ({ type: "Feature", geometry: { type: "Point", coordinates: at[index] }, properties: { id, state: state.get(id) ?? "ok" } }));
    map.getSource("meters").setData({ type: "FeatureCollection", features });
    count("meters", ids.length);
  };
  const show = async (data) => {
    if (data.meters.count !== still?.meters.ids.length) still = (await read("/map/still")) ?? still;
    if (still) meters(data.meters);
    put("stops", data.stops, (item) => (item.is_done && !item.is_bad ? "✓" : String(item.number)));
    put("alerts", data.alerts, (item) => (item.is_safety ? "!" : String(item.priority)));
    put("crews", data.crews, () => "");
    put("calls", data.calls, (item) => String(item.count));
    list(data.alerts);
  };
  map.on("load", () => {
    for (const name of ["pipes", "points"]) if (still) map.getSource(name).setData(still[name]);
    // A label is drawn once: a letter whose part of the font is not here yet would stay a box.
    const names = (still?.places.features ?? []).map((each) => each.properties.name).join("");
    document.fonts.load(`24px "Noto Sans SC Variable"`, names).catch(() => []).then(() => { if (still) map.getSource("places").setData(still.places); });
    if (still) {
      count("points", still.points.features.length);
      for (const medium of ["heat", "gas", "water"]) count(medium, still.pipes.features.filter((each) => each.properties.medium === medium).length);
    }
    if (live) show(live);
    holder.dataset.ready = "1";
  });
  map.on("click", "meters", (event) => { location.href = `/meters/${encodeURIComponent(event.features[0].properties.id)}`; });
  map.on("click", "meters-many", async (event) => {
    const zoom = await map.getSource("meters").getClusterExpansionZoom(event.features[0].properties.cluster_id);
    map.easeTo({ center: event.features[0].geometry.coordinates, zoom });
  });
  for (const box of holder.querySelectorAll("[data-layer]")) {
    box.addEventListener("change", () => {
      const kind = box.dataset.layer;
      if (box.checked) off.delete(kind); else off.add(kind);
      for (const layer of PARTS[kind] ?? []) map.setLayoutProperty(layer, "visibility", box.checked ? "visible" : "none");
      for (const each of signs[kind] ?? []) each.getElement().hidden = !box.checked;
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key !== "y" || event.ctrlKey || event.metaKey || event.target.closest("input:not([type=checkbox]), textarea, select")) return;
    const panel = holder.querySelector(".layers details");
    panel.open = !panel.open;
  });
  // The footer's keys hold on the page as it opens; a map that has the focus has them of its own.
  const moves = {
    "+": () => map.zoomIn(MOVED), "=": () => map.zoomIn(MOVED), "-": () => map.zoomOut(MOVED),
    ArrowLeft: () => map.panBy([-STEP_PX, 0], MOVED), ArrowRight: () => map.panBy([STEP_PX, 0], MOVED),
    ArrowUp: () => map.panBy([0, -STEP_PX], MOVED), ArrowDown: () => map.panBy([0, STEP_PX], MOVED),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !moves[event.key]) return;
    if (event.target !== document.body && event.target.id !== "main") return;
    event.preventDefault();
    moves[event.key]();
  });
  const place = () => { holder.dataset.zoom = map.getZoom().toFixed(2); holder.dataset.west = map.getBounds().getWest().toFixed(5); };
  map.on("moveend", place);
  place();
  let timer = 0;
  const renew = async () => { timer = 0; const data = await read("/map/live"); if (data) show(data); };
  // No feed tells of patrols, of crews that walk and of meters that fall silent.
  setInterval(() => { if (!document.hidden && !timer) renew(); }, SELDOM_MS);
  return {
    refresh(topics) {
      if (!["alert", "order", "request"].some((topic) => topics.has(topic)) || timer) return;
      timer = setTimeout(renew, PAUSE_MS);
    },
  };
}
