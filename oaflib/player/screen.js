// The screen of a player: trends on a canvas, a matrix, a list of alarms, controls.
// After trends.js in one module. The cursor moves here; Python hears of it a few times a second. Nothing is fetched from elsewhere.

const SPEEDS = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1000];
const SPANS = [[0, "whole window"], [900, "last 15 min"], [3600, "last hour"], [14400, "last 4 h"]];
const TELL_EVERY = 250;
const ORDER = ["NOT_APPLICABLE", "OK", "WARNING", "INVALID", "ALARM"];
const MARK = { OK: "✓", WARNING: "!", ALARM: "✕", INVALID: "?", NOT_APPLICABLE: "–" };
const PAGE = `
  <div class="banner" role="alert" hidden></div>
  <div class="head"><b class="title"></b><select class="choice" aria-label="snapshot" hidden></select><span class="status"></span><span class="clock"></span></div>
  <div class="transport">
    <div class="bar">
      <button class="play main">▶ Play</button>
      <button class="back" title="one refresh back">−1 step</button>
      <button class="step" title="one refresh on">+1 step</button>
      <button class="previous" title="where the alarm before this appeared">‹ Alarm</button>
      <button class="next" title="where the next alarm appears">Next alarm ›</button>
      <label>speed <select class="speed"></select></label>
      <label>show <select class="span"></select></label>
    </div>
    <input class="cursor" type="range" min="0" step="any" aria-label="time cursor">
  </div>
  <div class="body">
    <div class="left">
      <div class="trends"><canvas role="img" aria-label="trends of all variables"></canvas></div>
      <canvas class="axis" aria-hidden="true"></canvas>
    </div>
    <div class="side">
      <div class="matrix"></div>
      <h4>Alarms so far</h4>
      <div class="list"><ol></ol></div>
    </div>
  </div>
  <div class="detail" hidden><div><dl></dl></div><div><button class="close">Close</button><canvas height="150"></canvas></div></div>
  <div class="limits">
    <h4>What if a limit were another?</h4>
    <div class="row">
      <select class="which" aria-label="limit"></select>
      <input class="slide" type="range" min="0" max="1000" aria-label="value of the limit">
      <input class="number" type="number" step="any" aria-label="value of the limit"><span class="unit"></span>
      <button class="reset">As saved</button><button class="diff">Show the diff</button><button class="save">Save to the dataset's file</button>
    </div>
    <div class="note" role="status"></div><pre hidden></pre>
  </div>`;

// A number as a field for numbers takes it.
function typed(value) {
  const size = Math.abs(value);
  if (!size || (size < 1e5 && size >= 1e-3)) return String(Number(value.toPrecision(5)));
  return Number(value.toPrecision(4)).toExponential().replace("e+", "e");
}

class View {
  constructor(model, el) {
    this.model = model;
    this.root = document.createElement("div");
    this.root.className = "oaf-screen";
    this.root.dataset.lmSuppressShortcuts = "true";
    this.root.innerHTML = PAGE;
    el.append(this.root);
    this.at = model.get("cursor");
    this.sent = this.at;
    this.frames = 0;
    this.done = 0;
    this.trends = new Trends(this.$(".trends canvas"), this.$(".axis"), this.root);
    this.controls();
    this.listen();
    this.theme();
    model.send({ ask: "scene" });
  }

  $(what) { return this.root.querySelector(what); }
  get live() { return this.model.get("mode") === "live"; }
  get playing() { return this.model.get("playing"); }

  // Controls

