// The page of metasim: a person plays the customers by hand. State is what the simulator says;
// each change there redraws what differs here.

const $ = (id) => document.getElementById(id);
const ui = { account: "", surface: "instagram", person: "", tab: "dm", editing: null, replyTo: null, read: {} };
let view = { accounts: [], people: [], threads: [], media: [] };

async function call(method, path, body) {
  const response = await fetch("/_sim" + path, {
    method,
    headers: { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error ?? `HTTP ${response.status}`);
  return answer;
}

async function act(what, more = {}) {
  try {
    return await call("POST", "/act", {
      do: what, person: ui.person, business: ui.account, surface: ui.surface, ...more,
    });
  } catch (error) {
    toast(error.message);
    return null;
  }
}

let toastTimer;
function toast(text) {
  $("toast").textContent = text;
  $("toast").classList.add("on");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => $("toast").classList.remove("on"), 4000);
}

function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (key in node) node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const time = (at) => new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
const day = (at) => new Date(at).toLocaleDateString([], { weekday: "long", day: "numeric", month: "long" });
const account = () => view.accounts.find((a) => a.key === ui.account);
const person = () => view.people.find((p) => p.key === ui.person);
const threadOf = (who) => view.threads?.find(
  (t) => t.account === ui.account && t.surface === ui.surface && t.person === who);

/* ---------- the list on the left ---------- */

function drawSide() {
  const select = $("account");
  select.replaceChildren(...view.accounts.map((a) => el("option", { value: a.key, textContent: a.name || a.username })));
  select.value = ui.account;
  const names = { instagram: "Instagram", messenger: "Messenger", whatsapp: "WhatsApp" };
  $("surfaces").hidden = (account()?.surfaces.length ?? 0) < 2;
  $("surfaces").replaceChildren(...(account()?.surfaces ?? []).map((s) => el("button", {
    type: "button", role: "radio", className: "chip", "aria-checked": String(s === ui.surface), textContent: names[s],
    onclick: () => { ui.surface = s; draw(); },
  })));
  $("people").replaceChildren(...view.people.map(drawPerson));
  const h = view.health ?? {};
  const notes = [`${view.people.length} people`];
  if (h.waiting) notes.push(`${h.waiting} events on their way`);
  if (h.retrying) notes.push(`${h.retrying} to be redelivered`);
  if (h.dropped) notes.push(`${h.dropped} dropped`);
  if (h.unimplemented) notes.push(`${h.unimplemented} unknown calls`);
  $("health").textContent = notes.join(" · ");
}

function drawPerson(p) {
  const thread = threadOf(p.key);
  const last = thread?.messages?.at(-1);
  const fresh = last && !last.mine && ui.read[p.key + ui.surface] !== last.id && p.key !== ui.person;
  const preview = last ? (last.mine ? "You: " : "") + (last.deleted ? "unsent" : last.text || "Attachment") : "@" + p.username;
  return el("li", {}, el("button", {
    type: "button", ...(p.key === ui.person ? { "aria-current": "true" } : {}),
    onclick: () => { ui.person = p.key; ui.editing = ui.replyTo = null; document.body.dataset.pane = "talk"; draw(true); },
  }, el("img", { src: p.avatar, alt: "", loading: "lazy" }),
  el("span", {}, el("b", { textContent: p.name || p.username }), el("small", { textContent: preview })),
  fresh ? el("i", { className: "dot", title: "New message", role: "img", "aria-label": "new message" }) : null));
}

/* ---------- the thread ---------- */

function drawThread(jump) {
  const list = $("thread");
  const thread = threadOf(ui.person);
  const atEnd = jump || list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  const messages = thread?.messages ?? [];
  const items = [];
  let before = null;
  for (const m of messages) {
    if (!before || day(before.at) !== day(m.at)) items.push(el("li", { className: "day", textContent: `${day(m.at)}, ${time(m.at)}` }));
    items.push(drawMessage(m, before, m === messages.at(-1)));
    before = m;
  }
  if (!items.length) {
    items.push(el("li", { className: "empty", textContent: `Write to ${account()?.name ?? "a business"} as ${person()?.name || "somebody"}. What is answered appears here at once.` }));
  }
  if (thread?.typing) {
    items.push(el("li", { className: "msg gap" }, el("div", { className: "bubble typing", "aria-label": "typing" }, el("i"), el("i"), el("i"))));
  }
  list.replaceChildren(...items);
  if (atEnd) list.scrollTop = list.scrollHeight;
  if (before && ui.tab === "dm") ui.read[ui.person + ui.surface] = before.id;
}

function drawMessage(m, before, last) {
  const gap = !before || before.mine !== m.mine;
  const under = [m.edited ? "Edited" : "", last && m.mine && m.seen ? "Seen" : ""].filter(Boolean).join(" · ");
  const stack = el("div", { className: "stack" },
    m.private ? el("div", { className: "label", textContent: "Private answer to your comment" }) : null,
    m.story ? el("div", { className: "label", textContent: "Answered a story" }) : null,
    ...bubbles(m),
    m.reactions?.length ? el("div", { className: "reacts", textContent: m.reactions.join(" ") }) : null,
    under ? el("div", { className: "under", textContent: under }) : null,
    offers(m, last));
  return el("li", { className: `msg ${m.mine ? "mine" : ""} ${gap ? "gap" : ""}`, title: time(m.at), tabIndex: 0 }, stack, tools(m));
}

function bubbles(m) {
  if (m.deleted) return [el("div", { className: "bubble gone", textContent: m.mine ? "You unsent a message" : "Message unsent" })];
  const out = (m.attachments ?? []).map(attachment);
  if (m.text) {
    out.push(el("div", { className: "bubble" }, m.reply_to ? el("div", { className: "quote", textContent: m.reply_to }) : null, m.text));
  }
  if (!out.length) out.push(el("div", { className: "bubble gone", textContent: "Something that cannot be shown here" }));
  return out.flatMap((b) => [b, el("br")]).slice(0, -1);
}

function attachment(a) {
  const bubble = el("div", { className: "bubble bare" });
  if (a.type === "like_heart") bubble.append(el("span", { className: "big", textContent: "❤️" }));
  else if (a.kind?.startsWith("image/")) bubble.append(el("img", { src: a.url, alt: a.type === "story_mention" ? "Your story" : "Picture", loading: "lazy" }));
  else if (a.kind?.startsWith("video/")) bubble.append(el("video", { src: a.url, controls: true }));
  else if (a.kind?.startsWith("audio/")) bubble.append(el("audio", { src: a.url, controls: true }));
  else bubble.append(el("a", { className: "doc", href: a.url || "#", target: "_blank", rel: "noreferrer", textContent: a.name || a.type }));
  return bubble;
}

function offers(m, last) {
  const shown = (m.buttons ?? []).filter((b) => b.kind !== "quick_reply" || last);
  if (!shown.length) return null;
  return el("div", { className: "offers" }, ...shown.map((b) => el("button", {
    type: "button", className: "chip", textContent: b.title,
    onclick: () => {
      if (b.kind === "quick_reply") act("quick_reply", { text: b.title, quick_reply: b.payload });
      else if (b.kind === "postback") act("postback", { title: b.title, payload: b.payload });
      else toast(`Opens ${b.payload}`);
    },
  })));
}

function tools(m) {
  if (m.deleted) return null;
  const button = (text, onclick, label) => el("button", { type: "button", textContent: text, title: label ?? text, "aria-label": label ?? text, onclick });
  const row = el("div", { className: "tools" },
    button("♥", () => act(m.reactions?.includes("❤️") ? "unreact" : "react", { message: m.id }), "React with a heart"),
    button("Reply", () => { ui.replyTo = m; ui.editing = null; drawCompose(); $("text").focus(); }));
  if (m.mine && ui.surface !== "whatsapp") {
    if (m.text) row.append(button("Edit", () => { ui.editing = m; ui.replyTo = null; $("text").value = m.text; drawCompose(); $("text").focus(); }));
    row.append(button("Unsend", () => act("unsend", { message: m.id })));
  }
  return row;
}

function drawCompose() {
  const what = ui.editing ? "Editing your message" : ui.replyTo ? `Replying to “${(ui.replyTo.text || "an attachment").slice(0, 40)}”` : "";
  $("editing").hidden = !what;
  $("editing").firstElementChild.textContent = what;
  $("send").textContent = ui.editing ? "Save" : "Send";
}

/* ---------- posts and comments ---------- */

function drawPosts() {
  const posts = (view.media ?? []).filter((m) => m.account === ui.account);
  const focused = document.activeElement?.closest?.(".post form");
  const kept = Object.fromEntries([...document.querySelectorAll(".post form")].map((f) => [f.dataset.media, { text: f.elements.text.value, parent: f.dataset.parent ?? "" }]));
  $("posts").replaceChildren(...posts.map((m) => drawPost(m, kept[m.id])));
  if (!posts.length) $("posts").append(el("p", { className: "empty", textContent: "This account has not posted anything." }));
  if (focused) document.querySelector(`.post form[data-media="${focused.dataset.media}"] input`)?.focus();
}

function drawPost(m, kept) {
  const form = el("form", { onsubmit: (e) => comment(e, m) },
    el("input", { name: "text", placeholder: `Comment as ${person()?.name || "somebody"}…`, "aria-label": "Comment", autocomplete: "off", value: kept?.text ?? "" }),
    el("button", { textContent: "Post" }));
  form.dataset.media = m.id;
  form.dataset.parent = kept?.parent ?? "";
  return el("article", { className: "post" }, el("img", { src: m.url, alt: m.caption }),
    el("div", { className: "body" }, el("p", {}, el("strong", { textContent: account()?.username + " " }), m.caption),
      el("p", { className: "meta", textContent: `${m.product === "FEED" ? "Post" : m.product} · ${day(m.at)} · ${m.likes} likes` }),
      ...m.comments.flatMap((c) => [drawComment(c, form), ...(c.replies ?? []).map((r) => drawComment(r, form, c))])), form);
}

function drawComment(c, form, parent) {
  const answer = () => {
    form.dataset.parent = parent?.id ?? c.id;
    form.elements.text.value = `@${c.author} `;
    form.elements.text.focus();
  };
  return el("div", { className: `comment ${parent ? "reply" : ""} ${c.hidden ? "hidden" : ""}` },
    el("img", { className: "face", src: c.avatar, alt: "" }),
    el("div", {}, el("b", { textContent: c.author + " " }), c.text,
      el("p", { className: "meta" }, time(c.at) + (c.hidden ? " · hidden" : "") + " ",
        el("button", { type: "button", textContent: "Reply", onclick: answer }),
        c.person === ui.person ? el("button", { type: "button", textContent: "Delete", onclick: () => act("comment_delete", { comment: c.id }) }) : null)));
}

async function comment(event, m) {
  event.preventDefault();
  const form = event.target;
  const text = form.elements.text.value.trim();
  if (text && await act("comment", { media: m.id, comment: form.dataset.parent, text, surface: "instagram" })) {
    form.elements.text.value = form.dataset.parent = "";
  }
}

/* ---------- what the person does ---------- */

async function submit(event) {
  event?.preventDefault();
  const text = $("text").value.trim();
  if (!text) return;
  const done = ui.editing
    ? await act("edit", { message: ui.editing.id, text })
    : await act("dm", { text, ...(ui.replyTo ? { reply_to: ui.replyTo.id } : {}) });
  if (!done) return;
  $("text").value = "";
  ui.editing = ui.replyTo = null;
  drawCompose();
}

async function upload(file) {
  const data = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).split(",")[1]);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
  const asset = await call("POST", "/assets", { name: file.name, type: file.type || "application/octet-stream", bytes: data });
  const kind = ["image", "video", "audio"].find((k) => file.type.startsWith(k + "/")) ?? "file";
  await act("dm", { attachments: [{ type: kind, asset: asset.id }] });
}

