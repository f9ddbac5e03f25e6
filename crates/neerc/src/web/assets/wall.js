// A board on a wall. What does not fit into the window is turned to, by the time of day, so that it is in step with other
// walls and nothing is made up for after a sleep. The screen stays awake; and the page is loaded anew every six hours, once
// the server answers.
"use strict";
(() => {
  const TURN_MS = Number(document.body.dataset.turn) * 1000, ANEW_MS = 6 * 3600 * 1000;
  const began = performance.now();
  let lock = null, isAsking = false;

  // Where parts begin that are shown one after the other: a part ends before what would be cut.
  function stops(spans, shown) {
    const stops = [0];
    for (const [start, end] of spans) if (end - stops[stops.length - 1] > shown && start > stops[stops.length - 1]) stops.push(start);
    return stops;
  }

  function turn() {
    const board = document.getElementById("board"), head = board && board.querySelector("thead tr");
    if (!head) return;
    const left = head.firstElementChild.offsetWidth, top = head.offsetHeight;
    const columns = [...head.children].slice(1).map(cell => [cell.offsetLeft - left, cell.offsetLeft - left + cell.offsetWidth]);
    const rows = [...board.querySelectorAll("tbody tr")].map(row => [row.offsetTop - top, row.offsetTop - top + row.offsetHeight]);
    const xs = stops(columns, board.clientWidth - left), ys = stops(rows, board.clientHeight - top);
    const count = xs.length * ys.length, at = Math.floor(Date.now() / TURN_MS) % count;
    const x = xs[Math.floor(at / ys.length)], y = ys[at % ys.length];
    if (Math.abs(board.scrollLeft - x) > 1 || Math.abs(board.scrollTop - y) > 1) board.scrollTo({ left: x, top: y, behavior: "instant" });
    const page = document.getElementById("page"), said = count > 1 ? `${at + 1}/${count}` : "";
    if (page.textContent !== said) page.textContent = said;
  }

  async function stayAwake() {
    if (document.hidden || !navigator.wakeLock || (lock && !lock.released)) return;
    try { lock = await navigator.wakeLock.request("screen"); } catch { /* the machine saves power */ }
  }

  async function loadAnew() {
    if (isAsking || performance.now() - began < ANEW_MS) return;
    isAsking = true;
    try {
      const answer = await fetch("/healthz", { cache: "no-store" });
      if (answer.ok && (await answer.text()) === "ok\n") location.reload();
    } catch { /* it is tried again */ } finally { isAsking = false; }
  }

  setInterval(turn, 1000);
  setInterval(() => { stayAwake(); loadAnew(); }, 10000);
  document.addEventListener("visibilitychange", stayAwake);
  window.addEventListener("resize", turn);
  turn();
  stayAwake();
})();