  controls() {
    const on = (what, event, act) => this.$(what).addEventListener(event, act);
    for (const speed of SPEEDS) this.$(".speed").add(new Option(`${speed}×`, speed));
    for (const [seconds, label] of SPANS) this.$(".span").add(new Option(label, seconds));
    on(".play", "click", () => this.play(!this.playing));
    on(".back", "click", () => this.stop(this.times().filter((t) => t < this.at - 1e-3).pop() ?? 0));
    on(".step", "click", () => this.stop(this.times().find((t) => t > this.at + 1e-3) ?? this.length));
    on(".previous", "click", () => this.jump(this.alarms().filter((e) => e.t < this.at - 1e-3).pop()));
    on(".next", "click", () => this.jump(this.alarms().find((e) => e.t > this.at + 1e-3)));
    on(".speed", "change", (e) => this.set({ speed: Number(e.target.value) }));
    on(".span", "change", (e) => { this.set({ span: Number(e.target.value) }); this.redraw(); });
    on(".cursor", "input", (e) => this.seek(Number(e.target.value)));
    on(".choice", "change", (e) => { this.set({ playing: false }); this.model.send({ ask: "open", snapshot: e.target.value }); });
    on(".close", "click", () => { this.$(".detail").hidden = true; });
    on(".which", "change", () => this.pick());
    on(".slide", "input", (e) => {
      const limit = this.limit();
      this.change(limit.least + (limit.most - limit.least) * e.target.value / 1000);
    });
    on(".number", "change", (e) => e.target.value !== "" && this.change(Number(e.target.value)));
    on(".reset", "click", () => this.model.send({ ask: "reset" }));
    on(".diff", "click", () => this.model.send({ ask: "diff" }));
    on(".save", "click", () => this.model.send({ ask: "save" }));
    const drag = (e) => !this.live && this.scene && this.seek(this.trends.time(e.clientX));
    on(".trends canvas", "pointerdown", (e) => {
      e.target.setPointerCapture(e.pointerId);
      this.dragging = true;
      drag(e);
    });
    on(".trends canvas", "pointermove", (e) => {
      if (this.dragging) drag(e);
      else if (this.scene) e.target.title = this.trends.said(e.clientY);
    });
    on(".trends canvas", "pointerup", () => { this.dragging = false; });
  }

  listen() {
    const { model } = this;
    const on = (event, act) => { model.on(event, act); (this.off ??= []).push(() => model.off(event, act)); };
    on("msg:custom", (said, buffers) => this.told(said, buffers));
    on("change:cursor", () => {
      const at = model.get("cursor");
      if (Math.abs(at - this.sent) > 1e-6 && Math.abs(at - this.at) > 1e-6) { this.at = this.sent = at; this.draw(); }
    });
    on("change:playing", () => this.buttons());
    on("change:speed", () => this.buttons());
    on("change:span", () => { this.buttons(); this.redraw(); });
    on("change:mode", () => this.buttons());
    on("change:banner", () => this.buttons());
    on("change:status", () => this.buttons());
    const sized = new ResizeObserver(() => this.redraw());
    sized.observe(this.$(".trends"));
    const themed = new MutationObserver(() => this.theme());
    themed.observe(document.body, { attributes: true });
    this.off.push(() => sized.disconnect(), () => themed.disconnect());
    this.buttons();
  }

  buttons() {
    const banner = this.model.get("banner") ?? {};
    const box = this.$(".banner");
    box.hidden = !banner.text;
    box.className = `banner ${(banner.severity ?? "").toLowerCase()}`;
    box.textContent = banner.text ?? "";
    this.$(".status").textContent = this.model.get("status");
    this.$(".transport").hidden = this.live;
    this.$(".limits").hidden = this.live || !this.limits?.length;
    this.$(".play").textContent = this.playing ? "❚❚ Pause" : "▶ Play";
    this.choose(".speed", this.model.get("speed"), "×");
    this.choose(".span", this.model.get("span"), " s");
    this.root.dataset.playing = this.playing;
    if (this.playing && !this.loop) {
      this.last = performance.now();
      this.loop = requestAnimationFrame((now) => this.frame(now));
    }
  }

  choose(what, value, suffix) {
    const select = this.$(what);
    if (![...select.options].some((o) => Number(o.value) === value)) select.add(new Option(`${value}${suffix}`, value));
    select.value = value;
  }

  set(values) {
    for (const [name, value] of Object.entries(values)) this.model.set(name, value);
    this.model.save_changes();
  }

  tellCursor() {
    if (this.sent === this.at) return;
    this.sent = this.at;
    this.set({ cursor: this.at });
  }

