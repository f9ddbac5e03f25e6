// The page with a code: it asks again by itself, and goes on once the code was confirmed. Without this file the browser loads
// it anew every three seconds, which a screen reader begins to read each time.
"use strict";
(() => {
  const EVERY_MS = 3000, code = document.querySelector(".code").textContent.trim();

  async function ask() {
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (answer.redirected) return location.replace(answer.url);
      if (!(await answer.text()).includes(code)) return location.reload(); // another code counts now
    } catch { /* nobody answers: the code may still be good */ }
    setTimeout(ask, EVERY_MS);
  }

  setTimeout(ask, EVERY_MS);
})();
