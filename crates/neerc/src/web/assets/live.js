// Keeps a page true. One tab of each address reads a stream of events and passes it on to the others; what arrives replaces
// the parts that differ. A browser gives a stream up for good after any answer but 200, and does not notice a connection
// that is half open: so it is opened anew, and said to be down when no beat has come for too long.
"use strict";
(() => {
  const body = document.body, url = body.dataset.events;
  if (!url || !window.EventSource) return;
  const BEAT_LOST_MS = 25000, DOWN_MS = 2000, LONGEST_PAUSE_MS = 30000, NEWS_MS = 5000;
  // Timers run each second, and each minute on a page that nobody sees.
  const SLEPT_MS = 5000, SLEPT_HIDDEN_MS = 90000;
  const $ = id => document.getElementById(id);
  const policy = window.trustedTypes ? trustedTypes.createPolicy("neerc", { createHTML: html => html }) : { createHTML: html => html };
  const channel = window.BroadcastChannel ? new BroadcastChannel("neerc " + url) : { postMessage() {} };
  let since = body.dataset.since, source = null, isLeader = false, lastBeat = Date.now(), downSince = 0, tries = 0, retryAt = 0;
  const ahead = Number(body.dataset.now) - Date.now();
  let lookedAt = Date.now(), isFull = false, isFetching = false, clockAt = performance.now(), unsaid = [], saidAt = 0;

  // Parts

  const parse = html => { const t = document.createElement("template"); t.innerHTML = policy.createHTML(html); return t.content; };

  // Makes an element like another one, in place: what has the focus or was typed stays.
  function morph(old, now) {
    if (old.nodeType !== now.nodeType || old.nodeName !== now.nodeName) return old.replaceWith(now);
    if (old.nodeType !== Node.ELEMENT_NODE) { if (old.data !== now.data) old.data = now.data; return; }
    for (const { name } of [...old.attributes]) if (!now.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of now.attributes) if (old.getAttribute(name) !== value && !(name === "value" && old === document.activeElement)) old.setAttribute(name, value);
    const byId = new Map([...old.children].filter(child => child.id).map(child => [child.id, child]));
    let at = old.firstChild;
    for (const child of [...now.childNodes]) {
      const known = child.id && byId.get(child.id);
      if (known) { if (known !== at) old.insertBefore(known, at); else at = at.nextSibling; morph(known, child); }
      else if (at && !at.id && !child.id && at.nodeName === child.nodeName) { const next = at.nextSibling; morph(at, child); at = next; }
      else old.insertBefore(child, at);
    }
    while (at) { const next = at.nextSibling; at.remove(); at = next; }
  }

  function replace(html, isNews) {
    // Cells come in a table that has no id, since only there they are what they are.
    const parts = [...parse(html).children].flatMap(part => part.nodeName === "TABLE" && !part.id ? [...part.rows[0].cells] : [part]);
    for (const part of parts) {
      const old = part.id && $(part.id);
      if (part.id === "list-order") order(part.dataset.order.split(" "));
      else if (old && part.dataset.gone !== undefined) removeTask(part.id.slice(1));
      else if (!old) add(part);
      if (!old) continue;
      const isCell = isNews && old.nodeName === "TD" && old.classList.contains("c");
      if (part.id === "clock") clockAt = performance.now();
      morph(old, part);
      const shown = $(part.id);
      if (isCell && shown) { fresh(shown); tell(shown); }
    }
    ages();
  }

  // A task that is new stands behind the others, and one that is gone leaves its column.
  function add(part) {
    const behind = part.id.slice(part.id.indexOf("-") + 1), is = name => part.classList.contains(name);
    const row = is("c") ? $("p-" + behind) : null;
    if (row) { row.parentNode.append(part); fresh(part); if (!part.classList.contains("not-assigned")) tell(part); }
    else if (is("h")) document.querySelector("#board thead tr")?.append(part);
    else if (is("g")) $("band-" + part.id.slice(1, part.id.lastIndexOf("-")))?.append(part);
    else if (part.nodeName === "LI") document.querySelector("#list > ul")?.append(part);
  }
  function removeTask(task) {
    for (const cell of document.querySelectorAll(`#h${task}, #board [id^="t${task}-"], #board td.g[id$="-t${task}"]`)) cell.remove();
  }
  function order(ids) {
    const list = document.querySelector("#list > ul");
    if (!list) return;
    for (const item of [...list.children]) if (!ids.includes(item.id)) item.remove();
    ids.forEach((id, at) => { const item = $(id); if (item && list.children[at] !== item) list.insertBefore(item, list.children[at] || null); });
  }

  function fresh(cell) { cell.classList.remove("fresh"); void cell.offsetWidth; cell.classList.add("fresh"); }

  // For screen readers: one sentence at a time, and not too often.
  function tell(cell) {
    const row = cell.parentNode.querySelector(".name"), head = $("h" + cell.id.slice(1).split("-")[0]);
    const title = head && head.querySelector(".title");
    const words = [".w", ".v"].map(part => cell.querySelector(part)).filter(Boolean).map(part => part.textContent).join(", ");
    unsaid.push(`${row ? row.textContent : ""}: ${title ? title.textContent : ""}: ${words}`);
  }

  // Events

  // Another picture than the one that the page shows: the page is fetched, and made like it in place.
  async function fetchPage() {
    if (isFetching) return;
    isFetching = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.status === 401 || answer.status === 403 || answer.status === 404) return location.reload();
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(policy.createHTML(await answer.text()), "text/html");
      const script = dom => dom.querySelector("script[src]").getAttribute("src");
      if (script(page) !== script(document) || page.body.dataset.admin !== body.dataset.admin || page.body.dataset.looks !== body.dataset.looks) return location.reload();
      since = page.body.dataset.since;
      for (const id of ["elsewhere", "clock", "keeping", "mine", "board", "list", "online"]) if ($(id) && page.getElementById(id)) morph($(id), page.getElementById(id));
      clockAt = performance.now(); ages(); alive();
    } catch { /* it is tried again */ } finally { isFetching = false; }
  }

  function take({ type, id, data }) {
    alive();
    if (type === "cells") {
      const end = data.indexOf("\n"), from = data.slice(0, end);
      if (from === since) { since = id; replace(data.slice(end + 1), true); }
      else if (!isShown(id)) fetchPage();
    } else if (type === "beat") replace(data, false);
    else if (type === "reload") fetchPage();
    else if (type === "rights" || type === "bye") location.reload();
    else if (type === "full") isFull = true;
  }

  // Whether the page shows that picture already, or a later one of the same run of the service.
  function isShown(id) {
    const [run, picture] = id.split("-"), [ownRun, own] = since.split("-");
    return run === ownRun && Number(picture) <= Number(own);
  }

  function alive() { lastBeat = Date.now(); downSince = 0; }

  function close() { if (source) { source.close(); source = null; } }

  function open() {
    close();
    isFull = false;
    const stream = source = new EventSource(url + (url.includes("?") ? "&" : "?") + "since=" + encodeURIComponent(since));
    lookedAt = Date.now();
    stream.onopen = () => { tries = 0; alive(); };
    stream.onerror = () => {
      if (source !== stream) return;
      downSince = downSince || Date.now();
      if (stream.readyState !== EventSource.CLOSED) return;
      close();
      retryAt = isFull ? Infinity : Date.now() + pause();
      if (tries > 1) fetchPage(); // says whether somebody is logged in still
    };
    for (const type of ["cells", "beat", "reload", "rights", "bye", "full"]) stream.addEventListener(type, event => {
      if (hasSlept()) return open();
      const told = { type, id: event.lastEventId, data: event.data };
      channel.postMessage(told);
      take(told);
      if (type === "full") { close(); retryAt = Infinity; }
    });
  }

  // While a page sleeps, or is kept from running, what its stream brings is kept for it. It does not go through all of that: a
  // new stream begins with the present.
  function hasSlept() { return Date.now() - lookedAt > (document.hidden ? SLEPT_HIDDEN_MS : SLEPT_MS); }

  function pause() { tries += 1; return Math.min(LONGEST_PAUSE_MS, 500 * 2 ** tries) * (0.7 + 0.6 * Math.random()); }

  // The tab that reads the stream holds a lock; when it has gone, or sleeps, another one takes over.
  function lead(steal) {
    const held = () => new Promise(() => { isLeader = true; open(); });
    if (!navigator.locks) return void held();
    navigator.locks.request("neerc " + url, steal ? { steal } : {}, held).catch(() => { isLeader = false; close(); lead(false); });
  }
  channel.onmessage = event => take(event.data);

  // Time

  const two = number => String(number).padStart(2, "0");
  function clock() {
    const face = document.querySelector("#clock .face");
    if (!face) return;
    const gone = face.dataset.ticks === "true" ? performance.now() - clockAt : 0;
    const s = Math.floor(Math.abs(Number(face.dataset.ms) + gone) / 1000);
    face.textContent = `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  }
  function ages() {
    const now = Date.now() + ahead;
    for (const time of document.querySelectorAll("time[data-at]")) {
      const min = Math.max(0, Math.floor((now - Number(time.dataset.at)) / 60000));
      const age = min < 60 ? `${min} ${body.dataset.min}` : min < 1440 ? `${Math.floor(min / 60)}:${two(min % 60)}` : `${Math.floor(min / 1440)} ${body.dataset.days}`;
      if (time.textContent !== age) time.textContent = age;
    }
  }
  function stale(isDown) {
    const banner = $("stale");
    if (banner.hidden !== isDown) return;
    banner.hidden = !isDown;
    const at = new Date(lastBeat);
    banner.textContent = isDown ? `${body.dataset.stale} ${two(at.getHours())}:${two(at.getMinutes())}` : "";
    body.classList.toggle("is-stale", isDown);
  }
  function look() {
    const slept = hasSlept(), now = lookedAt = Date.now(), isLost = now - lastBeat > BEAT_LOST_MS;
    stale(isLost || (downSince > 0 && now - downSince > DOWN_MS));
    if (isFull && now - lastBeat > 10000) fetchPage();
    else if (isLeader && ((source && slept) || ((!source || isLost) && now > retryAt))) { retryAt = now + pause(); open(); }
    else if (!isLeader && isLost && now > retryAt) { retryAt = now + LONGEST_PAUSE_MS; lead(true); }
    if (unsaid.length && now - saidAt > NEWS_MS) {
      saidAt = now;
      $("news").textContent = unsaid[0] + (unsaid.length > 1 ? ` (+${unsaid.length - 1})` : "");
      unsaid = [];
    }
  }
  setInterval(() => { look(); clock(); }, 1000);
  setInterval(ages, 20000);
  document.addEventListener("freeze", close);
  for (const [on, name] of [[document, "resume"], [document, "visibilitychange"], [window, "pageshow"], [window, "online"]]) on.addEventListener(name, () => { if (!document.hidden || name === "resume") look(); });

  // Forms

  async function send(form, button, path) {
    const data = new URLSearchParams(new FormData(form, button || undefined));
    const answer = await fetch(path || (button && button.getAttribute("formaction")) || form.action, { method: "POST", body: data, headers: { Accept: "application/json" } });
    if (answer.status === 401 || answer.status === 403) return location.reload();
    if (answer.status === 409) fetchPage(); // what is sent again is sent of what is there now
    return answer.json();
  }
  const says = (said, isRefused) => { const p = $("said"); p.hidden = !said; p.textContent = said; p.classList.toggle("refused", isRefused); };
  document.addEventListener("submit", async event => {
    const form = event.target, isLine = form.id === "line";
    if (!isLine && !form.classList.contains("answer")) return;
    event.preventDefault();
    try {
      const told = await send(form, event.submitter);
      if (!told) return;
      says(told.said, told.is_refused);
      if (!told.is_refused) { form.reset(); if (isLine) $("line-says").textContent = ""; }
    } catch { says(body.dataset.failed, true); }
  });
  const line = $("line-text");
  let asked = 0, waits = 0;
  if (line) line.addEventListener("input", () => {
    clearTimeout(waits);
    const number = ++asked;
    waits = setTimeout(async () => {
      try {
        const told = line.value.trim() ? await send(line.form, null, line.form.action + "?dry=1") : { said: "" };
        if (number === asked && told) $("line-says").textContent = told.said;
      } catch { /* it is shown with the next letter */ }
    }, 150);
  });

  lead(false);
})();