  play(on) {
    if (on && this.at >= this.length) this.at = 0;
    this.sent = this.at;
    this.set({ cursor: this.at, playing: on });
    this.draw();
  }

  stop(at) { this.at = at; this.sent = at; this.set({ cursor: at, playing: false }); this.draw(); }

  seek(at) {
    this.at = Math.min(Math.max(0, at), this.length);
    this.draw();
    clearTimeout(this.later);
    this.later = setTimeout(() => this.tellCursor(), 100);
  }

  jump(event) { if (event) { this.stop(event.t); this.model.send({ ask: "alarm", alarm: event.alarm }); } }
  times() { return this.scene?.times ?? []; }
  alarms() { return (this.scene?.events ?? []).filter((e) => e.alarm >= 0); }
  get length() { return this.scene?.seconds ?? 0; }

  frame(now) {
    this.loop = 0;
    if (!this.playing || !this.root.isConnected) return;
    this.at = Math.min(this.at + this.model.get("speed") * (now - this.last) / 1000, this.length);
    this.last = now;
    this.draw();
    if (this.at >= this.length) { this.stop(this.length); return; }
    if (now - (this.toldAt ?? 0) > TELL_EVERY) { this.toldAt = now; this.tellCursor(); }
    this.loop = requestAnimationFrame((next) => this.frame(next));
  }

  // What Python says

