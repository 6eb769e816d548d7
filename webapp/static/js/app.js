// What HTML and htmx cannot do by themselves. Every page works without this file.
"use strict";

const find = (selector) => document.querySelector(selector);

/** Puts the focus on the first field that needs the reader, if the page has one. */
function focusFirstProblem() {
  const field = find("[aria-invalid=true]") || find("#panel [autofocus]");
  if (field) field.focus();
}

/** Where the focused element went away with the swap, the keyboard goes on at what took its place. */
function keepFocusNear(swapped) {
  if (document.activeElement === document.body) swapped.focus({ preventScroll: true });
}

/** Tells screen readers what the list now shows, once. */
function announce(sentence) {
  const status = find("#status");
  if (status.textContent !== sentence) status.textContent = sentence;
}

/** Shows the buttons that reveal a password, copy a text or choose all; without a script they would do nothing. */
function showScriptButtons() {
  document.querySelectorAll("[data-reveal], [data-copy], [data-script]").forEach((button) => { button.hidden = false; });
}

/** Shows or hides the password beside the button. */
function togglePassword(button) {
  const input = document.getElementById(button.dataset.reveal);
  const show = input.type === "password";
  input.type = show ? "text" : "password";
  button.setAttribute("aria-pressed", String(show));
}

/** Copies the text of the field beside the button, or selects it where the browser does not let us. */
async function copyText(button) {
  const input = document.getElementById(button.dataset.copy);
  input.select();
  try {
    await navigator.clipboard.writeText(input.value);
    button.textContent = button.dataset.copied;
    announce(button.dataset.copied);
  } catch {
    input.focus();
  }
}

/** Tells whether keys pressed here are text. */
function isTyping(element) {
  return element.matches("input, select, textarea");
}

/** What the arrow keys lead along from an element: the items of its open menu, or the names of a list, after its search. */
function stopsAround(element) {
  const menu = element.closest("[data-menu][open]");
  if (menu) return [...menu.querySelectorAll("summary, .menu-sheet a, .menu-sheet button")];
  const names = [...document.querySelectorAll("[data-rows] .person-name a")];
  if (element.id === "search") return [element, ...names];
  return names.includes(element) ? names : [];
}

const STEPS = { ArrowUp: (at) => at - 1, ArrowDown: (at) => at + 1, Home: () => 0, End: (_at, last) => last };

/** Moves the focus by an arrow key, Home or End; in the search, where these move the caret, only downwards. */
function moveFocus(event) {
  const stops = isTyping(event.target) && event.key !== "ArrowDown" ? [] : stopsAround(event.target);
  if (!stops.length) return;
  const last = stops.length - 1;
  const next = STEPS[event.key](stops.indexOf(event.target), last);
  stops[Math.min(Math.max(next, 0), last)].focus();
  event.preventDefault();
}

/** Closes open menus, except the one that holds `inside`. */
function closeMenus(inside) {
  document.querySelectorAll("[data-menu][open]").forEach((menu) => {
    if (!menu.contains(inside)) menu.open = false;
  });
}

/** Says in words that the server gave no answer. */
function showUnreachable() {
  find("#problems").replaceChildren(find("#unreachable").content.cloneNode(true));
}

document.addEventListener("click", (event) => {
  closeMenus(event.target);
  const reveal = event.target.closest("[data-reveal]");
  if (reveal) togglePassword(reveal);
  const copy = event.target.closest("[data-copy]");
  if (copy) copyText(copy);
  const dismiss = event.target.closest("[data-dismiss]");
  if (dismiss) dismiss.closest(".notice").remove();
});

document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-choose-all]")) return;
  document.querySelectorAll("[data-rows] input[name=ids]").forEach((box) => { box.checked = event.target.checked; });
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key in STEPS) moveFocus(event);
  const search = event.key === "/" && !isTyping(event.target) && find("#search");
  if (!search) return;
  search.focus();
  search.select();
  event.preventDefault();
});

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && find("[data-menu][open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

document.addEventListener("focusout", (event) => {
  if (event.relatedTarget) closeMenus(event.relatedTarget);
});

// A list that is only brought up to date must not forget who has been chosen on it.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt.id === "refresh" && find("[data-rows] input:checked, #bulk [name=all]:checked")) event.preventDefault();
});

// Nor must an answer to a search for people or groups that did not hear yet who is chosen now: it is asked for again.
document.addEventListener("change", (event) => {
  const finder = find("[name=find].htmx-request");
  if (finder && event.target.closest(finder.getAttribute("hx-select-oob"))) finder.click();
});

// Whoever is not chosen any more may be gone with the answer, and the focus with them: it goes back to the search.
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const found = event.detail.target;
  const search = found.contains(document.activeElement) && found.closest("fieldset")?.querySelector("[type=search]");
  if (search) document.addEventListener("htmx:afterSwap", () => keepFocusNear(search), { once: true });
});

// A change is on its way: an older list must not be drawn over its answer.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.requestConfig.verb === "post") htmx.trigger("#main", "htmx:abort");
});

// The address of a refused change is no page, and an answer that came too late is not shown:
// reload and Back must lead to the page that is.
document.addEventListener("htmx:beforeHistoryUpdate", (event) => {
  if (event.detail.xhr.status < 400 && event.detail.target.isConnected) return;
  event.detail.history.type = "replace";
  event.detail.history.path = location.pathname + location.search;
});

document.addEventListener("htmx:beforeSwap", (event) => {
  if (!event.detail.isError) find("#problems").replaceChildren();
});

document.addEventListener("htmx:afterSettle", (event) => {
  const panel = find("#panel");
  if (panel && panel.dataset.title) document.title = panel.dataset.title;
  showScriptButtons();
  const swapped = event.detail.elt;
  if (swapped.id === "panel") focusFirstProblem();
  if (["panel", "results"].includes(swapped.id)) keepFocusNear(swapped);
  if (swapped.dataset.status) announce(swapped.dataset.status);
});

// Back or Forward, pressed before htmx listened, changed the address but not the page.
document.addEventListener("DOMContentLoaded", () => {
  const tab = find("#tabs [aria-current=page]");
  if (tab && tab.pathname !== location.pathname) location.reload();
});

document.addEventListener("htmx:sendError", showUnreachable);
document.addEventListener("htmx:timeout", showUnreachable);

showScriptButtons();
focusFirstProblem();
