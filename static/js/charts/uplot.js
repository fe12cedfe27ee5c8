// Holds uPlot, which the page loads as a classic script before any module: there is no minified module of it.

/** @type {any} */
const uPlot = globalThis.uPlot;
export default uPlot;