  told(said, buffers) {
    if (said.tell === "scene") {
      const scene = said.scene, size = 2 * scene.columns;
      const raw = buffers[0];
      const numbers = new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength));
      let n = 0;
      for (const lane of scene.lanes) {
        if (lane.kind !== "line") continue;
        lane.low = numbers.subarray(n * size, n * size + scene.columns);
        lane.high = numbers.subarray(n * size + scene.columns, (n + 1) * size);
        n += 1;
      }
      this.scene = scene;
      this.limits = scene.limits;
      this.trends.show(scene);
      this.clockFormat = new Intl.DateTimeFormat("en-GB", { timeZone: scene.zone, dateStyle: "medium", timeStyle: "medium" });
      this.$(".title").textContent = scene.title;
      this.$(".cursor").max = scene.seconds;
      this.$(".choice").hidden = !scene.choices.length;
      this.$(".choice").replaceChildren(...scene.choices.map((name) => new Option(name)));
      this.$(".detail").hidden = true;
      if (this.live) this.at = this.sent = scene.seconds;
      this.events();
      this.which();
      this.buttons();
      this.redraw();
      this.root.dataset.ready = "true";
    } else if (said.tell === "events") {
      Object.assign(this.scene, { events: said.events, devices: said.devices, checks: said.checks });
      this.limits = said.limits;
      for (const limit of said.limits) if (limit.line) this.trends.line(limit);
      this.events();
      this.pick(true);
      this.redraw();
    } else if (said.tell === "alarm") {
      this.explain(said);
    } else if (said.tell === "note") {
      const note = this.$(".note");
      note.textContent = said.text;
      note.classList.toggle("wrong", said.wrong);
      this.asked = false;
      if (this.waiting) { const next = this.waiting; this.waiting = null; this.ask(next); }
    } else if (said.tell === "at once") {
      this.$(".note").textContent = said.text;
      this.$(".note").classList.remove("wrong");
    } else if (said.tell === "diff") {
      this.$("pre").hidden = false;
      this.$("pre").textContent = said.text;
    }
  }

  events() {
    this.matrix();
    this.$("ol").replaceChildren();
    this.done = 0;
    const worst = (a, b) => ORDER.indexOf(a) > ORDER.indexOf(b) ? a : b;
    const lanes = new Map(this.scene.lanes.map((lane) => [lane.name, lane]));
    for (const lane of this.scene.lanes) lane.bands = [];
    const open = new Map();
    for (const e of this.scene.events) {
      const before = open.get(e.cell);
      if (before) before.to = e.t;
      const lane = lanes.get(e.variable);
      const loud = worst(e.severity, "OK") !== "OK";
      const band = { from: e.t, to: this.length, severity: e.severity };
      open.set(e.cell, band);
      if (lane && loud) lane.bands.push(band);
    }
  }

  matrix() {
    const { devices, checks } = this.scene;
    const table = document.createElement("table");
    const head = table.createTHead().insertRow();
    head.append(document.createElement("th"));
    for (const check of checks) {
      const th = document.createElement("th"), span = document.createElement("span");
      span.textContent = span.title = check;
      th.append(span);
      head.append(th);
    }
    const body = table.createTBody();
    this.cells = devices.map((device) => {
      const row = body.insertRow(), th = document.createElement("th");
      th.textContent = th.title = device || "(all)";
      row.append(th);
      return checks.map(() => row.insertCell());
    });
    this.$(".matrix").replaceChildren(table);
    this.inCell = new Map();
  }

  // Bring matrix and list to the cursor: forward by what happened since, backward from the start.
  advance() {
    const { events } = this.scene;
    if (this.done && events[this.done - 1].t > this.at) {
      this.done = 0;
      this.inCell.clear();
      for (const row of this.cells) for (const td of row) { td.className = ""; td.textContent = td.title = ""; }
      this.$("ol").replaceChildren();
    }
    const first = this.done;
    const touched = new Set();
    while (this.done < events.length && events[this.done].t <= this.at) {
      const e = events[this.done];
      const place = `${e.row}|${e.column}`;
      if (!this.inCell.has(place)) this.inCell.set(place, new Map());
      this.inCell.get(place).set(e.cell, e);
      touched.add(place);
      this.done += 1;
    }
    for (const place of touched) {
      const [row, column] = place.split("|").map(Number);
      const all = [...this.inCell.get(place).values()];
      const worst = all.reduce((a, b) => ORDER.indexOf(b.severity) > ORDER.indexOf(a.severity) ? b : a);
      const td = this.cells[row][column];
      td.className = worst.severity.toLowerCase();
      td.textContent = MARK[worst.severity];
      td.title = `${worst.device} · ${worst.check}: ${worst.severity}. ${worst.reason}`;
    }
    const list = this.$("ol");
    for (const e of events.slice(first, this.done)) if (e.alarm >= 0) list.prepend(this.item(e));
    list.querySelector(".none")?.remove();
    while (list.children.length > 300) list.lastChild.remove();
    if (!list.children.length) {
      const none = document.createElement("li");
      none.className = "none";
      none.textContent = "none";
      list.append(none);
    }
  }

  item(e) {
    const li = document.createElement("li"), button = document.createElement("button");
    const when = document.createElement("small");
    when.textContent = `${this.clock(e.t).split(", ").pop()} ${e.severity} · ${e.check} · `;
    button.className = e.severity.toLowerCase();
    button.append(when, e.variable || e.device, document.createElement("br"), e.reason);
    button.addEventListener("click", () => this.model.send({ ask: "alarm", alarm: e.alarm }));
    button.dataset.alarm = e.alarm;
    li.append(button);
    return li;
  }

  clock(at) { return this.clockFormat.format(new Date((this.scene.start + at) * 1000)); }

  explain(said) {
    const list = this.$(".detail dl");
    list.replaceChildren();
    for (const [word, text] of said.rows) {
      const dt = document.createElement("dt"), dd = document.createElement("dd");
      dt.textContent = word;
      dd.textContent = text;
      list.append(dt, dd);
    }
    this.$(".detail").hidden = false;
    this.$(".detail").dataset.alarm = said.alarm;
    this.explained = said;
    this.around(said);
  }

  // The samples around an alarm, one dot each, and the limits.
  around(said) {
    const canvas = this.$(".detail canvas");
    canvas.hidden = !said.values.length;
    if (!said.values.length) return;
    const [ctx, width, height] = fitted(canvas, 150);
    const css = (name) => getComputedStyle(this.root).getPropertyValue(name);
    const limits = Object.values(said.limit);
    let low = Math.min(...said.values, ...limits), high = Math.max(...said.values, ...limits);
    const room = 0.08 * (high - low) || 1;
    low -= room; high += room;
    const t0 = said.seconds[0], t1 = said.seconds.at(-1);
    const x = (t) => 4 + (width - 110) * (t1 > t0 ? (t - t0) / (t1 - t0) : 0.5);
    const y = (v) => 4 + (height - 22) * (high - v) / (high - low);
    ctx.font = "11px system-ui, sans-serif";
    ctx.strokeStyle = ctx.fillStyle = css("--alarm");
    ctx.setLineDash([5, 3]);
    for (const [key, v] of Object.entries(said.limit)) {
      ctx.beginPath(); ctx.moveTo(4, y(v)); ctx.lineTo(width - 106, y(v)); ctx.stroke();
      ctx.fillText(`${key} ${short(v)}`, width - 102, y(v) + 4);
    }
    ctx.setLineDash([]);
    said.seconds.forEach((t, i) => {
      const v = said.values[i];
      const bad = limits.length && ((said.limit.high !== undefined && v > said.limit.high) || (said.limit.low !== undefined && v < said.limit.low));
      ctx.fillStyle = css(bad ? "--alarm" : "--trace");
      ctx.beginPath(); ctx.arc(x(t), y(v), bad ? 2.6 : 1.8, 0, 7); ctx.fill();
    });
    ctx.fillStyle = css("--soft");
    ctx.fillText(this.clock(t0).split(", ").pop(), 4, height - 4);
    ctx.textAlign = "right";
    ctx.fillText(this.clock(t1).split(", ").pop(), width - 106, height - 4);
    ctx.textAlign = "left";
  }

  // Limits

  which() {
    const select = this.$(".which"), was = select.value;
    select.replaceChildren(...this.limits.map((limit, i) => new Option(`${limit.name}${limit.unit ? ` (${limit.unit})` : ""}`, i)));
    if (was && this.limits[was]) select.value = was;
    else {
      const line = this.limits.findIndex((limit) => limit.line);
      if (line >= 0) select.value = line;
    }
    this.pick();
  }

  limit() { return this.limits[this.$(".which").value]; }

  pick(keep) {
    const limit = this.limit();
    if (!limit) return;
    const slide = this.$(".slide");
    if (!(keep && (this.asked || slide === document.activeElement && this.waiting))) {
      slide.value = 1000 * (limit.value - limit.least) / (limit.most - limit.least);
      this.$(".number").value = typed(limit.value);
    }
    this.$(".unit").textContent = limit.unit;
  }

  change(value) {
    const limit = this.limit();
    value = Number(value.toPrecision(4));
    this.$(".number").value = typed(value);
    if (limit.line) { this.trends.line({ ...limit, value }); this.redraw(); }
    this.ask({ ask: "limit", check: limit.check, key: limit.key, value });
  }

  // One question at a time; while it is answered the latest other one waits.
  ask(question) {
    if (this.asked) { this.waiting = question; return; }
    this.asked = true;
    this.model.send(question);
  }

  theme() {
    const told = document.body.dataset.jpThemeLight;
    const dark = told ? told === "false" : matchMedia("(prefers-color-scheme: dark)").matches;
    this.root.classList.toggle("dark", dark);
    this.redraw();
  }

  redraw() {
    if (this.pending) return;
    this.pending = requestAnimationFrame(() => {
      this.pending = 0;
      if (!this.scene) return;
      this.trends.span = this.model.get("span");
      this.trends.paint(this.live);
      this.draw();
      if (!this.$(".detail").hidden && this.explained) this.around(this.explained);
    });
  }

  draw() {
    if (!this.scene) return;
    this.trends.draw(this.at);
    this.advance();
    this.$(".clock").textContent = this.clock(this.at);
    if (document.activeElement !== this.$(".cursor") || this.playing) this.$(".cursor").value = this.at;
    this.frames += 1;
    this.root.dataset.frames = this.frames;
    this.root.dataset.at = this.at;
  }

  remove() {
    cancelAnimationFrame(this.loop);
    for (const off of this.off) off();
  }
}

export default {
  render({ model, el }) {
    const view = new View(model, el);
    return () => view.remove();
  },
};
