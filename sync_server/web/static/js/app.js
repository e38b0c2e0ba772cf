// Starts the page: what is drawn, what is live, what the keys do.
import { startBoard } from "./board.js";
import { startCharts } from "./chart.js";
import { startClock } from "./clock.js";
import { startDesk } from "./desk.js";
import { startForms } from "./forms.js";
import { startIntake } from "./intake.js";
import { startKeys } from "./keys.js";
import { startLive } from "./live.js";
import { startMap } from "./map.js";
import { startRegions } from "./regions.js";
import { startSound } from "./sound.js";

startClock();
startCharts();
startKeys();
startSound();
startIntake();
startForms();
startBoard();
const desk = startDesk();
const regions = startRegions();
const town = startMap();
startLive((topics) => {
  if (topics.has("alert") || topics.has("order")) desk?.refresh();
  regions.refresh(topics);
  town.then((map) => map?.refresh(topics));
});