const doings = {
  story: () => act("story_mention", { surface: "instagram" }),
  heart: () => ui.surface === "whatsapp" ? act("dm", { text: "❤️" }) : act("dm", { attachments: [{ type: "like_heart" }] }),
  read: () => act("read"),
};

$("compose").addEventListener("submit", submit);
$("text").addEventListener("keydown", (e) => {
  if (e.key === "Enter" && !e.shiftKey && !e.isComposing) submit(e);
  if (e.key === "Escape") $("cancel").click();
});
$("cancel").addEventListener("click", () => { if (ui.editing) $("text").value = ""; ui.editing = ui.replyTo = null; drawCompose(); });
$("file").addEventListener("change", async (e) => {
  const [file] = e.target.files;
  e.target.value = "";
  if (file) await upload(file).catch((error) => toast(error.message));
});
$("more").addEventListener("click", (e) => doings[e.target.dataset?.do]?.());
$("account").addEventListener("change", (e) => { ui.account = e.target.value; draw(true); });
$("back").addEventListener("click", () => { document.body.dataset.pane = "people"; });
$("new-person").addEventListener("submit", async (e) => {
  e.preventDefault();
  const name = $("new-name").value.trim();
  if (!name) return;
  const key = name.toLowerCase().normalize("NFKD").replace(/[^\p{L}\p{N}]+/gu, ".").replace(/^\.|\.$/g, "") + "." + Math.random().toString(36).slice(2, 5);
  const made = await call("POST", "/people", { key, name, wa_id: "auto" }).catch((error) => toast(error.message));
  if (made) { ui.person = made.key; $("new-name").value = ""; }
});
for (const tab of ["dm", "posts"]) $("tab-" + tab).addEventListener("click", () => { ui.tab = tab; draw(true); });

