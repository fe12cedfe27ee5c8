// Feeds charts and a table as tutorials do: every message is parsed, put in its place and shown at once. `?panels=30` or `?rows=200`.

import uPlot from '/uplot.js';

const WINDOW = 60_000;
// As large as the charts of our own page are in panels of two by two.
const SIZE = { width: 239, height: 91 };
const SPARK = { width: 68, height: 16 };

function makeChart() {
  const box = document.createElement('div');
  const text = document.createElement('p');
  const values = [document.createElement('b'), document.createElement('b')];
  text.append(values[0], ' ', values[1]);
  box.append(text);
  document.getElementById('charts').append(box);
  const options = { ...SIZE, legend: { show: false }, series: [{}, { stroke: 'steelblue', width: 1.5 }, { stroke: 'orange', width: 1.5 }] };
  const plot = new uPlot(options, [[], [], []], box);
  let points = [];
  return ({ series, t, v }) => {
    const side = series % 2;
    const both = [...(points.at(-1)?.both ?? [null, null])];
    both[side] = v;
    points = [...points, { t, both }].filter((point) => point.t > t - WINDOW);
    plot.setData([points.map((point) => point.t / 1000), points.map(({ both }) => both[0]), points.map(({ both }) => both[1])]);
    values[side].textContent = v.toFixed(2);
  };
}

function makeRow(number) {
  const row = document.querySelector('tbody').insertRow();
  row.insertCell().textContent = `Series ${number}`;
  const [last, change, percent, trend] = Array.from({ length: 4 }, () => row.insertCell());
  const canvas = Object.assign(document.createElement('canvas'), SPARK);
  trend.append(canvas);
  const pen = canvas.getContext('2d');
  let points = [];
  return ({ t, v }) => {
    points = [...points, { t, v }].filter((point) => point.t > t - WINDOW);
    const first = points[0].v;
    last.textContent = v.toFixed(2);
    change.textContent = (v - first).toFixed(2);
    percent.textContent = `${(((v - first) / first) * 100).toFixed(2)} %`;
    drawSpark(pen, points, t);
  };
}

function drawSpark(pen, points, now) {
  const low = Math.min(...points.map(({ v }) => v));
  const high = Math.max(...points.map(({ v }) => v));
  pen.clearRect(0, 0, SPARK.width, SPARK.height);
  pen.beginPath();
  for (const { t, v } of points) pen.lineTo((1 - (now - t) / WINDOW) * SPARK.width, (1 - (v - low) / (high - low || 1)) * SPARK.height);
  pen.stroke();
}

const wanted = new URLSearchParams(location.search);
const panels = Array.from({ length: Number(wanted.get('panels')) }, makeChart);
const rows = Array.from({ length: Number(wanted.get('rows')) }, (_, number) => makeRow(number));
const show = (tick) => (panels[tick.series >> 1] ?? rows[tick.series])(tick);

new WebSocket(`ws://${location.host}/`).onmessage = ({ data }) => {
  const message = JSON.parse(data);
  if (Array.isArray(message)) {
    message.forEach(show);
    document.documentElement.dataset.state = 'live';
    return;
  }
  show(message);
  // How long ago the tick was made that has just been shown, for the benchmark to read.
  window.behind = Date.now() - message.t;
};