/* ---------- drawing ---------- */

function settle() {
  if (!account()) ui.account = view.accounts[0]?.key ?? "";
  if (account() && !account().surfaces.includes(ui.surface)) ui.surface = account().surfaces[0];
  if (!person()) ui.person = view.people[0]?.key ?? "";
}

function draw(jump) {
  settle();
  drawSide();
  $("who-name").textContent = account()?.name ?? "Nobody to talk to yet";
  $("who-as").textContent = person() ? `you are ${person().name || person().username}` : "";
  $("who-avatar").src = account()?.avatar ?? "icon.svg";
  for (const tab of ["dm", "posts"]) {
    $(tab).hidden = ui.tab !== tab;
    $("tab-" + tab).setAttribute("aria-selected", String(ui.tab === tab));
  }
  drawThread(jump);
  drawPosts();
  drawCompose();
}

// Bursts of changes cost one reading; one that comes meanwhile costs one more.
let reading = false;
let again = false;
async function refresh() {
  if (reading) { again = true; return; }
  reading = true;
  try {
    const fresh = await call("GET", "/view");
    view = { ...fresh, accounts: fresh.accounts ?? [], people: fresh.people ?? [], threads: fresh.threads ?? [], media: fresh.media ?? [] };
    draw();
  } catch (error) {
    $("health").textContent = "not reachable";
    console.error(error);
  } finally {
    reading = false;
    if (again) { again = false; refresh(); }
  }
}

const source = new EventSource("/_sim/events");
source.addEventListener("changed", refresh);
source.addEventListener("error", () => { $("health").textContent = "connection lost, trying again…"; });
